"""Several workers at once: each message once, those about one thing in order."""

import threading
from collections import Counter
from datetime import datetime

import pytest
from django.db import connections

from sdv.common.time import STOCKHOLM
from sdv.common.uuid7 import uuid7
from sdv.outbox import delivery
from sdv.outbox.models import OutboxMessage, Topic

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=STOCKHOLM)


@pytest.mark.django_db(transaction=True)
def test_four_workers_deliver_each_message_once_and_in_order():
    subjects = [uuid7() for _ in range(60)]
    for _ in range(3):
        for subject in subjects:
            OutboxMessage.objects.create(topic=Topic.ENCOUNTER_CHANGED, subject_id=subject, due_at=NOW)
    given, lock = [], threading.Lock()

    class Shared:
        def deliver(self, message):
            with lock:
                given.append((message.subject_id, message.id))

    failures = []

    def work():
        try:
            delivery.deliver_due(at=NOW, to=Shared())
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # A worker that found nothing to take may have gone home before the others were done.
    delivery.deliver_due(at=NOW, to=Shared())
    assert failures == []
    assert set(Counter(given).values()) == {1}
    assert len(given) == 180
    for subject in subjects:
        told = [message for about, message in given if about == subject]
        assert told == sorted(told)
