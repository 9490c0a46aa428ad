"""PA-04: each night all patients are held against the register: five hundred in a call, resumed where it stopped, begun at
a minute of its own."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.test import override_settings

from registration.models import Patient, PatientHistory
from sdv.common.time import local
from sdv.desk.demo.identities import personnummer
from sdv.desk.jobs import JobFailed, pu_nightly
from sdv.flows import register_nightly
from sdv.flows.models import RegisterNight
from tests import factories as make
from tests.registers import connected, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]

# Long after every installation has begun.
NIGHT = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
NEXT_NIGHT = NIGHT + timedelta(days=1)


@pytest.fixture
def few_a_call(monkeypatch):
    """Batches of two, one call at a time."""
    monkeypatch.setattr(register_nightly, "LARGEST_BATCH", 2)
    with override_settings(SDV_PU_PARALLEL_CALLS=1):
        yield


@pytest.fixture
def five():
    """Five adults whom the register knows by another surname."""
    numbers = [number for number in personnummer() if "1950" < number[:4] < "2000"][:5]
    return [make.patient(identity=number, given_name="Vera", surname="Gammal") for number in numbers]


def numbers_of(patients):
    return [patient.identities.get().value for patient in patients]


@pytest.fixture
def simulator(five):
    with connected(*(person(number, surname="Ny") for number in numbers_of(five))) as running:
        yield running


def run(at=NIGHT, **options):
    return register_nightly.run(at=at, clock=count().__next__, **options)


def surnames(patients):
    return list(
        Patient.objects.filter(pk__in=[row.pk for row in patients]).order_by("pk").values_list("surname", flat=True)
    )


def test_all_are_asked_about_and_what_is_new_is_written(five, simulator):
    result = run()
    assert result.state == "done"
    assert (result.counts.asked, result.counts.changed, result.counts.unknown) == (5, 5, 0)
    assert surnames(five) == ["Ny"] * 5
    assert simulator.requests == ["GetPersonsForProfile"]
    assert run().state == "done"
    assert len(simulator.requests) == 1


def test_the_next_night_confirms_what_is_the_same_and_writes_no_history(five, simulator):
    run()
    history = PatientHistory.objects.count()
    versions = list(Patient.objects.order_by("pk").values_list("version", flat=True))
    result = run(NEXT_NIGHT)
    assert (result.counts.asked, result.counts.changed) == (5, 0)
    assert PatientHistory.objects.count() == history
    assert list(Patient.objects.order_by("pk").values_list("version", flat=True)) == versions
    assert set(Patient.objects.values_list("confirmed_at", flat=True)) == {NEXT_NIGHT}


def test_a_dry_run_tells_and_writes_nothing(five, simulator):
    before = list(Patient.objects.order_by("pk").values())
    assert run(dry_run=True).counts.changed == 5
    assert list(Patient.objects.order_by("pk").values()) == before
    assert not RegisterNight.objects.exists()


def test_a_run_that_is_cut_off_is_taken_up_where_it_was(five, simulator, few_a_call, monkeypatch):
    """A batch is remembered when it is done: one that dies in the middle of it is asked about again, the others not."""
    taken = register_nightly.take_over
    done = []

    def dies_at_the_fourth(**options):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(options["patient_id"])
        return taken(**options)

    monkeypatch.setattr(register_nightly, "take_over", dies_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        run()
    night = RegisterNight.objects.get()
    assert (night.asked, night.after_id, night.finished_at) == (2, five[1].pk, None)
    monkeypatch.setattr(register_nightly, "take_over", taken)
    before = len(simulator.requests)
    assert run(NIGHT + timedelta(minutes=5)).state == "done"
    assert len(simulator.requests) - before == 2
    night.refresh_from_db()
    assert (night.asked, night.finished_at) == (5, NIGHT + timedelta(minutes=5))
    assert surnames(five) == ["Ny"] * 5
    assert PatientHistory.objects.filter(event="register_told").count() == 5


def test_a_register_that_fails_stops_the_run_and_the_next_goes_on(five, simulator, few_a_call, monkeypatch):
    monkeypatch.setattr("sdv.adapters.rivta.transport.time.sleep", lambda seconds: None)
    calls = count(1)
    run(wait=lambda seconds: simulator.fail("fault" if next(calls) == 1 else ""))
    assert surnames(five) == ["Ny", "Ny", "Gammal", "Gammal", "Gammal"]
    with pytest.raises(JobFailed, match="nästa körning fortsätter") as failed:
        pu_nightly(at=NIGHT)
    assert failed.value.lines == [
        (
            "folkbokföringen: tillfrågade 2, ändrade 2, okända 0, utan användbart svar 0, att granska 0, misslyckade 2;"
            " avbruten, 3 kvar"
        )
    ]
    simulator.fail("")
    assert run(NIGHT + timedelta(minutes=5)).state == "done"
    assert surnames(five) == ["Ny"] * 5


def test_a_run_works_for_some_minutes_and_leaves_the_rest_to_the_next(five, simulator, few_a_call):
    clock = count(0, register_nightly.SECONDS_AT_A_TIME - 1).__next__
    result = register_nightly.run(at=NIGHT, clock=clock)
    assert (result.state, result.left) == ("more", 3)


def test_one_whose_record_cannot_be_taken_over_does_not_stop_the_others(five, simulator, monkeypatch, caplog):
    taken = register_nightly.take_over

    def fails_for_the_first(**options):
        if options["patient_id"] == five[0].pk:
            raise ValueError("Gammal, Vera")
        return taken(**options)

    monkeypatch.setattr(register_nightly, "take_over", fails_for_the_first)
    result = run()
    assert (result.state, result.counts.changed, result.counts.failures) == ("done", 4, 1)
    assert "Gammal" not in caplog.text


def test_unknown_and_left_out_are_counted_and_left_as_they_are(five):
    known = numbers_of(five)[0]
    with connected(person(known, surname="Ny")) as simulator:
        assert run().counts.unknown == 4
        simulator.fail("missing")
        assert run(NEXT_NIGHT).counts.left_out == 3
    assert surnames(five)[1:] == ["Gammal"] * 4


def test_more_than_a_call_holds_is_asked_in_several(monkeypatch):
    numbers = [number for number in personnummer() if "1950" < number[:4] < "2000"][:25]
    for number in numbers:
        make.patient(identity=number)
    monkeypatch.setattr(register_nightly, "LARGEST_BATCH", 10)
    with connected(*(person(number) for number in numbers)) as simulator:
        assert run().counts.asked == 25
    assert simulator.largest_batch == 10
    assert len(simulator.requests) == 3


# --- When ------------------------------------------------------------------------------------------------------------


def begins(name, at):
    with override_settings(SDV_PU_CONSUMER=name):
        return register_nightly.begins_at(at)


def test_installations_do_not_all_begin_at_midnight():
    starts = [begins(f"SE2321000255-{number:04d}", NIGHT) for number in range(300)]
    minutes = {(local(start).hour, local(start).minute) for start in starts}
    assert len(minutes) > 100
    assert all((0, 15) <= minute < (3, 15) for minute in minutes)
    assert begins("SE2321000255-0001", NIGHT) == starts[1]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-11-26"])
def test_every_night_begins_also_when_the_clock_is_changed(day):
    """The hour that never is and the one that comes twice: begun once, and the night is found by its date."""
    noon = datetime.fromisoformat(f"{day}T10:00+00:00")
    for number in range(50):
        begin = begins(f"SE2321000255-{number:04d}", noon)
        assert local(begin).date().isoformat() == day
        assert begins(f"SE2321000255-{number:04d}", begin) == begin


def test_before_its_minute_nothing_is_asked(five, simulator):
    begin = register_nightly.begins_at(NIGHT)
    assert run(begin - timedelta(minutes=1)).state == "too-early"
    assert simulator.requests == []
    assert run(begin).state == "done"


def test_without_a_register_the_job_says_so():
    assert pu_nightly(at=NIGHT) == ["folkbokföringen: ingen personuppgiftstjänst är ansluten (SDV_PU_ADDRESS)"]
