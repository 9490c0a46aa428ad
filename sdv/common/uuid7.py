"""UUID version 7 (RFC 9562): time-ordered keys, made here and, for SQL, by PostgreSQL's own uuidv7()."""

import os
import threading
import time
import uuid

from django.db.models import Func, UUIDField

FURTHEST_AHEAD = 1000 << 12  # one second, in the key's fractions of milliseconds
_last = 0
_one_at_a_time = threading.Lock()


def uuid7():
    """A new UUIDv7: 48 bits of Unix milliseconds, 12 bits of their fraction as PostgreSQL's own has them, 62 random
    bits. Rising within a process: rows written one after another in a transaction are read in that order."""
    global _last
    nanoseconds = time.time_ns()
    moment = (nanoseconds // 1_000_000 << 12) | (nanoseconds % 1_000_000 * 4096 // 1_000_000)
    with _one_at_a_time:
        # A clock set back further than a burst of keys can run ahead is believed: keys must not stay in the future.
        is_burst = moment <= _last < moment + FURTHEST_AHEAD
        moment = _last = _last + 1 if is_burst else moment
    value = (moment >> 12 << 80) | (0x7 << 76) | ((moment & 0xFFF) << 64) | (0x2 << 62)
    return uuid.UUID(int=value | (int.from_bytes(os.urandom(8), "big") >> 2))


def lowest_at(moment):
    """The lowest UUIDv7 of the moment's millisecond: a bound for partitions and time ranges."""
    return uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (0x7 << 76) | (0x2 << 62))


class UUIDv7(Func):
    """PostgreSQL 18's uuidv7()."""

    function = "uuidv7"
    output_field = UUIDField()
