"""Every move in every status of every type, and every change of type to every other, against tables written by hand from
the instruction (REG 3.1: the table of types, its check-out and discharge columns, and its text), not from the code."""

import pytest

from registration import lifecycle
from registration.actions import encounters
from registration.encounter_types import TYPES
from registration.lifecycle import LIES, Move, Status
from registration.models import Encounter, EncounterHistory
from sdv.common.errors import RuleError
from tests import factories as make
from tests.clinic import NOW

HIDDEN = "dold-forhandsregistrerad-oppenvardskontakt"
VISIBLE = "forhandsregistrerad-oppenvardskontakt"
DIAGNOSTIC_BOOKED = "forhandsregistrerad-diagnostisk-kontakt"
ADMISSION_BOOKED = "forhandsregistrerad-inskrivning"
ROOM = "specialiserad-oppenvard-rum-sang-stol"
DIALYSIS = "klinisk-lm-pagaende-specialiserad-oppenvard"
PRE_REGISTRATIONS = {HIDDEN, VISIBLE, DIAGNOSTIC_BOOKED, ADMISSION_BOOKED}

# What a booking that waits can meet: the patient comes or not, the time is changed, it is cancelled or ended by hand
# (VH-07, VH-11, VH-22); an annulled one, and one that was cancelled and kept, can come back (AV-03).
BOOKED = {"reschedule", "arrive", "no_show", "discharge", "annul", "cancel", "undo_cancel"}

# (type, status): what the instruction lets happen. What depends on facts beside type and status (was it booked, is there
# a note) is allowed here and refused by the fact.
TABLE = {
    (HIDDEN, "planned"): BOOKED | {"reveal"},
    (VISIBLE, "planned"): BOOKED | {"hide"},
    (DIAGNOSTIC_BOOKED, "planned"): BOOKED,
    # Utebliven is for units with an outpatient reception: a planned admission is ended by hand.
    (ADMISSION_BOOKED, "planned"): (BOOKED - {"no_show"}) | {"complete"},
    (HIDDEN, "ended"): {"undo_cancel"},
    (VISIBLE, "ended"): {"undo_cancel"},
    (DIAGNOSTIC_BOOKED, "ended"): {"undo_cancel"},
    (ADMISSION_BOOKED, "ended"): {"undo_cancel", "complete"},
    # Ends by itself at 23:59; until then and after it can be taken back.
    ("utebliven-bokad-kontakt", "planned"): {"undo_no_show", "annul", "undo_cancel"},
    ("utebliven-bokad-kontakt", "ended"): {"undo_no_show", "undo_cancel"},
    ("annullerad", "ended"): {"undo_cancel"},
    # Check-out automatic, discharge automatic: check-out may be done by hand before (UT-08), discharge may not (VH-16).
    ("primarvard", "in_progress"): {"check_out", "annul", "undo_arrival"},
    ("primarvard", "checked_out"): {"undo_check_out", "annul"},
    ("primarvard", "ended"): {"reopen"},
    ("diagnostik", "in_progress"): {"check_out", "annul", "undo_arrival"},
    ("diagnostik", "checked_out"): {"undo_check_out", "annul"},
    ("diagnostik", "ended"): {"reopen"},
    ("oppenvardskonsult", "in_progress"): {"check_out", "annul", "undo_arrival"},
    ("oppenvardskonsult", "checked_out"): {"undo_check_out", "annul"},
    ("oppenvardskonsult", "ended"): {"reopen"},
    # Check-out manual and required, discharge automatic.
    ("specialiserad-oppenvard", "in_progress"): {"check_out", "annul", "undo_arrival"},
    ("specialiserad-oppenvard", "checked_out"): {"undo_check_out", "annul"},
    ("specialiserad-oppenvard", "ended"): {"reopen"},
    # Check-out and discharge manual, in that order; holds a place.
    (ROOM, "in_progress"): {"check_out", "annul", "undo_arrival", "place"},
    (ROOM, "checked_out"): {"undo_check_out", "annul", "discharge", "place"},
    (ROOM, "ended"): {"reopen"},
    # No check-out, discharge automatic.
    ("kontakt-utan-besok", "in_progress"): {"annul", "undo_arrival"},
    ("kontakt-utan-besok", "ended"): {"reopen"},
    # No check-out, discharge manual.
    ("akutsjukvard", "in_progress"): {"discharge", "annul", "undo_arrival", "assess", "complete"},
    ("akutsjukvard", "ended"): {"reopen", "complete"},
    ("observation", "in_progress"): {"discharge", "annul", "undo_arrival", "place", "complete"},
    ("observation", "ended"): {"reopen", "complete"},
    ("slutenvard", "in_progress"): {
        "discharge",
        "annul",
        "undo_arrival",
        "place",
        "transfer",
        "leave",
        "return",
        "complete",
    },
    ("slutenvard", "ended"): {"reopen", "complete"},
    ("nyfodd", "in_progress"): {"discharge", "annul", "undo_arrival", "place", "transfer", "birth_time"},
    ("nyfodd", "ended"): {"reopen", "birth_time"},
    (DIALYSIS, "in_progress"): {"discharge", "annul", "undo_arrival"},
    (DIALYSIS, "ended"): {"reopen"},
    # No end at all (VH-20): they stay until changed or annulled.
    ("admin", "in_progress"): {"annul", "undo_arrival"},
    ("foster", "in_progress"): {"annul", "undo_arrival"},
    # Nobody changes what the migration made (VH-14).
    ("historisk", "ended"): set(),
}

# Somebody takes part in every contact that has begun, and may be named afterwards (BO-02, VH-21).
for (code, status), moves in TABLE.items():
    if status != "planned" and code not in PRE_REGISTRATIONS | {
        "utebliven-bokad-kontakt",
        "annullerad",
        "admin",
        "historisk",
    }:
        TABLE[code, status] = moves | {"participants", "interpreter"}

# The rule that a refusal for the type's sake names, by move.
RULES = {
    "arrive": "VH-07",
    "no_show": "VH-07",
    "reschedule": "VH-07",
    "cancel": "VH-07",
    "undo_no_show": "VH-24",
    "undo_cancel": "VH-24",
    "reveal": "VH-05",
    "hide": "VH-05",
    "check_out": "VH-15",
    "discharge": "VH-16",
    "reopen": "PL-13",
    "assess": "VH-03",
    "place": "VH-09",
    "transfer": "VH-09",
    "leave": "VH-09",
    "return": "VH-09",
    "complete": "VH-23",
    "participants": "BO-02",
    "interpreter": "KL-04",
    "birth_time": "VH-13",
}
# The statuses that a move starts from, by the instruction's course: planned, arrived, checked out, ended.
STARTS = {
    "reveal": "planned",
    "hide": "planned",
    "reschedule": "planned",
    "arrive": "planned",
    "no_show": "planned",
    "cancel": "planned",
    "undo_arrival": "in_progress",
    "check_out": "in_progress",
    "assess": "in_progress",
    "transfer": "in_progress",
    "leave": "in_progress",
    "return": "in_progress",
    "undo_check_out": "checked_out",
    "reopen": "ended",
    "undo_no_show": "planned ended",
    "undo_cancel": "planned ended",
    "discharge": "planned in_progress checked_out",
    "annul": "planned in_progress checked_out",
    "place": "planned in_progress checked_out ended",
    "complete": "planned in_progress checked_out ended",
    "participants": "in_progress checked_out ended",
    "interpreter": "in_progress checked_out ended",
    "birth_time": "in_progress ended",
}
MOVES = [move for move in Move if move not in (Move.CREATE, Move.CHANGE_TYPE)]


def expected_rule(code, status, move):
    """By hand: which rule refuses."""
    if code == "historisk":
        return "VH-14"
    if status not in STARTS[move].split():
        return "VH-24"
    if code == "annullerad":
        return "VH-09" if move == "place" else "VH-12"
    if (code, move) == (ADMISSION_BOOKED, "no_show"):
        return "VH-11"
    if (code, status, move) == (ROOM, "in_progress", "discharge"):
        return "VH-15"
    return RULES[move]


def test_the_table_has_every_type_and_every_move():
    assert {code for code, _ in TABLE} == set(TYPES)
    assert set(STARTS) == {move.value for move in MOVES}
    assert set().union(*TABLE.values()) <= set(STARTS)


@pytest.mark.parametrize(("code", "status"), sorted(TABLE))
def test_every_move_is_allowed_or_refused_as_the_instruction_has_it(code, status):
    """VH-02…VH-24: with a sentence that says what instead, and the rule."""
    for move in MOVES:
        refused = lifecycle.refusal(TYPES[code], status, move)
        if move.value in TABLE[code, status]:
            assert refused is None, (move, refused)
            continue
        assert refused is not None, move
        assert refused.rule == expected_rule(code, status, move.value), (move, refused)
        assert refused.sentence.endswith(".")
        assert len(refused.sentence) > 25


# --- Changes of type ------------------------------------------------------------------------------------------------------

# The changes that a person makes by hand (VH-07, VH-13). Foster → Nyfödd is made by telling of the birth.
BY_HAND = {("specialiserad-oppenvard", ROOM), (ROOM, "specialiserad-oppenvard")}


def rule_of_change(before, after):
    """By hand: the rule that refuses a change of type, or None."""
    if (before, after) in BY_HAND:
        return None
    if before == "historisk":
        return "VH-14"
    if before == "annullerad":
        return "VH-24"  # It has ended.
    if (before, after) == ("foster", "nyfodd"):
        return "VH-13"
    if after == "historisk":
        return "VH-14"
    if after == "annullerad":
        return "VH-12"
    if before == after:
        return "VH-24"
    return "VH-07" if before in PRE_REGISTRATIONS else "VH-24"


@pytest.mark.django_db
def test_all_four_hundred_changes_of_type_by_the_action():
    """VH-13, VH-24: what is refused says what, why and what instead, and leaves everything as it was."""
    patient, user = make.patient(), make.UserFactory()
    clinic = make.SpecialisedClinicFactory()
    commitment = make.open_commitment(patient=patient, care_unit=clinic, at=NOW)
    rows = {}
    for code in TYPES:
        planned = code in PRE_REGISTRATIONS or code == "utebliven-bokad-kontakt"
        ended = code in ("annullerad", "historisk")
        rows[code] = Encounter.objects.create(
            patient=make.patient() if code in LIES else patient,
            care_unit=clinic,
            type_id=code,
            status="planned" if planned else "ended" if ended else "in_progress",
            planned_start=NOW if planned else None,
            start=NOW,
            end=NOW if ended else None,
            commitment=commitment,
        )
    wrong, made = [], set()
    for before in TYPES:
        for after in TYPES:
            encounter = rows[before]
            try:
                encounters.change_type(encounter_id=encounter.pk, new_type_code=after, by=user, at=NOW)
            except RuleError as refused:
                if refused.rule != rule_of_change(before, after) or not refused.sentence.endswith("."):
                    wrong.append((before, after, refused.rule, refused.sentence))
            else:
                made.add((before, after))
                Encounter.objects.filter(pk=encounter.pk).update(type=before)
    assert wrong == []
    assert made == BY_HAND
    assert EncounterHistory.objects.filter(encounter__in=list(rows.values())).count() == len(BY_HAND)
    now = dict(Encounter.objects.values_list("pk", "type"))
    assert {pk: code for code, row in rows.items() for pk in [row.pk]} == now


def test_status_words_are_those_of_the_product():
    assert {status for _, status in TABLE} == set(Status.values)
