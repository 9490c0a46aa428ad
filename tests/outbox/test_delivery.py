"""The outbox delivers at least once, in order, by a channel that the settings name."""

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from sdv.adapters.folder import FolderChannel
from sdv.common.time import STOCKHOLM
from sdv.common.uuid7 import uuid7
from sdv.outbox import delivery
from sdv.outbox.models import OutboxMessage, Topic

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=STOCKHOLM)


class Noting:
    """A channel that notes what it is given, and fails for the topics it is told to."""

    def __init__(self, *failing):
        self.failing, self.given = failing, []

    def deliver(self, message):
        self.given.append(message)
        if message.topic in self.failing:
            raise ConnectionError("Maria Öberg 19460218-2384")


def written(topic=Topic.ENCOUNTER_ENDED, subject_id=None, **fields):
    return OutboxMessage.objects.create(
        topic=topic, subject_id=subject_id or uuid7(), payload={"version": 3}, due_at=NOW, **fields
    )


def test_a_due_message_is_delivered_once_with_its_own_id():
    row = written()
    channel = Noting()
    assert delivery.deliver_due(at=NOW, to=channel) == (1, 0)
    assert delivery.deliver_due(at=NOW, to=channel) == (0, 0)
    (message,) = channel.given
    assert (message.id, message.topic, message.subject_id) == (row.pk, "encounter-ended", row.subject_id)
    assert message.payload == {"version": 3}
    row.refresh_from_db()
    assert (row.delivered_at, row.attempts) == (NOW, 1)


def test_what_is_not_due_or_stopped_stays():
    OutboxMessage.objects.filter(pk=written().pk).update(due_at=NOW + timedelta(minutes=1))
    written(stopped_at=NOW)
    assert delivery.deliver_due(at=NOW, to=Noting()) == (0, 0)


def test_a_failed_message_is_tried_again_later_with_the_same_id_and_waits_longer_each_time():
    row = written()
    failing = Noting(Topic.ENCOUNTER_ENDED)
    at = NOW
    waits = []
    for attempt in range(1, 12):
        assert delivery.deliver_due(at=at, to=failing) == (0, 1)
        assert delivery.deliver_due(at=at, to=failing) == (0, 0)
        row.refresh_from_db()
        assert (row.attempts, row.delivered_at) == (attempt, None)
        waits.append((row.due_at - at) // timedelta(minutes=1))
        at = row.due_at
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    assert delivery.deliver_due(at=at, to=Noting()) == (1, 0)
    assert {message.id for message in failing.given} == {row.pk}
    row.refresh_from_db()
    assert row.last_error == ""


def test_of_a_failure_only_its_kind_is_kept(caplog):
    """Another system's words may hold personal data."""
    row = written()
    delivery.deliver_due(at=NOW, to=Noting(Topic.ENCOUNTER_ENDED))
    row.refresh_from_db()
    assert row.last_error == "ConnectionError"
    assert "Öberg" not in caplog.text


def test_a_later_message_about_the_same_thing_waits_for_the_earlier_one():
    """VH-20, VH-21: nobody is told of a change before the thing itself; what is about other things goes on."""
    ended = written()
    changed = written(Topic.ENCOUNTER_CHANGED, subject_id=ended.subject_id)
    other = written(Topic.ENCOUNTER_CHANGED)
    channel = Noting(Topic.ENCOUNTER_ENDED)
    assert delivery.deliver_due(at=NOW, to=channel) == (1, 1)
    assert [message.id for message in channel.given] == [ended.pk, other.pk]
    channel = Noting()
    assert delivery.deliver_due(at=NOW + timedelta(minutes=1), to=channel) == (2, 0)
    assert [message.id for message in channel.given] == [ended.pk, changed.pk]


def test_messages_about_one_thing_are_delivered_in_the_order_they_were_written():
    first = written()
    rows = [first, *(written(Topic.ENCOUNTER_CHANGED, subject_id=first.subject_id) for _ in range(3))]
    channel = Noting()
    assert delivery.deliver_due(at=NOW, to=channel) == (4, 0)
    assert [message.id for message in channel.given] == [row.pk for row in rows]


def test_what_a_stopped_worker_had_claimed_comes_again_when_its_lease_has_run_out():
    """At least once."""
    row = written()
    assert [claimed.pk for claimed in delivery.claim(at=NOW)] == [row.pk]
    assert delivery.claim(at=NOW + timedelta(minutes=4)) == []
    assert delivery.deliver_due(at=NOW + timedelta(minutes=5), to=Noting()) == (1, 0)


def test_a_message_stopped_while_it_was_delivered_stays_stopped():
    """AV-02: the cascade may stop a message at any time."""
    row = written(Topic.APPOINTMENT_CANCELLED)

    class Stopping(Noting):
        def deliver(self, message):
            OutboxMessage.objects.filter(pk=message.id).update(stopped_at=NOW)

    delivery.deliver_due(at=NOW, to=Stopping())
    row.refresh_from_db()
    assert (row.stopped_at, row.delivered_at) == (NOW, None)


def test_the_folder_holds_one_whole_file_per_message_however_often_it_is_delivered(tmp_path):
    row = written()
    channel = FolderChannel(tmp_path / "ut")
    for _ in range(2):
        delivery.deliver_due(at=NOW, to=channel)
        OutboxMessage.objects.filter(pk=row.pk).update(delivered_at=None, due_at=NOW)
    (file,) = (tmp_path / "ut").iterdir()
    assert file.name == f"{row.pk}.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    assert told["id"] == str(row.pk)
    assert told["subject"] == str(row.subject_id)
    assert sorted(told) == ["created_at", "id", "payload", "subject", "topic"]


def test_the_job_delivers_by_the_channel_of_the_settings(settings, tmp_path):
    settings.SDV_OUTBOX_FOLDER = str(tmp_path)
    row = written()
    out = StringIO()
    call_command("run_job", "outbox", at=NOW.isoformat(), stdout=out)
    assert out.getvalue().splitlines() == ["levererade meddelanden: 1", "misslyckade leveranser: 0"]
    assert (tmp_path / f"{row.pk}.json").exists()


def test_the_job_fails_where_a_message_could_not_be_delivered(settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.SDV_OUTBOX_FOLDER = str(tmp_path / "file")
    row = written()
    out = StringIO()
    with pytest.raises(CommandError, match="1 meddelanden kunde inte levereras"):
        call_command("run_job", "outbox", at=NOW.isoformat(), stdout=out)
    assert out.getvalue().splitlines() == ["levererade meddelanden: 0", "misslyckade leveranser: 1"]
    row.refresh_from_db()
    assert row.last_error in ("FileExistsError", "NotADirectoryError")
