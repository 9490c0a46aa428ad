"""The life of a vårdhändelse as the rulebook tells it (VH-02…VH-24), asked of the pure rules."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from registration import lifecycle, type_choice
from registration.encounter_types import TYPES
from registration.lifecycle import CheckOut, Discharge, Move, Status
from sdv.common.errors import RuleError
from sdv.common.time import STOCKHOLM, at_local, end_of_day
from sdv.organisation.models import CareUnitKind

NINE = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)  # 09:00 in Stockholm


def refused(code, status, move, **facts):
    return lifecycle.refusal(TYPES[code], status, move, **facts)


def test_there_are_six_classes_and_twenty_types():
    """VH-02"""
    assert len(TYPES) == 20
    assert {row.class_code for row in TYPES.values()} == {
        "akutsjukvard",
        "forhandsregistrering",
        "observation",
        "slutenvard",
        "oppenvard",
        "ovriga",
    }


@pytest.mark.parametrize(
    ("code", "check_out", "discharge", "requires_commitment"),
    [
        ("primarvard", CheckOut.AUTOMATIC, Discharge.AUTOMATIC, False),
        ("diagnostik", CheckOut.AUTOMATIC, Discharge.AUTOMATIC, False),
        ("oppenvardskonsult", CheckOut.AUTOMATIC, Discharge.AUTOMATIC, False),
        ("specialiserad-oppenvard", CheckOut.MANUAL, Discharge.AUTOMATIC, True),
        ("specialiserad-oppenvard-rum-sang-stol", CheckOut.MANUAL, Discharge.MANUAL, True),
        ("kontakt-utan-besok", CheckOut.NOT_APPLICABLE, Discharge.AUTOMATIC, False),
        ("utebliven-bokad-kontakt", CheckOut.NOT_APPLICABLE, Discharge.AUTOMATIC, False),
        ("slutenvard", CheckOut.NOT_APPLICABLE, Discharge.MANUAL, False),
        ("admin", CheckOut.NOT_APPLICABLE, Discharge.NOT_APPLICABLE, False),
        ("foster", CheckOut.NOT_APPLICABLE, Discharge.NOT_APPLICABLE, False),
        ("forhandsregistrerad-oppenvardskontakt", CheckOut.NOT_APPLICABLE, Discharge.CONVERTED_OR_MANUAL, False),
    ],
)
def test_the_table_decides_check_out_discharge_and_commitment(code, check_out, discharge, requires_commitment):
    """VH-08, VH-15, VH-16"""
    row = TYPES[code]
    assert (row.check_out, row.discharge, row.requires_commitment) == (check_out, discharge, requires_commitment)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(hours=24, minutes=1), lifecycle.HIDDEN),
        (timedelta(hours=24), lifecycle.VISIBLE),
        (timedelta(minutes=5), lifecycle.VISIBLE),
    ],
)
def test_a_booking_is_hidden_while_more_than_24_hours_remain(ahead, expected):
    """VH-05"""
    assert lifecycle.pre_registration_type(is_diagnostic=False, planned_start=NINE + ahead, at=NINE) == expected


def test_booked_diagnostics_is_a_diagnostic_pre_registration():
    """VH-06"""
    code = lifecycle.pre_registration_type(is_diagnostic=True, planned_start=NINE + timedelta(days=9), at=NINE)
    assert code == lifecycle.DIAGNOSTIC_BOOKED


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_24_hours_is_elapsed_time_on_the_clock_change_days(day):
    """VH-05, VH-11: wall-clock 24 hours before is 23 or 25 hours there; the rule counts the hours that pass."""
    start = at_local(day, time(10, 0))
    exactly = start.astimezone(UTC) - timedelta(hours=24)
    a_minute_late = exactly + timedelta(minutes=1)
    assert not lifecycle.counts_as_no_show(cancelled_by_patient=True, planned_start=start, at=exactly)
    assert lifecycle.counts_as_no_show(cancelled_by_patient=True, planned_start=start, at=a_minute_late)
    assert lifecycle.pre_registration_type(is_diagnostic=False, planned_start=start, at=exactly) == lifecycle.VISIBLE
    # The same, when the clock was read in Stockholm: both datetimes then share a zone.
    assert not lifecycle.counts_as_no_show(
        cancelled_by_patient=True, planned_start=start, at=exactly.astimezone(STOCKHOLM)
    )


def test_the_provider_may_cancel_at_any_time_without_a_no_show():
    """VH-11"""
    assert not lifecycle.counts_as_no_show(
        cancelled_by_patient=False, planned_start=NINE, at=NINE - timedelta(minutes=1)
    )


@pytest.mark.parametrize(
    ("kind", "requires_place", "expected"),
    [
        (CareUnitKind.HEALTH_CENTRE, False, "primarvard"),
        (CareUnitKind.CHILD_HEALTH, False, "primarvard"),
        (CareUnitKind.YOUTH, False, "primarvard"),
        (CareUnitKind.MIDWIFE, False, "primarvard"),
        (CareUnitKind.SPECIALISED, False, "specialiserad-oppenvard"),
        (CareUnitKind.SPECIALISED, True, "specialiserad-oppenvard-rum-sang-stol"),
    ],
)
def test_a_booked_visit_becomes_what_unit_and_place_decide(kind, requires_place, expected):
    """VH-07, VH-09"""
    assert type_choice.choose(unit_kind=kind, situation=type_choice.BOOKED, requires_place=requires_place) == expected


@pytest.mark.parametrize(
    ("kind", "situation", "expected"),
    [
        (CareUnitKind.EMERGENCY, type_choice.EMERGENCY_ARRIVAL, "akutsjukvard"),
        (CareUnitKind.EMERGENCY, type_choice.OBSERVATION_PLACE, "observation"),
        (CareUnitKind.INPATIENT, type_choice.DIRECT_ADMISSION, "slutenvard"),
        (CareUnitKind.INPATIENT, type_choice.CONSULT, "oppenvardskonsult"),
        (CareUnitKind.DIALYSIS, type_choice.ONGOING_TREATMENT, "klinisk-lm-pagaende-specialiserad-oppenvard"),
        (CareUnitKind.MATERNITY, type_choice.BEFORE_DELIVERY, "foster"),
        (CareUnitKind.MATERNITY, type_choice.BORN, "nyfodd"),
        (CareUnitKind.HEALTH_CENTRE, type_choice.CONTACT_WITHOUT_VISIT, "kontakt-utan-besok"),
        (CareUnitKind.SPECIALISED, type_choice.CONTACT_WITHOUT_VISIT, "kontakt-utan-besok"),
        (CareUnitKind.HEALTH_CENTRE, type_choice.DROP_IN, "primarvard"),
        (CareUnitKind.SPECIALISED, type_choice.BOOKED_DIAGNOSTICS, "diagnostik"),
    ],
)
def test_the_system_chooses_the_type_from_unit_and_situation(kind, situation, expected):
    """VH-03, VH-06, VH-10, VH-13"""
    assert type_choice.choose(unit_kind=kind, situation=situation) == expected


def test_a_unit_is_refused_what_it_does_not_do():
    """VH-03"""
    with pytest.raises(RuleError) as error:
        type_choice.choose(unit_kind=CareUnitKind.HEALTH_CENTRE, situation=type_choice.EMERGENCY_ARRIVAL)
    assert error.value.rule == "VH-03"


def test_a_specialised_visit_requires_a_commitment_and_primary_care_none():
    """VH-08"""
    assert lifecycle.commitment_refusal(TYPES["specialiserad-oppenvard"], None).rule == "VH-08"
    assert lifecycle.commitment_refusal(TYPES["primarvard"], None) is None
    assert lifecycle.commitment_refusal(TYPES["specialiserad-oppenvard"], object()) is None


def test_what_is_automatic_ends_at_23_59_of_its_own_day():
    """VH-17"""
    assert lifecycle.automatic_end(NINE) == datetime(2026, 11, 20, 22, 59, tzinfo=UTC)
    assert not lifecycle.is_due_for_discharge(NINE, datetime(2026, 11, 20, 22, 58, tzinfo=UTC))
    assert lifecycle.is_due_for_discharge(NINE, datetime(2026, 11, 20, 22, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 3, 28), datetime(2026, 3, 28, 22, 59, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 21, 59, tzinfo=UTC)),
        (date(2026, 10, 24), datetime(2026, 10, 24, 21, 59, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 22, 59, tzinfo=UTC)),
    ],
)
def test_23_59_is_wall_clock_around_both_clock_changes(day, end):
    """VH-17"""
    assert end_of_day(day) == end


def test_the_automatic_check_out_is_the_booked_end_but_never_before_arrival():
    """VH-18"""
    booked_end = NINE + timedelta(minutes=30)
    late = NINE + timedelta(hours=2)
    assert lifecycle.automatic_check_out_time(start=NINE, planned_end=booked_end) == booked_end
    assert lifecycle.automatic_check_out_time(start=late, planned_end=booked_end) == late
    assert lifecycle.automatic_check_out_time(start=NINE, planned_end=None) == lifecycle.automatic_end(NINE)


@pytest.mark.parametrize("code", sorted(TYPES))
@pytest.mark.parametrize("move", [move for move in Move if move != Move.CREATE])
@pytest.mark.parametrize("status", list(Status))
def test_every_refusal_is_a_sentence_with_a_rule(code, move, status):
    """VH-24: for every type, status and move, either allowed or refused with what, why and a rule."""
    refusal = refused(code, status, move)
    if refusal is not None:
        assert refusal.rule.split("-")[0] in {"VH", "PL", "UT", "RI", "BO", "KL"}
        assert refusal.sentence.endswith(".") and len(refusal.sentence) > 25


@pytest.mark.parametrize("code", sorted(code for code, row in TYPES.items() if row.check_out == "not_applicable"))
def test_types_without_check_out_are_not_checked_out(code):
    """VH-15"""
    refusal = refused(code, Status.IN_PROGRESS, Move.CHECK_OUT)
    assert refusal.rule in {"VH-15", "VH-14", "VH-12"}


def test_automatic_types_are_not_discharged_by_hand_unless_opened_for_correction():
    """VH-16, PL-13"""
    assert refused("primarvard", Status.IN_PROGRESS, Move.DISCHARGE).rule == "VH-16"
    assert refused("primarvard", Status.IN_PROGRESS, Move.DISCHARGE, is_reopened=True) is None
    assert refused("slutenvard", Status.IN_PROGRESS, Move.DISCHARGE) is None


def test_manual_check_out_comes_before_manual_discharge():
    """VH-15"""
    code = "specialiserad-oppenvard-rum-sang-stol"
    assert refused(code, Status.IN_PROGRESS, Move.DISCHARGE).rule == "VH-15"
    assert refused(code, Status.CHECKED_OUT, Move.DISCHARGE) is None


@pytest.mark.parametrize("code", lifecycle.PRE_REGISTRATIONS)
def test_a_pre_registration_is_ended_by_hand(code):
    """VH-22"""
    assert refused(code, Status.PLANNED, Move.DISCHARGE) is None


@pytest.mark.parametrize("code", ["admin", "foster"])
def test_admin_and_foster_have_no_end(code):
    """VH-20"""
    assert refused(code, Status.IN_PROGRESS, Move.DISCHARGE).rule == "VH-16"


@pytest.mark.parametrize("move", [move for move in Move if move != Move.CREATE])
@pytest.mark.parametrize("status", list(Status))
def test_nobody_changes_a_historical_encounter(status, move):
    """VH-14"""
    assert refused("historisk", status, move).rule == "VH-14"


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("foster", "nyfodd", None),
        ("specialiserad-oppenvard", "specialiserad-oppenvard-rum-sang-stol", None),
        ("primarvard", "specialiserad-oppenvard", "VH-24"),
        ("primarvard", "historisk", "VH-14"),
        ("primarvard", "annullerad", "VH-12"),
        ("primarvard", "primarvard", "VH-24"),
        ("forhandsregistrerad-oppenvardskontakt", "primarvard", "VH-07"),
        ("nyfodd", "foster", "VH-24"),
    ],
)
def test_only_the_table_s_changes_of_type_are_made_by_hand(before, after, rule):
    """VH-13, VH-24"""
    refusal = lifecycle.type_change_refusal(TYPES[before], TYPES[after])
    assert (refusal.rule if refusal else None) == rule


@pytest.mark.parametrize(
    ("documented", "cash", "word"),
    [(True, False, "journaldokumentation"), (False, True, "kassatransaktioner"), (True, True, "och")],
)
def test_annulling_says_which_of_the_two_stands_in_the_way(documented, cash, word):
    """VH-12"""
    refusal = lifecycle.annulment_refusal(has_documentation=documented, has_cash=cash)
    assert refusal.rule == "VH-12"
    assert word in refusal.sentence
    assert lifecycle.annulment_refusal(has_documentation=False, has_cash=False) is None


def test_what_is_not_coded_sent_or_counted():
    """VH-20"""
    assert set(lifecycle.NOT_REPORTED) == {
        "annullerad",
        "utebliven-bokad-kontakt",
        "admin",
        "foster",
        "historisk",
        *lifecycle.PRE_REGISTRATIONS,
    }


def test_arrival_is_not_registered_before_the_booked_day():
    """VH-07"""
    midnight = at_local(date(2026, 11, 20), time(0, 0))
    assert lifecycle.arrival_refusal(planned_start=NINE, at=midnight) is None
    assert lifecycle.arrival_refusal(planned_start=NINE, at=midnight - timedelta(minutes=1)).rule == "VH-07"


def test_nobody_is_missing_before_the_booked_time():
    """VH-11"""
    assert lifecycle.no_show_refusal(planned_start=NINE, at=NINE - timedelta(minutes=1)).rule == "VH-11"
    assert lifecycle.no_show_refusal(planned_start=NINE, at=NINE) is None
