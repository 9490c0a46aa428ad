"""A whole system on data of its own: servers, web, worker. None of it is the test run's."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import time as clock
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from sdv import embedded
from sdv.common.time import at_local, local_date, now
from sdv.embedded.processes import wait_until
from tests.many import BOOKED_ONCE, ENDED_ONCE, FILL, HISTORIES, WRONG_ENDS

CHECKOUT = Path(__file__).resolve().parent.parent.parent
FASTEST_RETRY = 0.2  # seconds between two tries of a client that got no answer


def pytest_collection_modifyitems(items):
    """One worker runs them all, one after the other: they share a system and want the machine."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.crash)
            item.add_marker(pytest.mark.xdist_group("crash"))


@pytest.fixture(autouse=True, scope="package")
def _clock_of_the_programs(real_hour):
    with real_hour():
        yield


class Program:
    """A program of the system, in a process group of its own."""

    def __init__(self, system, name, arguments, environment):
        self.log = system.folder / f"{name}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self):
        """kill -9 of the program with all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class System:
    """Servers with tables and catalogues, and what runs on them."""

    def __init__(self, folder):
        self.folder = folder
        self.servers = embedded.Servers(folder / "instance", fast=True)
        self.programs = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self):
        self.servers.start()
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("SDV_", "DJANGO_"))}
        self.environment = (
            bare
            | embedded.environment(self.servers)
            | {
                "DJANGO_SETTINGS_MODULE": "sdv.settings",
                "SDV_STATIC_ROOT": str(self.folder / "static"),
                "SDV_OUTBOX_FOLDER": str(self.folder / "outbox"),
                "SDV_LOG_LEVEL": "WARNING",
            }
        )
        self.manage("migrate", "--no-input", "--verbosity=0", "--skip-checks", "--database=owner")
        self.manage("load_catalogues", "--utan-koder")
        self.world = json.loads(self.run("tests.crash.world"))

    def stop(self):
        for program in self.programs:
            program.kill()
        self.servers.stop()

    # --- What runs ---------------------------------------------------------------------------------------------

    def run(self, *module_and_arguments):
        """Runs a program to its end and returns what it printed."""
        ran = subprocess.run(
            [sys.executable, "-m", *module_and_arguments],
            cwd=CHECKOUT,
            env=self.environment | {"SDV_DATABASE_POOL": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{module_and_arguments}: {ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def manage(self, *arguments):
        return self.run("django", *arguments)

    def job(self, name):
        """An operator runs a job by hand. Returns its lines."""
        return self.manage("run_job", name).splitlines()

    def begin(self, name, *arguments, **environment):
        """Starts a program and does not wait for its end."""
        program = Program(self, name, arguments, self.environment | environment)
        self.programs.append(program)
        return program

    def web(self):
        """The web server as `make run` starts it, answering."""
        program = self.begin(
            "web",
            *["gunicorn", "sdv.wsgi:application", "--bind", f"127.0.0.1:{self.port}", "--no-control-socket"],
            *["--workers=2", "--worker-class=gthread", "--threads=4"],
        )
        assert wait_until(lambda: self.ask("/health/live")[0] == 200, 30, every=0.1), program.log.read_text()
        return program

    def worker(self):
        """The Celery worker as `make run` starts it."""
        return self.begin(
            "worker",
            *["celery", "-A", "sdv.celery", "worker", "--concurrency=2", "--loglevel=WARNING"],
            *["--without-gossip", "--without-mingle"],
            SDV_DATABASE_POOL="0",
        )

    def work_until(self, worker, condition, seconds=40):
        """Waits until it is so. A worker that has ended is started again: what `make run`, and compose's restart, do."""
        workers = [worker]

        def is_so():
            if workers[-1].process.poll() is not None:
                workers.append(self.worker())
            return condition()

        assert wait_until(is_so, seconds, every=0.2), worker.log.read_text()

    def send(self, *jobs):
        """Puts jobs in the queue, as beat does."""
        script = "from sdv.celery import RUN_JOB, app; [app.send_task(RUN_JOB, [name]) for name in %r]"
        self.manage("shell", "--no-imports", "-c", script % (list(jobs),))

    # --- What it says -------------------------------------------------------------------------------------------

    def ask(self, path, body=None, key=None, seconds=15):
        """(status, body) of an answer, or (None, None) where there was none."""
        headers = {"Authorization": f"Bearer {self.world['token']}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                text = refusal.read()
            return refusal.code, json.loads(text) if text[:1] in b"{[" and text else text
        except (urllib.error.URLError, OSError, ValueError):
            return None, None

    def sql(self, statement, parameters=None):
        with psycopg.connect(self.servers.owner_url, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()

    def count(self, table, condition="true"):
        return self.sql(f"SELECT count(*) FROM {table} WHERE {condition}")[0][0]

    # --- Work -----------------------------------------------------------------------------------------------------

    def put_in_due(self, count):
        """So many visits of yesterday and the day before that wait for their automatic end."""
        today = local_date(now())
        with psycopg.connect(self.servers.postgres.url("postgres")) as connection:
            connection.execute(
                FILL,
                {
                    "patients": self.world["patients"],
                    "care_unit": self.world["care_unit"],
                    "type": "primarvard",
                    "status": "in_progress",
                    "days": [today - timedelta(days=1), today - timedelta(days=2)],
                    "count": count,
                },
            )

    def empty(self):
        """No contacts, bookings or messages."""
        tables = (
            "registration_encounter, registration_encounterhistory, outbox_outboxmessage, accounts_idempotentanswer"
        )
        with psycopg.connect(self.servers.postgres.url("postgres")) as connection:
            connection.execute(f"TRUNCATE {tables} CASCADE")
            connection.execute("TRUNCATE scheduling_bookingrequest, flows_deceasedcascade CASCADE")
            connection.execute("UPDATE registration_patient SET deceased_on = NULL, deceased_registered_at = NULL")
        shutil.rmtree(self.folder / "outbox", ignore_errors=True)

    def pass_time(self, how_long):
        """What waits in the outbox has waited so much longer."""
        self.sql("UPDATE outbox_outboxmessage SET due_at = due_at - %s::interval RETURNING id", [how_long])

    @property
    def ended(self):
        return self.count("registration_encounter", "status = 'ended'")

    def assert_each_ended_once(self, count, *, booked=0):
        """VH-17, VH-18, VH-20: nothing lost, nothing doubled, at its own day's 23:59; the booked are as they were."""
        expected = [(ENDED_ONCE, count), (BOOKED_ONCE, booked)]
        assert sorted(self.sql(HISTORIES)) == sorted(row for row in expected if row[1])
        assert self.sql(WRONG_ENDS) == [(0,)]
        told = "SELECT count(*), count(DISTINCT subject_id) FROM outbox_outboxmessage WHERE topic = 'encounter-ended'"
        assert self.sql(told) == [(count, count)]

    def assert_whole(self):
        """The agreements between tables hold, UT-07 among them."""
        lines = self.job("check-invariants")
        assert all(line.endswith(": 0") for line in lines), lines

    def booking(self, number):
        """What a client posts for its visit number so-and-so: each has a time of its own, from the day after tomorrow."""
        day, slot = divmod(number, 40)
        start = at_local(local_date(now()) + timedelta(days=2 + day), clock(1 + slot // 2, slot % 2 * 30))
        return {
            "patient": self.world["patients"][number % len(self.world["patients"])],
            "care_unit": self.world["care_unit"],
            "visit_type": self.world["visit_type"],
            "contact_reason": self.world["contact_reason"],
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "resources": [self.world["resource"]],
        }


class Clients:
    """Four clients that book one visit after another, each with an Idempotency-Key, and ask again with the same key
    until they are answered."""

    def __init__(self, system, numbers, patience=60):
        self.system = system
        self.deadline = time.monotonic() + patience
        self.waiting = list(numbers)
        self.answers = {}
        self.without_answer = 0
        self.threads = [threading.Thread(target=self._book) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def _book(self):
        while self.waiting:
            try:
                number = self.waiting.pop()
            except IndexError:
                return
            while time.monotonic() < self.deadline:
                status, answer = self.system.ask(
                    "/api/v1/appointments/", self.system.booking(number), f"besok-{number}"
                )
                if status is not None and status < 500:
                    self.answers[number] = (status, answer)
                    break
                self.without_answer += 1
                time.sleep(FASTEST_RETRY)

    def wait_for(self, count):
        assert wait_until(lambda: len(self.answers) >= count, 30), self.answers

    def finish(self):
        for thread in self.threads:
            thread.join()
        return self.answers


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    made = System(tmp_path_factory.mktemp("crash"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def system(installed):
    """Nobody has been here yet; what a test starts is ended with it."""
    installed.empty()
    yield installed
    while installed.programs:
        installed.programs.pop().kill()
    installed.servers.start()


@pytest.fixture
def clients(system):
    """Starts clients that book."""
    started = []

    def start(numbers):
        started.append(Clients(system, numbers))
        return started[-1]

    yield start
    for each in started:
        each.deadline = 0
        each.finish()
