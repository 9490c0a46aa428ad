"""What the tests stand on: after a test with real transactions the next one finds the database as it was."""

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_what_a_test_commits_is_gone_for_the_next(turn):
    assert not Group.objects.exists()
    Group.objects.create(name=f"turn {turn}")

    def other():
        assert Group.objects.count() == 1
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_catalogues_are_there_also_after_real_transactions(catalogues):
    from scheduling.models import Outcome

    assert Outcome.objects.exists()
