"""What beat sends and the worker does with it."""

import json
import logging
from datetime import UTC, datetime

import pghistory
import pytest
import time_machine
from celery.schedules import crontab
from django.core.management import CommandError, call_command

from sdv.celery import app
from sdv.common import health
from sdv.common.logs import JsonFormatter
from sdv.desk import tasks
from sdv.desk.jobs import JOBS

SCHEDULE = app.conf.beat_schedule
MOMENT = datetime(2026, 11, 21, 22, 59, tzinfo=UTC)
FAR = datetime(2031, 5, 1, 4, 5, tzinfo=UTC)


@pytest.fixture
def calls(monkeypatch):
    """A job that only notes what it was called with, and the change log's context it ran in."""
    noted = []

    def job(**given):
        context = getattr(pghistory.runtime._tracker, "value", None)
        noted.append(given | {"context": dict(context.metadata) if context else {}})
        return ["rows: 2", "others: 0"]

    monkeypatch.setitem(JOBS, "noted", job)
    return noted


def test_every_scheduled_job_exists():
    scheduled = {entry["args"][0] for entry in SCHEDULE.values() if entry["task"] == tasks.run_job.name}
    assert scheduled <= set(JOBS)


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)


@pytest.mark.parametrize("name", ["reveal-preregistrations", "auto-discharge", "deceased-cascade", "outbox"])
def test_what_is_due_is_looked_for_each_minute(name):
    assert SCHEDULE[name]["schedule"] == crontab()
    assert SCHEDULE[name]["args"] == [name]


def test_invariants_are_checked_at_night_by_stockholms_clock():
    assert SCHEDULE["check-invariants"]["schedule"] == crontab(hour=3, minute=15)
    assert app.conf.timezone == "Europe/Stockholm"


def test_messages_expire_before_the_next_one_so_that_a_stop_leaves_no_heap():
    for name, entry in SCHEDULE.items():
        limit = 60 if entry["schedule"] == crontab() else 24 * 3600
        assert 0 < entry["options"]["expires"] < limit, name


@time_machine.travel(datetime(2026, 11, 21, 22, 59, 20, tzinfo=UTC), tick=False)
def test_a_job_runs_as_of_the_present_whole_minute_and_is_named_in_the_change_logs_context(calls):
    tasks.run_job.apply(args=["noted"], task_id="0f1e2d3c", throw=True)
    (call,) = calls
    assert call["at"] == MOMENT
    assert call["context"] == {"job": "noted", "request": "0f1e2d3c"}


def test_a_finished_job_is_one_log_line_with_the_messages_id(calls, caplog):
    with caplog.at_level(logging.INFO, logger="sdv.desk.tasks"):
        tasks.run_job.apply(args=["noted"], throw=True)
    (record,) = [record for record in caplog.records if record.name == "sdv.desk.tasks"]
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["job"], line["count"]) == ("job done", "noted", 2)


def test_a_failing_job_is_named_in_the_log_and_its_error_goes_on(monkeypatch, caplog):
    def fails(**_):
        raise ZeroDivisionError

    monkeypatch.setitem(JOBS, "failing", fails)
    with pytest.raises(ZeroDivisionError):
        tasks.run_job.apply(args=["failing"], throw=True)
    assert [record.job for record in caplog.records if record.message == "job failed"] == ["failing"]


def test_beats_tick_is_written_down(monkeypatch):
    monkeypatch.setattr(health, "BEAT_KEY", "sdv:beat-tick:test")
    with health.broker() as client:
        client.delete(health.BEAT_KEY)
        with time_machine.travel(MOMENT, tick=False):
            tasks.beat_tick.apply(throw=True)
        assert float(client.get(health.BEAT_KEY)) == MOMENT.timestamp()
        client.delete(health.BEAT_KEY)


# --- By hand ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["2026-11-21T23:59", "2026-11-21T23:59:20", "2026-11-21T22:59:20+00:00"],
    ids=["Stockholm's clock", "seconds are cut", "an offset counts"],
)
def test_run_job_takes_its_now_from_the_operator(calls, capsys, text):
    call_command("run_job", "noted", "--at", text)
    assert calls[0]["at"] == MOMENT
    assert calls[0]["dry_run"] is False
    assert capsys.readouterr().out.splitlines() == ["rows: 2", "others: 0"]


def test_run_job_hands_on_that_nothing_shall_be_written(calls):
    call_command("run_job", "noted", "--dry-run")
    assert calls[0]["dry_run"] is True


@pytest.mark.parametrize("arguments", [["unknown"], ["noted", "--at", "i morgon"]], ids=["no such job", "no such time"])
def test_run_job_refuses_what_it_does_not_understand(calls, arguments):
    with pytest.raises(CommandError):
        call_command("run_job", *arguments)
    assert calls == []


def test_partitions_are_made_once_and_a_rehearsal_makes_none(db):
    wanted = "partitions made: 8"
    assert JOBS["partitions"](at=FAR, dry_run=True)[0].startswith(wanted)
    assert JOBS["partitions"](at=FAR)[0].startswith(wanted)
    assert JOBS["partitions"](at=FAR, dry_run=True) == ["partitions made: 0"]
    assert JOBS["partitions"](at=FAR) == ["partitions made: 0"]
