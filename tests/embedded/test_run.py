"""`make run`: everything runs until Ctrl+C, what dies is started again, and nothing is left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from sdv.embedded import Servers, supervisor
from sdv.embedded.processes import wait_until

CHECKOUT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]


class Running:
    """`python -m sdv.embedded run` on data of its own."""

    def __init__(self, folder, **environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        folder.mkdir(exist_ok=True)
        # Demo data has tests of its own and takes its time.
        (folder / "demo_data_is_in").touch()
        self.folder = folder
        self.servers = Servers(folder)
        self.output = folder / "output"
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("SDV_", "DJANGO_"))}
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sdv.embedded", "run"],
                cwd=CHECKOUT,
                env=bare | {"SDV_LOCAL_FOLDER": str(folder), "SDV_PORT": str(self.port)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def told(self):
        return self.output.read_text()

    def wait_until_told(self, words, seconds=150):  # every migration, from nothing
        assert wait_until(lambda: words in self.told or self.process.poll() is not None, seconds, every=0.1), self.told
        assert words in self.told, self.told

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=15) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, OSError):
            return {}

    def programs(self, words):
        """Ids of the programs this process started whose command line has the words."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            try:
                if words in " ".join(child.cmdline()):
                    found.append(child.pid)
            except psutil.NoSuchProcess:
                continue
        return found

    def everything(self):
        """Ids of all processes that belong to this run, also those whose parent is gone."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and process.environ().get("SDV_LOCAL_FOLDER") == str(self.folder):
                    found.append(process.pid)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def end(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def running(tmp_path):
    runs = []

    def start(**environment):
        runs.append(Running(tmp_path / "local", **environment))
        return runs[-1]

    yield start
    for run in runs:
        run.end()
        assert wait_until(lambda run=run: run.everything() == [], 30, every=0.2), run.told


def test_what_is_killed_is_started_again_and_ctrl_c_stops_all(running):
    run = running()
    run.wait_until_told("Stoppa med Ctrl+C")
    assert f"http://127.0.0.1:{run.port}/" in run.told
    assert re.search(r"reception, kliniker, koordinator.*\n.*integration", run.told)
    assert (run.ready()["database"], run.ready()["broker"]) == ("ok", "ok")

    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for pid in run.everything()
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert len(listening) == 4, "the pages, and the simulators of the register, of SMS and 1177, and of the index"
    assert ("127.0.0.1", run.port) in listening
    assert {address for address, _ in listening} == {"127.0.0.1"}

    for words, swedish in [("gunicorn", "Webbservern"), (" worker ", "Jobbprocessen"), (" beat ", "Klockan")]:
        (before,) = run.programs(words)
        os.kill(before, signal.SIGKILL)
        run.wait_until_told(f"{swedish} ")
        run.wait_until_told("startas om")
        assert wait_until(lambda words=words, before=before: run.programs(words) not in ([], [before]), 15)

    for name in ["postgres", "valkey"]:
        pid = run.servers.kill(name)
        server = getattr(run.servers, name)
        assert wait_until(lambda server=server, pid=pid: server.is_running and server.pid != pid, 30)
    assert wait_until(lambda: (run.ready().get("database"), run.ready().get("broker")) == ("ok", "ok"), 30, every=0.5)

    assert run.end() == 0
    assert "Allt är stoppat." in run.told
    assert wait_until(lambda: run.everything() == [], 10)


def test_when_it_is_killed_itself_nothing_is_left_and_the_next_start_works(running):
    run = running()
    run.wait_until_told("Stoppa med Ctrl+C")
    run.end(signal.SIGKILL)
    assert wait_until(lambda: run.everything() == [], 40, every=0.2)

    again = running()
    again.wait_until_told("Stoppa med Ctrl+C")
    assert again.ready()["database"] == "ok"
    assert again.end(signal.SIGTERM) == 0


def test_a_taken_port_is_told_before_anything_is_started(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = Running(tmp_path / "local", SDV_PORT=port)
        assert run.process.wait(30) == 1
    assert f"Port {port} är upptagen. Välj en annan med SDV_PORT." in run.told
    assert not (tmp_path / "local" / "postgres").exists()


def test_a_step_that_fails_stops_everything_with_a_sentence(running):
    run = running(SDV_LOG_LEVEL="NO_SUCH_LEVEL")
    assert run.process.wait(60) == 1
    assert "manage.py migrate misslyckades (kod 1); se ovan." in run.told
    assert "Allt är stoppat." in run.told


def test_a_program_that_keeps_ending_is_not_started_for_ever(tmp_path, monkeypatch, capsys):
    program = supervisor.Program("web", "Webbservern", ["no_such_module"], dict(os.environ))
    program.log = tmp_path / "web.log"
    monkeypatch.setattr(supervisor.time, "sleep", lambda _: None)
    program.start()
    with pytest.raises(SystemExit, match="Webbservern avslutas gång på gång") as stopped:
        while True:
            program.process.wait(20)
            program.revive()
    assert "No module named no_such_module" in stopped.value.code
    assert capsys.readouterr().out.count("Webbservern avslutades oväntat (kod 1) och startas om.") == 3
