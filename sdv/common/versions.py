"""The version of a row that people and systems change at the same time: judged and raised while the row is locked (PL-27)."""

from .errors import StaleVersion


def refuse_stale(row, version, *, by=None, at=None):
    """Raises StaleVersion where the caller read another version of the locked row, with who changed it and when where
    that is known; None is somebody who asks for no comparison."""
    if version is not None and version != row.version:
        raise StaleVersion(current=row.version, given=version).told(by, at)


def write(row, **changes):
    """Writes named fields of a locked row and raises its version. Returns the row."""
    changes["version"] = row.version + 1
    for field, value in changes.items():
        setattr(row, field, value)
    row.save(update_fields=list(changes))
    return row
