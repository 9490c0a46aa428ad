"""Keys are UUID version 7: rising, timed, and of one kind with PostgreSQL's own."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from sdv.common.uuid7 import lowest_at, uuid7


def test_keys_rise_within_a_process():
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == 20_000
    assert {(key.version, key.variant) for key in made} == {(7, "specified in RFC 4122")}


def test_a_key_carries_its_moment():
    before = time.time_ns() // 1_000_000
    key = uuid7()
    after = time.time_ns() // 1_000_000
    # Twenty thousand keys in a burst may run a few milliseconds ahead.
    assert before <= key.int >> 80 <= after + 50


def test_the_lowest_key_of_a_moment_parts_before_from_after():
    now = datetime.now(UTC)
    assert lowest_at(now - timedelta(seconds=1)) < uuid7() < lowest_at(now + timedelta(seconds=2))


@pytest.mark.django_db
@pytest.mark.usefixtures("at_the_real_hour")
def test_postgresql_s_keys_sort_with_ours():
    with connection.cursor() as cursor:
        first = uuid7()
        time.sleep(0.06)
        cursor.execute("SELECT uuidv7()")
        second = cursor.fetchone()[0]
        time.sleep(0.06)
    assert first < second < uuid7()
