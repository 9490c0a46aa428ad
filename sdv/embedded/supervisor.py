"""What `make run` runs: servers, migrations, catalogues, demo data, then web, worker, beat and
simulators of the population register, of SMS and 1177, and of the engagement index until Ctrl+C.

A program that ends by itself is started again; one that keeps ending stops everything with a sentence."""

import contextlib
import ctypes
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from pathlib import Path

from . import CHECKOUT, LOCAL_FOLDER, ensure_environment
from .errors import CannotStart
from .postgres import last_lines
from .servers import LARGEST_LOG

FIRST_PORT = 8000
PORTS_TO_TRY = 20
RESTARTS = 4
RESTARTS_WITHIN = 60  # seconds
SECONDS_TO_STOP = 20
PR_SET_PDEATHSIG = 1
DEMO_USERS = [
    "reception",
    "kliniker",
    "koordinator",
    "kodare",
    "katalog",
    "chef",
    "support",
    "granskare",
    "integration",
    "nationell",
]


class Stop(Exception):
    """Somebody asked for the end: Ctrl+C, or a signal."""


class Program:
    """One of the programs that make up the running system."""

    def __init__(self, name, swedish, arguments, environment):
        self.name = name
        self.swedish = swedish
        self.arguments = [sys.executable, "-m", *arguments]
        self.environment = environment
        self.log = LOCAL_FOLDER / "log" / f"{name}.log"
        self.process = None
        self.ended = deque(maxlen=RESTARTS)

    def start(self):
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            os.truncate(self.log, 0)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.arguments,
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl+C reaches this process only, which then stops the others in order.
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def revive(self):
        """Starts the program again when it has ended. Raises CannotStart when it keeps ending."""
        code = self.process.poll()
        if code is None:
            return
        present = time.monotonic()
        self.ended.append(present)
        if len(self.ended) == RESTARTS and present - self.ended[0] < RESTARTS_WITHIN:
            raise SystemExit(
                f"{self.swedish} avslutas gång på gång (kod {code}). Allt stoppas."
                f" Loggen {self.log} slutar så här:\n{last_lines(self.log, 15)}"
            )
        say(f"{self.swedish} avslutades oväntat (kod {code}) och startas om.")
        time.sleep(len(self.ended) - 1)
        self.start()

    def ask_to_stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def wait_or_kill(self, deadline):
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def end_with_parent():
    """In the child, before its program: should this process be killed, the child is asked to end."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def run():
    """Runs until somebody asks for the end; returns the exit code."""
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, ask_to_stop)
    with foreground():
        programs = []
        servers = None
        try:
            address = free_address()
            say("Startar databas och kö …")
            servers = ensure_environment(LOCAL_FOLDER)
            environment = {
                "SDV_STATIC_ROOT": str(LOCAL_FOLDER / "static"),
                "SDV_OUTBOX_FOLDER": str(LOCAL_FOLDER / "outbox"),
                "SDV_DOWNTIME_FOLDER": str(LOCAL_FOLDER / "downtime"),
            } | os.environ
            if servers:
                # Demo users with a known password: only on our own servers, which nobody else reaches.
                environment["SDV_DEMO"] = "1"
            register = None
            if environment.get("SDV_DEMO") == "1" and not environment.get("SDV_PU_ADDRESS"):
                register = free_port()
                environment |= {"SDV_PU_ADDRESS": f"http://127.0.0.1:{register}/pu", "SDV_PU_TEST_PERSONS": "1"}
            patients = None
            if environment.get("SDV_DEMO") == "1" and not environment.get("SDV_SMS_ADDRESS"):
                patients = free_port()
                environment |= {
                    "SDV_SMS_ADDRESS": f"http://127.0.0.1:{patients}/sms",
                    "SDV_PORTAL_ADDRESS": f"http://127.0.0.1:{patients}/1177",
                }
            index = None
            if environment.get("SDV_DEMO") == "1" and not environment.get("SDV_EI_ADDRESS"):
                index = free_port()
                environment |= {
                    "SDV_HSA_ID": "SE2321000255-SDV1",
                    "SDV_EI_ADDRESS": f"http://127.0.0.1:{index}/index",
                    "SDV_EI_LOGICAL_ADDRESS": "SE2321000255-EI01",
                }
            LOCAL_FOLDER.joinpath("log").mkdir(parents=True, exist_ok=True)
            prepare(environment)
            programs += the_programs(environment, address, register, patients, index)
            for program in programs:
                program.start()
            wait_for_answer(address, programs)
            say(welcome(address, demo=environment.get("SDV_DEMO") == "1"))
            watch(programs, servers)
        except Stop:
            # A second Ctrl+C shall not cut the orderly end short.
            ignore_signals()
            say("\nStoppar …")
            return 0
        finally:
            ignore_signals()
            stop(programs)
            if servers:
                servers.stop()
            say("Allt är stoppat.")
    return 0


def the_programs(environment, address, register=None, patients=None, index=None):
    host, port = address
    without_pool = environment | {"SDV_DATABASE_POOL": "0"}
    simulator = Program(
        "register",
        "Simulatorn av personuppgiftstjänsten",
        ["sdv.adapters.rivta.simulator", str(register)],
        without_pool,
    )
    gateways = Program(
        "patients", "Simulatorn av SMS och 1177", ["sdv.adapters.patients.simulator", str(patients)], without_pool
    )
    engagements = Program(
        "index", "Simulatorn av engagemangsindex", ["sdv.adapters.rivta.simulator.index", str(index)], without_pool
    )
    return [
        *([simulator] if register else []),
        *([gateways] if patients else []),
        *([engagements] if index else []),
        Program(
            "web",
            "Webbservern",
            [
                *["gunicorn", "sdv.wsgi:application", "--bind", f"{host}:{port}", "--no-control-socket"],
                *["--workers=2", "--worker-class=gthread", "--threads=4", "--graceful-timeout=10"],
            ],
            environment,
        ),
        Program(
            "worker",
            "Jobbprocessen (Celery)",
            [
                *["celery", "-A", "sdv.celery", "worker", "--concurrency=2", "--loglevel=INFO"],
                *["--without-gossip", "--without-mingle"],
            ],
            without_pool,
        ),
        Program(
            "beat",
            "Klockan (Celery beat)",
            [
                *["celery", "-A", "sdv.celery", "beat", "--loglevel=WARNING", "--pidfile="],
                f"--schedule={LOCAL_FOLDER / 'celerybeat-schedule'}",
            ],
            without_pool,
        ),
    ]


# --- Preparing ----------------------------------------------------------------------------------------------------


def prepare(environment):
    """Everything the programs expect: tables, catalogues, static files and, the first time, demo data."""
    owner = ["--database=owner"] if environment.get("SDV_OWNER_DATABASE_URL") else []
    say("Uppdaterar databasens tabeller …")
    manage(environment, "migrate", "--no-input", "--verbosity=0", *owner)
    say("Läser in kataloger …")
    manage(environment, "load_catalogues")
    collect_static_files(environment)
    seeded = LOCAL_FOLDER / "demo_data_is_in"
    if environment.get("SDV_DEMO") == "1" and not seeded.exists():
        say("Lägger in påhittade demodata. Det görs bara första gången och tar någon minut …")
        manage(environment, "seed_demo")
        seeded.touch()


def manage(environment, *arguments):
    """Runs manage.py and stops everything where it fails."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=environment | {"SDV_DATABASE_POOL": "0", "SDV_LOG_LEVEL": environment.get("SDV_LOG_LEVEL", "WARNING")},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    try:
        code = process.wait()
    except Stop:
        process.terminate()
        process.wait()
        raise
    if code:
        raise SystemExit(f"manage.py {arguments[0]} misslyckades (kod {code}); se ovan.")


def collect_static_files(environment):
    """Only when a file has changed since the last time."""
    digest = hashlib.sha256((CHECKOUT / "requirements.lock").read_bytes())
    for file in sorted((CHECKOUT / "static").rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(CHECKOUT)} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
    mark = LOCAL_FOLDER / "static_files_are"
    if Path(environment["SDV_STATIC_ROOT"]).is_dir() and mark.exists() and mark.read_text() == digest.hexdigest():
        return
    say("Samlar statiska filer …")
    manage(environment, "collectstatic", "--no-input", "--clear", "--verbosity=0")
    mark.write_text(digest.hexdigest())


def free_address():
    """Loopback only. SDV_PORT chooses; otherwise the first free port from 8000 on."""
    chosen = os.environ.get("SDV_PORT", "")
    if chosen and not chosen.isdigit():
        raise SystemExit(f"SDV_PORT ska vara ett portnummer, inte ”{chosen}”.")
    candidates = [int(chosen)] if chosen else range(FIRST_PORT, FIRST_PORT + PORTS_TO_TRY)
    for port in candidates:
        with socket.socket() as trying:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trying.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return "127.0.0.1", port
    if chosen:
        raise SystemExit(f"Port {chosen} är upptagen. Välj en annan med SDV_PORT.")
    raise SystemExit(f"Portarna {FIRST_PORT}–{FIRST_PORT + PORTS_TO_TRY - 1} är upptagna. Välj en annan med SDV_PORT.")


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        return trying.getsockname()[1]


# --- Running ------------------------------------------------------------------------------------------------------


def wait_for_answer(address, programs, seconds=60):
    """The address is told when something answers there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for program in programs:
            program.revive()
        try:
            with urllib.request.urlopen(f"http://{address[0]}:{address[1]}/health/live", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"Webbservern svarar inte efter {seconds} sekunder; se {LOCAL_FOLDER}/log/web.log.")


def watch(programs, servers):
    """Returns never: ends by Stop, or by SystemExit when something cannot be kept running."""
    while True:
        time.sleep(1)
        if servers and not servers.are_kept:
            if not servers.are_running:
                say("Databasen eller kön har stannat och startas om.")
            try:
                servers.start()
            except CannotStart as refusal:
                raise SystemExit(str(refusal)) from refusal
        for program in programs:
            program.revive()


def stop(programs):
    """Beat first, so that nothing new is sent; then web and worker, which finish what they are doing."""
    deadline = time.monotonic() + SECONDS_TO_STOP
    for program in reversed(programs):
        program.ask_to_stop()
    for program in programs:
        program.wait_or_kill(deadline)


def welcome(address, *, demo):
    lines = ["", f"  Systemet är igång:  http://{address[0]}:{address[1]}/", ""]
    if demo:
        lines += [
            "  Demoanvändare (lösenord: demo):",
            f"    {', '.join(DEMO_USERS[:5])},",
            f"    {', '.join(DEMO_USERS[5:])}",
            "  Alla uppgifter är påhittade. Lägg inte in riktiga patienter.",
            "",
        ]
    return "\n".join([*lines, f"  Loggar finns i {LOCAL_FOLDER}/log. Stoppa med Ctrl+C.", ""])


def say(text):
    # The terminal may be gone: that is no reason to leave anything running.
    with contextlib.suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def ask_to_stop(*_):
    raise Stop


def ignore_signals():
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def foreground():
    """At a terminal, Ctrl+C goes to this process and not to make, which would call an orderly end a failure."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield
        return
    before = os.getpgrp()
    is_ours = os.tcgetpgrp(terminal) == before and os.getpid() != before
    previous = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        if is_ours:
            os.setpgid(0, 0)
            os.tcsetpgrp(terminal, os.getpgrp())
        yield
    finally:
        if is_ours:
            os.tcsetpgrp(terminal, before)
        signal.signal(signal.SIGTTOU, previous)
        os.close(terminal)
