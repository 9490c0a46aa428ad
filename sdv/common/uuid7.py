"""UUID version 7 (RFC 9562): time-ordered keys, made here and, for SQL, by PostgreSQL's own uuidv7()."""

import os
import time
import uuid

from django.db.models import Func, UUIDField


def uuid7():
    """A new UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds << 80) | value
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def lowest_at(moment):
    """The lowest UUIDv7 of the moment's millisecond: a bound for partitions and time ranges."""
    return uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (0x7 << 76) | (0x2 << 62))


class UUIDv7(Func):
    """PostgreSQL 18's uuidv7()."""

    function = "uuidv7"
    output_field = UUIDField()
