"""One PostgreSQL in a data folder, reached by a private socket only."""

import hashlib
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from . import processes, programs
from .errors import CannotStart

ROLES = Path(__file__).resolve().parent.parent / "common" / "sql" / "roles.sql"
VERSION = "18"
SECONDS_TO_RETRY = 10
SECONDS_TO_RECOVER = 300

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failed statement and its details quote what was typed: personal data, which no log may hold.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# For data that is thrown away: nothing waits for the disk. What was committed still survives kill -9 of the server.
FAST = {"fsync": "off", "full_page_writes": "off"}


class Postgres:
    name = "postgres"

    def __init__(self, folder, sockets, log, *, fast=False):
        self.data = folder / "postgres"
        self.sockets = sockets
        self.log = log
        self.fast = fast

    def url(self, role, database="sdv"):
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='')}&port=5432"

    @property
    def pid(self):
        """The server's process id, or None where no server runs on this data."""
        pid = processes.first_number(self.data / "postmaster.pid")
        return pid if pid and processes.stands_in(pid, self.data, "postgres") else None

    @property
    def is_running(self):
        """Running and accepting connections, as the server itself notes in its file."""
        if self.pid is None:
            return False
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and (self.sockets / ".s.PGSQL.5432").exists()

    def start(self):
        if not (self.data / "PG_VERSION").exists():
            self._create()
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != VERSION:
            raise CannotStart(f"Databasen i {self.data} är gjord av PostgreSQL {found}, inte {VERSION}.")
        deadline = time.monotonic() + SECONDS_TO_RETRY
        while not self._started():
            if time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL startade inte. Loggen slutar så här:\n{last_lines(self.log)}\n")
            time.sleep(0.2)
        self._prepare()

    def _create(self):
        """The data folder is made beside its place and moved there whole: a start cut short leaves nothing half."""
        half = self.data.with_name("postgres.new")
        shutil.rmtree(half, ignore_errors=True)
        made = subprocess.run(
            [
                *programs.ordinary_user(),
                programs.postgres_program("initdb"),
                *["-D", half, "--username=postgres", "--auth-local=trust", "--auth-host=reject"],
                *["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"],
                *(["--no-sync"] if self.fast else []),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=programs.clean_environment(),
            text=True,
            check=False,
        )
        if made.returncode:
            raise CannotStart(f"Databasen kunde inte skapas i {self.data}:\n{made.stdout}\n")
        half.rename(self.data)

    def _started(self):
        """One attempt. A server that outlived its starter but does not answer is waited for, then ended; its child
        processes must be gone before the data is touched again."""
        if self.pid:
            processes.wait_until(lambda: self.is_running or not self.pid, SECONDS_TO_RETRY)
        if self.is_running:
            return True
        processes.end_all(
            self.data,
            "postgres",
            first=[self.pid] if self.pid else [],
            politely=signal.SIGQUIT,
            seconds=SECONDS_TO_RETRY,
        )
        # Nobody stands in the folder any more: a number left in the file belongs to a stranger or to the dead.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        settings = SETTINGS | {"unix_socket_directories": str(self.sockets)} | (FAST if self.fast else {})
        with open(self.log, "ab") as log:
            server = subprocess.Popen(
                [
                    *programs.ordinary_user(),
                    programs.postgres_program("postgres"),
                    *["-D", self.data],
                    *[part for name, value in settings.items() for part in ["-c", f"{name}={value}"]],
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=programs.clean_environment(),
                start_new_session=True,
            )
        processes.wait_until(lambda: self.is_running or server.poll() is not None, SECONDS_TO_RECOVER)
        return self.is_running

    def _prepare(self):
        """Roles, database and extensions: once for each version of the file that says so."""
        wanted = hashlib.sha256(ROLES.read_bytes()).hexdigest()
        mark = self.data / "sdv_roles"
        if mark.exists() and mark.read_text() == wanted:
            return
        psql = [programs.postgres_program("psql"), "-X", "-q", "-h", self.sockets, "-p", "5432", "-U", "postgres"]
        for script in (["-f", ROLES], ["-c", "ALTER ROLE sdv_owner CREATEDB"]):
            done = subprocess.run(
                [*psql, *script, "-o", "/dev/null", "postgres"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=programs.clean_environment() | {"PGOPTIONS": "-c client_min_messages=warning"},
                text=True,
                check=False,
            )
            if done.returncode:
                raise CannotStart(f"Databasens roller kunde inte skapas:\n{done.stderr}\n")
        mark.write_text(wanted)

    def stop(self):
        """Open transactions are rolled back and everything is written down; by force after half a minute."""
        pid = self.pid
        processes.end_all(self.data, "postgres", first=[pid] if pid else [], politely=signal.SIGINT, seconds=30)


def last_lines(file, count=8):
    try:
        return "\n".join(Path(file).read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
