"""Archives that somebody hands in."""

import zipfile
import zlib

# What a damaged archive makes of the library, at its opening or in the middle.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError)


def is_too_much(members, *, most, most_unpacked):
    """Whether there are more members, or more bytes when unpacked, than are read: by what the archive says of itself before
    anything is unpacked. zipfile never reads beyond that."""
    return len(members) > most or sum(member.file_size for member in members) > most_unpacked
