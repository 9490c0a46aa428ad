"""Contacts of an earlier system are brought by a command: atomic, repeatable, stopping at what is unknown (VH-03 i, VH-14)."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from registration import historical_file
from registration.models import Encounter, EncounterHistory
from sdv.common.time import STOCKHOLM
from sdv.flows import protection
from sdv.outbox.models import OutboxMessage
from tests import factories as make
from tests.clinic import NOW
from tests.flows import merges

HEADINGS = "personid;vardenhet;start;slut"
NUMBER, OTHER = "189001189811", "189010319813"


@pytest.fixture
def unit(db):
    return make.SpecialisedClinicFactory(hsa_id="SE-GAMLA")


@pytest.fixture
def patient(unit):
    return make.patient(identity=NUMBER)


@pytest.fixture
def bring(tmp_path, unit):
    """Runs the command on lines; returns what it says."""
    user = make.UserFactory()

    def run(*lines, headings=HEADINGS, encoding="utf-8", preview=False):
        file = tmp_path / "historiska.csv"
        file.write_bytes("\n".join([headings, *lines]).encode(encoding))
        out = StringIO()
        with time_machine.travel(NOW, tick=False):
            call_command(
                "import_historical", str(file), by=user.username, preview=preview, stdout=out, stderr=StringIO()
            )
        return out.getvalue().splitlines()

    return run


def line(number=NUMBER, unit="SE-GAMLA", start="2019-03-04 09:30", end="2019-03-04 10:00"):
    return f"{number};{unit};{start};{end}"


def test_a_line_becomes_a_contact_that_nobody_is_told_of(bring, patient, unit):
    """VH-14, VH-20"""
    assert bring(line()) == ["nya: 1, finns redan: 0, samma kontakt flera gånger: 0"]
    row = Encounter.objects.get()
    assert (row.type_id, row.status, row.patient, row.care_unit) == ("historisk", "ended", patient, unit)
    assert (row.start, row.end) == (
        datetime(2019, 3, 4, 8, 30, tzinfo=UTC),
        datetime(2019, 3, 4, 9, 0, tzinfo=UTC),
    )
    assert [(move.move, move.target, move.by) for move in row.history.all()] == [("create", "ended", row.created_by)]
    assert (row.relations.count(), row.payer) == (0, "")
    assert not OutboxMessage.objects.exists()


def test_the_same_file_again_and_a_longer_one_bring_only_what_is_new(bring, patient):
    """VH-14: repeatable."""
    bring(line())
    assert bring(line(), line()) == ["nya: 0, finns redan: 1, samma kontakt flera gånger: 1"]
    assert bring(line(), line(start="2019-03-05 08:00", end="2019-03-05 08:00")) == [
        "nya: 1, finns redan: 1, samma kontakt flera gånger: 0"
    ]
    assert Encounter.objects.count() == EncounterHistory.objects.count() == 2


def test_a_preview_says_what_would_come_and_changes_nothing(bring, patient):
    assert bring(line(), preview=True) == [
        "nya: 1, finns redan: 0, samma kontakt flera gånger: 0",
        "Ingenting har lästs in.",
    ]
    assert not Encounter.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (line(number="190001019999"), "personid är inget välformat nummer"),
        (line(number=OTHER), "personid finns inte på någon patient"),
        (line(unit="SE-OKÄND"), "vardenhet finns inte här"),
        (line(unit=""), "vardenhet saknas"),
        (line(start="2019-03-04"), "start skrivs ÅÅÅÅ-MM-DD TT:MM"),
        (line(start="2019-02-30 10:00"), "start är ingen tid som finns"),
        (line(start="2019-03-31 02:30", end="2019-03-31 04:00"), "start finns inte: klockan ställdes fram den natten"),
        (line(end="2019-03-04 09:29"), "slut ligger före start"),
        (line(end="2026-11-20 09:01"), "slut har inte inträffat än"),
        (line() + ";mer", "5 värden, väntade 4"),
    ],
)
def test_what_is_not_understood_stops_all_with_line_and_reason(bring, patient, wrong, reason):
    """VH-14: nothing is half done, and what stood on the line is not repeated."""
    with pytest.raises(CommandError) as stopped:
        bring(line(), "", wrong)
    assert str(stopped.value) == f"rad 4: {reason}\nIngenting har lästs in."
    assert not Encounter.objects.exists()


def test_all_that_is_wrong_is_told_at_once_the_first_twenty_in_words(bring, patient):
    with pytest.raises(CommandError) as stopped:
        bring(*[line(unit="SE-OKÄND")] * 15, *[line(start="x")] * 15)
    told = str(stopped.value).splitlines()
    assert (told[0], told[15]) == ("rad 2: vardenhet finns inte här", "rad 17: start skrivs ÅÅÅÅ-MM-DD TT:MM")
    assert told[-2:] == ["… och 10 till", "Ingenting har lästs in."]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"headings": line()}, "rad 1: rubrikerna ska vara personid;vardenhet;start;slut."),
        ({"headings": ""}, "rad 1: rubrikerna ska vara"),
        ({"encoding": "utf-16"}, "Filen är inte UTF-8."),
    ],
)
def test_another_kind_of_file_is_refused(bring, patient, fields, reason):
    with pytest.raises(CommandError, match=reason) as stopped:
        bring(line(), **fields)
    assert NUMBER not in str(stopped.value)
    assert not Encounter.objects.exists()


def test_a_file_of_a_spreadsheet_and_a_number_with_a_hyphen_are_read(bring, patient):
    """The mark that Excel begins a file with is no part of its first heading."""
    assert bring(line(number="18900118-9811"), encoding="utf-8-sig")[0].startswith("nya: 1")


def test_the_first_of_two_equal_hours_is_meant(patient):
    """The night when the clock is set back."""
    contacts, faults = historical_file.read(
        f"{HEADINGS}\n{line(start='2019-10-27 02:30', end='2019-10-27 03:30')}".encode(), at=NOW
    )
    assert faults == []
    assert contacts[0].end - contacts[0].start == timedelta(hours=1)
    assert contacts[0].start.astimezone(UTC) == datetime(2019, 10, 27, 0, 30, tzinfo=UTC)
    assert contacts[0].start.tzinfo == STOCKHOLM


def test_it_comes_to_the_present_record_by_any_number_and_whoever_is_protected(bring, patient):
    """RI-02, PA-03; protection hides who somebody is, not that there was care."""
    clinic = type("Clinic", (), {"nurse": make.UserFactory()})
    reserve = "98240301AA06"
    old = merges.on_reserve_number(make.patient(), reserve)
    merges.do(old, patient, clinic)
    protection.set_by_hand(patient_id=patient.pk, ground="threat", by=clinic.nurse, at=NOW)
    assert bring(line(), line(number=reserve, start="2018-01-01 08:00"))[0].startswith("nya: 2")
    assert {row.patient_id for row in Encounter.objects.all()} == {patient.pk}


def test_many_lines_take_few_statements(bring, patient, django_assert_max_num_queries):
    """A migration is hundreds of thousands of lines: none asks the database on its own."""
    lines = [line(start=f"2019-03-{day:02d} 08:00", end=f"2019-03-{day:02d} 09:00") for day in range(1, 29)]
    with django_assert_max_num_queries(16):
        assert bring(*lines)[0].startswith("nya: 28")


def test_an_unknown_account_brings_nothing(tmp_path, patient):
    with pytest.raises(CommandError, match="Det finns inget aktivt konto"):
        call_command("import_historical", str(tmp_path / "x.csv"), by="ingen")
    with pytest.raises(CommandError, match="går inte att öppna"):
        call_command("import_historical", str(tmp_path / "x.csv"), by=make.UserFactory().username)
