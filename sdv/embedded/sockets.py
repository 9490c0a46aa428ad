"""Where the sockets lie. The kernel cuts a socket's path at 108 bytes, so a long checkout gets a short folder."""

import os
import stat
import tempfile
from pathlib import Path

LONGEST = 100
LONGEST_NAME = ".s.PGSQL.5432"


def socket_folder(folder):
    """A folder only its owner may enter: inside `folder` where the path is short enough, else a temporary one whose
    place is written down in `folder`, so that the next process finds the same sockets."""
    inside = folder / "sockets"
    if fits(inside):
        inside.mkdir(mode=0o700, parents=True, exist_ok=True)
        return inside
    note = folder / "sockets_are_in"
    if note.exists():
        noted = Path(note.read_text())
        if is_private(noted):
            return noted
    made = Path(tempfile.mkdtemp(prefix="sdv-"))
    if not fits(made):
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix="sdv-", dir="/tmp"))
    written = note.with_name(f"{note.name}.{os.getpid()}")
    written.write_text(str(made))
    written.rename(note)
    return made


def fits(folder):
    return len(os.fsencode(folder / LONGEST_NAME)) < LONGEST


def is_private(folder):
    """A folder of ours that nobody else may enter: temporary folders are cleaned, and their names can be taken."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
