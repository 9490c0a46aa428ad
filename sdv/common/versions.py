"""The version of a row that people and systems change at the same time: judged and raised while the row is locked (PL-27)."""

from .errors import StaleVersion


def refuse_stale(row, version, *, by="", at=""):
    """Raises StaleVersion where the caller read another version of the locked row; None is somebody who asks for no
    comparison. `by` and `at` name the row's fields of who changed it and when, read after the lock: what is joined to a
    row that was waited for is as it was before."""
    if version is not None and version != row.version:
        stale = StaleVersion(current=row.version, given=version)
        raise stale.told(getattr(row, by), getattr(row, at)) if by else stale


def write(row, **changes):
    """Writes named fields of a locked row and raises its version. Returns the row."""
    changes["version"] = row.version + 1
    for field, value in changes.items():
        setattr(row, field, value)
    row.save(update_fields=list(changes))
    return row
