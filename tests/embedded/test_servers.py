"""The embedded servers live as long as somebody uses them, and nothing that dies blocks the next start."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from sdv.embedded import CannotStart, Servers, ensure_environment, programs
from sdv.embedded.processes import in_folder, wait_until

CHECKOUT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.crash, pytest.mark.timeout(60)]

STARTER = """
import sys, time
from sdv.embedded import Servers
servers = Servers(sys.argv[1], fast=True)
servers.start()
print(servers.postgres.pid, servers.valkey.pid, flush=True)
time.sleep(float(sys.argv[2]))
"""


def starter(folder, *, seconds=60):
    """Another process that starts the servers and stays."""
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, folder, str(seconds)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )


def pids_told_by(process):
    return [int(word) for word in process.stdout.readline().split()]


def end(process):
    process.kill()
    process.wait()
    process.stdout.close()


def write_a_row(servers):
    with psycopg.connect(servers.owner_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def count_rows(servers):
    with psycopg.connect(servers.application_url) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def queue(servers):
    return redis.Redis.from_url(servers.broker_url.replace("redis+socket://", "unix://"))


def everything_in(servers):
    return in_folder(servers.postgres.data, "postgres") + in_folder(servers.valkey.data, "valkey-server")


def test_a_second_start_finds_rows_and_queued_messages_again(servers):
    servers.start()
    write_a_row(servers)
    with queue(servers) as client:
        client.rpush("queued", "message")
    servers.stop()
    assert everything_in(servers) == []

    again = Servers(servers.folder, fast=True)
    with again, queue(again) as client:
        assert count_rows(again) == 1
        assert client.lrange("queued", 0, -1) == [b"message"]


def test_the_servers_are_postgresql_18_and_valkey_9(servers):
    servers.start()
    with psycopg.connect(servers.application_url) as connection, queue(servers) as client:
        assert connection.info.server_version // 10000 == 18
        assert client.info("server")["valkey_version"].startswith("9.")


def test_the_application_reads_and_writes_rows_but_changes_and_empties_no_table(servers):
    servers.start()
    write_a_row(servers)
    with psycopg.connect(servers.application_url, autocommit=True) as connection:
        connection.execute("UPDATE kept SET number = 2")
        for forbidden in ["TRUNCATE kept", "DROP TABLE kept", "CREATE TABLE other (number int)"]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)
        extensions = connection.execute("SELECT extname FROM pg_extension").fetchall()
    assert {("btree_gist",), ("pg_trgm",), ("unaccent",)} <= set(extensions)
    assert count_rows(servers) == 1


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_server_killed_under_its_user_is_started_again_with_its_data(servers, name):
    servers.start()
    write_a_row(servers)
    with queue(servers) as client:
        client.set("kept", "value")

    servers.kill(name)
    assert not servers.are_running
    servers.start()

    assert count_rows(servers) == 1
    with queue(servers) as client:
        assert client.get("kept") == b"value"


def test_the_servers_stop_when_their_starter_is_killed(servers):
    process = starter(servers.folder)
    pids_told_by(process)
    end(process)
    assert wait_until(lambda: everything_in(servers) == [], 20)


def test_servers_left_by_a_killed_starter_and_guardian_are_adopted(servers):
    process = starter(servers.folder)
    pids = pids_told_by(process)
    os.kill(int((servers.folder / "guardian.lock").read_text()), signal.SIGKILL)
    end(process)

    servers.start()

    assert [servers.postgres.pid, servers.valkey.pid] == pids
    servers.stop()
    assert everything_in(servers) == []


def test_the_last_user_stops_the_servers_when_the_guardian_was_killed(servers):
    servers.start()
    os.kill(int((servers.folder / "guardian.lock").read_text()), signal.SIGKILL)
    assert wait_until(lambda: not servers.are_kept, 10)
    assert servers.are_running

    servers.stop()

    assert everything_in(servers) == []


def test_everything_killed_at_once_leaves_nothing_that_blocks_the_next_start(servers):
    process = starter(servers.folder)
    postgres, valkey = pids_told_by(process)
    for pid in [int((servers.folder / "guardian.lock").read_text()), postgres, valkey]:
        os.kill(pid, signal.SIGKILL)
    end(process)
    assert (servers.folder / "postgres" / "postmaster.pid").exists()
    assert (servers.folder / "sockets_are_in").exists() or (servers.folder / "sockets" / "valkey.sock").exists()

    servers.start()

    assert servers.are_running
    assert servers.postgres.pid != postgres


def test_a_process_number_that_a_stranger_has_now_neither_blocks_the_start_nor_hurts_the_stranger(servers):
    servers.start()
    servers.stop()
    (servers.folder / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{servers.postgres.data}\n")
    servers.start()
    assert servers.are_running


def test_a_user_who_joined_keeps_the_servers_when_the_starter_is_killed(servers):
    process = starter(servers.folder)
    pids = pids_told_by(process)
    servers.start()
    end(process)
    assert not wait_until(lambda: not servers.are_running, 1)
    assert [servers.postgres.pid, servers.valkey.pid] == pids


def test_two_starts_at_once_share_one_pair_of_servers(servers):
    processes = [starter(servers.folder) for _ in range(3)]
    told = [pids_told_by(process) for process in processes]
    for process in processes:
        end(process)
    assert len(told[0]) == 2
    assert told[0] == told[1] == told[2]
    assert wait_until(lambda: everything_in(servers) == [], 20)


def test_nothing_is_listened_on_but_sockets_that_only_the_owner_reaches(servers):
    servers.start()
    for pid in everything_in(servers):
        assert psutil.Process(pid).net_connections(kind="inet") == []
    assert stat.S_IMODE(servers.valkey.socket.parent.stat().st_mode) == 0o700
    assert (servers.postgres.sockets / ".s.PGSQL.5432").is_socket()


def test_a_long_checkout_gets_a_short_socket_path_and_finds_it_again(tmp_path):
    folder = tmp_path / ("lång" * 30)
    with Servers(folder, fast=True) as servers:
        path = servers.postgres.sockets / ".s.PGSQL.5432"
        assert path.is_socket()
        assert len(os.fsencode(path)) < 100
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert Servers(folder).broker_url == servers.broker_url
    shutil.rmtree(path.parent)


def test_a_recorded_socket_folder_that_others_may_enter_is_not_used(tmp_path):
    folder = tmp_path / ("lång" * 30)
    folder.mkdir()
    open_to_all = Path(tempfile.mkdtemp(prefix="sdv-"))
    open_to_all.chmod(0o777)
    (folder / "sockets_are_in").write_text(str(open_to_all))
    chosen = Servers(folder).postgres.sockets
    assert chosen != open_to_all
    chosen.rmdir()
    open_to_all.rmdir()


# --- Refusals ---------------------------------------------------------------------------------------------------


@pytest.fixture
def root_without_namespaces(tmp_path, monkeypatch):
    """As in many containers: the user is root, and unshare is not allowed."""
    barred = tmp_path / "bin"
    barred.mkdir()
    (barred / "unshare").write_text("#!/bin/sh\necho 'unshare: Operation not permitted' >&2\nexit 1\n")
    (barred / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", f"{barred}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    programs.ordinary_user.cache_clear()
    yield
    programs.ordinary_user.cache_clear()


def test_root_without_user_namespaces_is_told_to_name_a_server(servers, root_without_namespaces):
    with pytest.raises(CannotStart, match=r"tillåter inte användarnamnrymder.*SDV_DATABASE_URL"):
        servers.start()
    assert not servers.folder.exists()


def test_data_of_another_postgresql_is_refused_and_left_alone(servers):
    servers.start()
    servers.stop()
    (servers.postgres.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(CannotStart, match="gjord av PostgreSQL 17, inte 18"):
        servers.start()
    assert everything_in(servers) == []
    (servers.postgres.data / "PG_VERSION").write_text("18\n")


# --- The environment --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SDV_DATABASE_URL", "SDV_BROKER_URL", "SDV_SECRET_KEY"])
def test_nothing_is_started_where_somebody_configures_the_system(tmp_path, monkeypatch, name):
    for other in ["SDV_DATABASE_URL", "SDV_BROKER_URL", "SDV_SECRET_KEY"]:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "somebody's")
    assert ensure_environment(tmp_path / "instance") is None
    assert not (tmp_path / "instance").exists()


def test_the_environment_is_set_and_the_secret_key_is_kept_for_its_owner(tmp_path):
    ask = textwrap.dedent(
        """
        import os, sys
        from sdv.embedded import ensure_environment
        ensure_environment(sys.argv[1], fast=True)
        for name in ["SDV_SECRET_KEY", "SDV_ALLOWED_HOSTS", "SDV_LOCAL", "SDV_DATABASE_URL", "SDV_OWNER_DATABASE_URL"]:
            print(os.environ[name])
        """
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SDV_")}
    told = [
        subprocess.run(
            [sys.executable, "-c", ask, tmp_path / "instance"],
            cwd=CHECKOUT,
            env=bare,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    key, hosts, local, application, owner = told[0]
    assert told[0] == told[1]
    assert len(key) >= 50
    assert (hosts, local) == ("127.0.0.1,localhost,[::1]", "1")
    assert application.startswith("postgresql://sdv@/sdv?host=")
    assert owner.startswith("postgresql://sdv_owner@/sdv?host=")
    assert stat.S_IMODE((tmp_path / "instance" / "secret_key").stat().st_mode) == 0o600
