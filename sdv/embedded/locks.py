"""File locks that the kernel releases when their holder dies, however it dies."""

import fcntl
import os
import time

from .errors import CannotStart


class FileLock:
    """One lock on one file. Shared holders know nothing of each other; the exclusive holder is alone."""

    def __init__(self, file):
        self.file = file
        self.handle = None

    def take(self, *, shared=False, seconds=None):
        """Takes the lock, waiting at most `seconds` (None: without end). Returns whether it was had."""
        self.handle = self.handle or os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        if seconds is None:
            fcntl.flock(self.handle, kind)
            return True
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self.handle, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.02)
            else:
                return True

    def release(self):
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    @property
    def is_held(self):
        return self.handle is not None

    def __enter__(self):
        if not self.take(seconds=120):
            raise CannotStart(f"En annan start av servrarna pågår sedan två minuter ({self.file}).")
        return self

    def __exit__(self, *_):
        self.release()
