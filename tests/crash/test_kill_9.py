"""kill -9 of each part while jobs and bookings run; then it is started again. Nothing is lost, nothing is doubled, and
the agreements between tables hold."""

import json

import pytest

from sdv.embedded.processes import wait_until
from tests.crash.codes import CODES
from tests.crash.deaths import REQUESTS
from tests.crash.markings import HELD
from tests.crash.merges import PAIRS
from tests.crash.merges import REQUESTS as REQUESTS_MOVED

pytestmark = pytest.mark.timeout(120)

DUE = 15_000
BOOKINGS = 40


def assert_booked_once(system, answers):
    """Each client was answered with its own visit, and there are no others."""
    assert {status for status, _ in answers.values()} == {201}, answers
    assert len({answer["id"] for _, answer in answers.values()}) == len(answers) == BOOKINGS
    assert system.count("scheduling_appointment") == BOOKINGS
    assert system.count("scheduling_resourcebooking", "state = 'booked'") == BOOKINGS
    system.assert_whole()


def test_a_job_by_hand_is_killed_and_run_again(system):
    """VH-17, VH-20"""
    due = 0
    # One that had finished before it was killed tells nothing: then more is put in and another is killed.
    for _ in range(5):
        system.put_in_due(DUE)
        due += DUE
        before = system.ended
        running = system.begin("job", "django", "run_job", "auto-discharge")
        assert wait_until(lambda: system.ended > before, 30)  # noqa: B023
        running.kill()
        if system.ended < due:
            break
    # What the dead had begun is rolled back as soon as the database notices.
    done = system.ended
    assert done < due
    assert done % 5000 == 0
    system.job("auto-discharge")
    system.assert_each_ended_once(due)
    assert system.job("auto-discharge")[0].endswith(": 0")


def test_the_cascade_is_killed_among_the_dead_and_finds_who_is_pending(system):
    """AV-02: each patient's cascade is whole or not there at all; run again, the rest follows, once."""
    system.run("tests.crash.deaths")
    patients = system.count("registration_patient", "deceased_on IS NOT NULL")
    running = system.begin("job", "django", "run_job", "deceased-cascade")
    assert wait_until(lambda: system.count("flows_deceasedcascade", "run_at IS NOT NULL") > 0, 30)
    running.kill()
    done = system.count("flows_deceasedcascade", "run_at IS NOT NULL")
    assert 0 < done < patients
    changes = "SELECT count(*) FROM flows_cascadechange JOIN flows_deceasedcascade c ON c.id = cascade_id GROUP BY c.id"
    assert system.sql(changes) == [(REQUESTS + 1,)] * done
    assert system.count("scheduling_bookingrequest", "status = 'open'") == REQUESTS * (patients - done)
    assert system.count("scheduling_appointment", "status = 'booked'") == patients - done
    assert system.job("deceased-cascade") == [f"genomförda kaskader: {patients - done}"]
    assert system.sql(changes) == [(REQUESTS + 1,)] * patients
    assert system.count("scheduling_bookingrequest", "status = 'open'") == 0
    assert system.count("scheduling_resourcebooking") == 0
    assert system.job("deceased-cascade") == ["genomförda kaskader: 0"]
    system.assert_whole()


def test_a_code_list_is_read_in_as_a_whole_or_not_at_all(system):
    """KL-05: the worker dies in the middle of its writing; nothing is left of it, and the clock begins again."""
    system.run("tests.crash.codes")
    at_it = "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'kodlista % 2 %'"
    running = system.begin("job", "django", "run_job", "code-imports")
    assert wait_until(lambda: any(int(name.split()[3]) > 0 for (name,) in system.sql(at_it)), 60, every=0.02)
    running.kill()
    assert wait_until(lambda: not system.sql(at_it), 20)
    tables = ("code", "coderelease", "codesynonym", "codeword")
    assert [system.count(f"classification_{name}") for name in tables] == [0, 0, 0, 0]
    assert system.sql("SELECT state FROM classification_codeimport") == [("queued",)]
    assert system.job("code-imports")[0].startswith(f"ICD-10-SE krasch: ICD-10-SE: {CODES} koder ({CODES} nya, ")
    assert system.count("classification_code") == CODES
    assert system.sql("SELECT state, version FROM classification_coderelease") == [("ready", "krasch")]
    assert system.sql("SELECT state FROM classification_codeimport") == [("in_effect",)]
    assert system.job("code-imports") == ["kodlistor att läsa in: 0"]


def test_a_merge_that_is_killed_has_moved_all_or_nothing_and_so_has_its_undo(system):
    """RI-02, PL-13: whole or not there at all; begun again, the rest follows, once."""
    system.run("tests.crash.merges", "prepare")
    moved_each = (
        "SELECT count(c.id) FROM flows_patientmerge m LEFT JOIN flows_mergechange c ON c.merge_id = m.id GROUP BY m.id"
    )
    of_the_old = "patient_id IN (SELECT id FROM registration_patient WHERE surname = 'Person')"

    def assert_moved(merged):
        assert system.count("scheduling_bookingrequest", of_the_old) == REQUESTS_MOVED * (PAIRS - merged)
        assert system.count("registration_patientidentity", of_the_old) == PAIRS - merged
        assert system.count("registration_patient", "merged_into_id IS NOT NULL") == merged

    for act, living in (("merge", "undone_at IS NULL"), ("undo", "undone_at IS NOT NULL")):
        running = system.begin(act, "tests.crash.merges", act)
        assert wait_until(lambda: system.count("flows_patientmerge", living) > 0, 30, every=0.01)  # noqa: B023
        running.kill()
        done = system.count("flows_patientmerge", living)
        assert 0 < done < PAIRS
        assert system.sql(moved_each) == [(REQUESTS_MOVED + 1,)] * system.count("flows_patientmerge")
        assert_moved(done if act == "merge" else PAIRS - done)
        system.assert_whole()
        system.run("tests.crash.merges", act)
        assert_moved(PAIRS if act == "merge" else 0)


def test_a_marking_that_is_killed_has_purged_everything_or_marked_nobody(system):
    """SK-02: nobody is half protected: marked with a phone left, or without one and not marked."""
    system.run("tests.crash.markings", "prepare")
    patients = system.count("registration_patient")
    running = system.begin("mark", "tests.crash.markings", "mark")
    assert wait_until(lambda: system.count("registration_patient", "protection <> ''") > 0, 30, every=0.01)
    running.kill()
    done = system.count("registration_patient", "protection <> ''")
    assert 0 < done < patients
    for table in ("phone", "relation"):
        left = f"SELECT count(*) FROM registration_patient{table} GROUP BY patient_id"
        assert system.sql(left) == [(HELD,)] * (patients - done)
    assert system.count("registration_patient", "(protection <> '') <> (surname = '')") == 0
    assert system.count("registration_patienthistory", "event = 'protected'") == done
    system.run("tests.crash.markings", "mark")
    assert system.count("registration_patientphone") == system.count("registration_patientrelation") == 0
    assert system.count("registration_patienthistory", "event = 'protected'") == patients


def test_the_worker_is_killed_during_its_jobs(system):
    """VH-17, VH-20: and every message reaches the channel, under one id."""
    system.put_in_due(DUE)
    worker = system.worker()
    system.send("auto-discharge", "auto-discharge", "outbox")
    assert wait_until(lambda: system.ended > 0, 40), worker.log.read_text()
    worker.kill()
    worker = system.worker()
    # The clock sends the same again each minute; no work depends on what the dead worker had taken.
    system.send("auto-discharge", "outbox")
    assert wait_until(lambda: system.ended == DUE, 40, every=0.2), worker.log.read_text()
    system.assert_each_ended_once(DUE)
    system.assert_whole()


def test_the_outbox_is_killed_during_delivery_and_delivers_the_rest(system):
    """VH-20: at least once, with one id; what a dead worker had claimed comes again when its lease has run out."""
    system.put_in_due(1500)
    system.job("auto-discharge")
    system.pass_time("1 minute")
    folder = system.folder / "outbox"
    delivering = system.begin("outbox", "django", "run_job", "outbox")
    assert wait_until(lambda: folder.exists() and any(folder.glob("*.json")), 30)
    delivering.kill()
    assert system.count("outbox_outboxmessage", "delivered_at IS NULL") > 0
    system.job("outbox")
    system.pass_time("5 minutes")
    system.job("outbox")
    assert system.count("outbox_outboxmessage", "delivered_at IS NULL") == 0
    told = [json.loads(file.read_text())["subject"] for file in folder.glob("*.json")]
    assert len(told) == len(set(told)) == 1500


def test_the_web_server_is_killed_under_bookings(system, clients):
    """BO-01, PL-27: a client that got no answer asks again with its key, and has one visit."""
    web = system.web()
    booking = clients(range(BOOKINGS))
    booking.wait_for(BOOKINGS // 4)
    web.kill()
    system.web()
    assert_booked_once(system, booking.finish())
    system.assert_each_ended_once(0, booked=BOOKINGS)
    assert booking.without_answer


def test_without_valkey_people_book_and_the_system_says_that_it_is_degraded(system, clients):
    """BO-01: what is queued survives, and the worker goes on when Valkey is back."""
    system.web()
    system.put_in_due(DUE)
    system.send("auto-discharge")
    system.servers.kill("valkey")
    assert system.ask("/health/ready") == (200, {"database": "ok", "broker": "degraded", "beat": "degraded"})
    answers = clients(range(BOOKINGS)).finish()
    system.servers.start()
    assert system.ask("/health/ready")[1]["broker"] == "ok"
    worker = system.worker()
    assert wait_until(lambda: system.ended > 0, 40), worker.log.read_text()
    system.servers.kill("valkey")
    system.servers.start()
    # A worker with work in hand ends when its broker goes away (kombu cannot give the work back) and is started again.
    # What it had in hand it may have done or not: the clock sends the same each minute.
    system.send("auto-discharge")
    system.work_until(worker, lambda: system.ended == DUE)
    system.assert_each_ended_once(DUE, booked=BOOKINGS)
    assert_booked_once(system, answers)


def test_postgresql_is_killed_under_jobs_and_bookings(system, clients):
    """BO-01, VH-17: 503 while it is away; web and worker go on when it is back, without being started again."""
    web, worker = system.web(), system.worker()
    booking = clients(range(BOOKINGS))
    system.put_in_due(DUE)
    system.send("auto-discharge")
    assert wait_until(lambda: system.ended > 0, 40), worker.log.read_text()
    booking.wait_for(3)
    system.servers.kill("postgres")
    # A backend that was in the middle of something may answer once more before it notices.
    assert wait_until(lambda: system.ask("/health/ready", seconds=30)[0] == 503, 20)
    assert system.ask("/health/ready", seconds=30)[1]["database"] == "failed"
    system.servers.start()
    assert wait_until(lambda: system.ask("/health/ready")[0] == 200, 20, every=0.1)
    answers = booking.finish()
    system.send("auto-discharge")
    assert wait_until(lambda: system.ended == DUE, 40, every=0.2), worker.log.read_text()
    system.assert_each_ended_once(DUE, booked=BOOKINGS)
    assert_booked_once(system, answers)
    assert web.process.poll() is worker.process.poll() is None
