"""One Valkey in a data folder, reached by a private socket only. What is queued survives a restart."""

import socket
import subprocess
import time

from . import processes, programs
from .errors import CannotStart
from .postgres import SECONDS_TO_RECOVER, SECONDS_TO_RETRY, last_lines

CONFIGURATION = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{data}"
pidfile "{data}/valkey.pid"
daemonize no
set-proc-title no
databases 1
save ""
appendonly yes
appendfsync {sync}
aof-load-truncated yes
maxmemory-policy noeviction
"""


class Valkey:
    name = "valkey"

    def __init__(self, folder, sockets, log, *, fast=False):
        self.data = folder / "valkey"
        self.socket = sockets / "valkey.sock"
        self.log = log
        self.fast = fast

    @property
    def url(self):
        """As Celery writes it; redis-py says unix:// for the same."""
        return f"redis+socket://{self.socket}"

    @property
    def pid(self):
        """The server's process id, or None where no server runs on this data."""
        pid = processes.first_number(self.data / "valkey.pid")
        return pid if pid and processes.stands_in(pid, self.data, "valkey-server") else None

    @property
    def is_running(self):
        """Running, its data read, and answering."""
        if self.pid is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
                asking.settimeout(2)
                asking.connect(str(self.socket))
                asking.sendall(b"PING\r\n")
                return asking.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def start(self):
        self.data.mkdir(mode=0o700, exist_ok=True)
        deadline = time.monotonic() + SECONDS_TO_RETRY
        while not self._started():
            if time.monotonic() > deadline:
                raise CannotStart(f"Valkey startade inte. Loggen slutar så här:\n{last_lines(self.log)}\n")
            time.sleep(0.2)

    def _started(self):
        if self.pid:
            processes.wait_until(lambda: self.is_running or not self.pid, SECONDS_TO_RETRY)
        if self.is_running:
            return True
        self.stop()
        configuration = self.data / "valkey.conf"
        configuration.write_text(
            CONFIGURATION.format(socket=self.socket, data=self.data, sync="no" if self.fast else "everysec")
        )
        with open(self.log, "ab") as log:
            server = subprocess.Popen(
                [programs.valkey_program(), configuration],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        processes.wait_until(lambda: self.is_running or server.poll() is not None, SECONDS_TO_RECOVER)
        return self.is_running

    def stop(self):
        pid = self.pid
        processes.end_all(self.data, "valkey-server", first=[pid] if pid else [], seconds=10)
