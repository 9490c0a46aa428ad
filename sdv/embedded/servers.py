"""The two servers of one folder, and who keeps them alive.

Every process that uses the servers holds a shared lock on `users.lock`; the kernel releases it when the process ends,
however it ends. A guardian (`guardian.py`), one small process in a session of its own, waits for that lock alone:
when it gets it nobody is left, and it stops the servers. So Ctrl+C, kill -9 and an ordinary end are one case, a second
terminal may use the servers of the first, and no signal handler is put into anyone's process.

Starts and stops take turns by `start.lock`. A guardian that was killed is replaced by the next start, which adopts
servers that still run and starts those that do not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from . import processes, programs
from .errors import CannotStart
from .locks import FileLock
from .postgres import Postgres, last_lines
from .sockets import socket_folder
from .valkey import Valkey

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LARGEST_LOG = 10 * 1024 * 1024


class Servers:
    """PostgreSQL and Valkey in a folder. `fast` does without waiting for the disk, for data that is thrown away."""

    def __init__(self, folder, *, fast=False):
        self.folder = Path(folder).resolve()
        self.fast = fast
        self.users = FileLock(self.folder / "users.lock")
        self._postgres = self._valkey = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # --- What runs -------------------------------------------------------------------------------------------

    def _open(self):
        """The folder exists and the servers' places are known."""
        if self._postgres is None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / "log").mkdir(exist_ok=True)
            sockets = socket_folder(self.folder)
            self._postgres = Postgres(self.folder, sockets, self.folder / "log" / "postgres.log", fast=self.fast)
            self._valkey = Valkey(self.folder, sockets, self.folder / "log" / "valkey.log", fast=self.fast)

    @property
    def postgres(self):
        self._open()
        return self._postgres

    @property
    def valkey(self):
        self._open()
        return self._valkey

    @property
    def both(self):
        return [self.postgres, self.valkey]

    @property
    def are_running(self):
        return all(server.is_running for server in self.both)

    @property
    def are_kept(self):
        """Running, and watched over by a guardian."""
        return self.are_running and self._guardian_lives()

    @property
    def application_url(self):
        return self.postgres.url("sdv")

    @property
    def owner_url(self):
        return self.postgres.url("sdv_owner")

    @property
    def broker_url(self):
        return self.valkey.url

    # --- Start and stop --------------------------------------------------------------------------------------

    def start(self):
        """Both servers run and are kept while this process lives. May be called again, also to revive one that was
        killed. Raises CannotStart."""
        programs.require()
        self._open()
        with FileLock(self.folder / "start.lock"):
            # A guardian about to stop holds the lock only until it sees that a start is under way.
            if not self.users.take(shared=True, seconds=60):
                raise CannotStart(f"Servrarna i {self.folder} håller på att stängas men blir inte klara.")
            try:
                if not self.are_kept:
                    self._end_guardian()
                    self._begin_guardian()
            except BaseException:
                self.users.release()
                raise

    def stop(self):
        """This process no longer needs the servers. Returns when they are gone, unless somebody else uses them."""
        if not self.users.is_held:
            return
        last = self.users.take(seconds=0)
        self.users.release()
        if not last:
            return
        processes.wait_until(lambda: not self._guardian_lives(), 60)
        with FileLock(self.folder / "start.lock"):
            # Nothing is left to do here unless the guardian was killed and took its duty with it.
            if not self._guardian_lives() and self.users.take(seconds=0):
                for server in reversed(self.both):
                    server.stop()
            self.users.release()

    def kill(self, name):
        """kill -9 of `postgres` or `valkey`, as a crash would: what a crash test needs."""
        server = {server.name: server for server in self.both}[name]
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        processes.wait_until(lambda: server.pid is None, 10)
        return pid

    # --- The guardian ----------------------------------------------------------------------------------------

    @property
    def _guardian_lock(self):
        return self.folder / "guardian.lock"

    def _guardian_lives(self):
        lock = FileLock(self._guardian_lock)
        free = lock.take(shared=True, seconds=0)
        lock.release()
        return not free

    def _end_guardian(self):
        """The guardian goes, the servers stay: the next one adopts them."""
        pid = processes.first_number(self._guardian_lock)
        if pid and self._guardian_lives():
            processes.send(pid, signal.SIGKILL)
            processes.wait_until(lambda: not self._guardian_lives(), 10)

    def _begin_guardian(self):
        log = self.folder / "log" / "guardian.log"
        for file in (self.folder / "log").iterdir():
            if file.stat().st_size > LARGEST_LOG:
                os.truncate(file, 0)
        with open(log, "ab") as errors:
            guardian = subprocess.Popen(
                [sys.executable, "-m", "sdv.embedded.guardian", str(self.folder), *(["--fast"] if self.fast else [])],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        with guardian.stdout as answers:
            answer = answers.readline()
        # A guardian ends long after this call; nobody waits for it as a child.
        guardian.returncode = 0
        if not answer:
            raise CannotStart(f"Servrarna startade inte. Loggen slutar så här:\n{last_lines(log)}\n")
        if refusal := json.loads(answer)["refusal"]:
            raise CannotStart(refusal)
