"""Values as every answer of the API writes them: times with Stockholm's offset in whole minutes, dates, coded values."""

from .time import local


def moment(value):
    """2026-11-21T09:45:00+01:00, or None."""
    return local(value).replace(second=0, microsecond=0).isoformat() if value else None


def day(value):
    """2026-11-21, or None."""
    return value.isoformat() if value else None


def coded(row):
    """A catalogue value: {"code", "text"}, or None."""
    return {"code": row.code, "text": row.name} if row else None
