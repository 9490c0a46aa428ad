"""What is registered of a vårdhändelse by the table of realtidsregistrering, with who fills each field (VH-23)."""

from typing import NamedTuple

from django.db.models import F

from classification import presenters as coding_presenters
from classification.actions import coding
from classification.deriving import registration_of
from registration import presenters, realtime
from registration.actions import stays
from registration.lifecycle import INPATIENT, Move, Status
from registration.models import RelationKind
from registration.presenters import encounter_relations
from registration.realtime import FilledBy
from sdv.common.time import local, local_date
from sdv.desk.presenters.encounter import AFTERWARDS

BEGINS, ENDS = ("Ankomstdatum och tid", "Inskrivningsdatum och tid"), ("Utskrivningsdatum och tid",)
CAME_FROM, WENT_TO, WAS_PLANNED = "Insätt (varifrån)", "Utsätt (till)", "Planerat/Oplanerat"


class Filled(NamedTuple):
    """A field with its value; an empty value is not registered."""

    group: str
    name: str
    value: str
    filled_by: str
    filled_by_text: str


def filled(encounter, *, at):
    """Every field of the encounter's care form, in the table's order."""
    values = _values(encounter, at=at)
    otherwise = dict.fromkeys(_times_by_hand(encounter), FilledBy.HAND) | _ways_and_plan(encounter)
    return [
        Filled(field.group, field.name, values[field.name], filled_by, realtime.WORDS[filled_by])
        for field in realtime.fields(realtime.care_form(encounter.type_id))
        for filled_by in [otherwise.get(field.name, field.filled_by)]
    ]


def _times_by_hand(encounter):
    """The times that the system fills, where a person has written another than that of the act (PL-15)."""
    of_moves = {Move.CREATE: BEGINS, Move.ARRIVE: BEGINS, Move.DISCHARGE: ENDS}
    rows = encounter.history.filter(move__in=of_moves, by__isnull=False, registered_at__gt=F("at") + AFTERWARDS)
    return {name for row in rows if row.target != Status.PLANNED for name in of_moves[row.move]}


def _ways_and_plan(encounter):
    """What was filled in another way than the field's usual one: the move to another vårdenhet writes utsätt there and
    insätt here (VH-01), and a person may say that it was planned, or was not, whatever the system had made of it."""
    found = {}
    completed = encounter.history.filter(move=Move.COMPLETE, by__isnull=False).values_list("reason", flat=True)
    by_hand = {word for said in completed for word in said.partition(":")[0].split(", ")}
    before, after = encounter.continues, encounter.continued_by.order_by("-id").first()
    carried = before is not None and (before.type_id == INPATIENT or before.admitted_from == encounter.admitted_from)
    if encounter.admitted_from and carried and stays.WORDS["admitted_from"] not in by_hand:
        found[CAME_FROM] = FilledBy.SYSTEM
    moved_on = after is not None and encounter.type_id == INPATIENT and after.start == encounter.end
    if moved_on and stays.WORDS["discharged_to"] not in by_hand:
        found[WENT_TO] = FilledBy.SYSTEM
    was_expected = encounter.planned_start is not None if encounter.type_id == INPATIENT else None
    if encounter.is_planned not in (None, was_expected):
        found[WAS_PLANNED] = FilledBy.HAND
    return found


def _values(encounter, *, at):
    unit, on = encounter.care_unit, local_date(at)
    seen = presenters.shown(encounter.patient, on=on)
    has_begun = encounter.status != Status.PLANNED
    guardians = [row for row in encounter_relations(encounter, on=on) if row.kind == RelationKind.GUARDIAN]
    visit, commitment = encounter.visit_type, encounter.commitment
    registration = registration_of(encounter)
    referral = commitment.referrals.order_by("id").first() if commitment else None
    return {
        "Personnummer": seen.identity,
        "Kön": seen.sex_text,
        "Ålder": seen.age_text,
        "Listningsenhet": "" if seen.is_protected else encounter.listing_unit,
        "Vårdnadshavare": ", ".join(row.name for row in guardians if row.name),
        "Huvudman": "" if seen.is_protected else encounter.payer,
        "Producerande vårdinrättning": unit.facility.name,
        "Medicinskt ansvarig vårdenhet (ej fysisk plats)": unit.name,
        "Vårdutförande/tjänsteutförande enhet": _performer(encounter),
        "Bokat datum och tid": _stamp(encounter.planned_start),
        "Ankomstdatum och tid": _stamp(encounter.start) if has_begun else "",
        "Beräknat inskrivningsdatum": _stamp(encounter.planned_start),
        "Inskrivningsdatum och tid": _stamp(encounter.start) if has_begun else "",
        "Utskrivningsdatum och tid": _stamp(encounter.end),
        "Vårdområde": unit.care_area.name if unit.care_area else "",
        "Problemkod": commitment.problem_code.name if commitment else "",
        "Remisskod": referral.get_kind_display() if referral else "",
        "Besökstyp": visit.name if visit else "",
        "Kontakttyp": str(registration.contact_type or ""),
        "Anledning": encounter.contact_reason.name if encounter.contact_reason else "",
        "Yrkeskategori": ", ".join(dict.fromkeys(registration.professions)),
        "Insätt (varifrån)": encounter.get_admitted_from_display(),
        "Planerat/Oplanerat": {True: "Planerat", False: "Oplanerat"}.get(encounter.is_planned, ""),
        "Utsätt (till)": encounter.get_discharged_to_display(),
        **_codes(encounter),
        **_fees(encounter),
    }


def _performer(encounter):
    """Where the care was given: the ward the patient was at last, the reception, or the unit itself."""
    ward = encounter.ward_stays.exclude(period__isempty=True).select_related("ward").order_by("-id").first()
    if ward:
        return ward.ward.name
    return encounter.reception.name if encounter.reception else encounter.care_unit.name


def _codes(encounter):
    shown = coding_presenters.coding(coding.read(encounter))
    diagnoses = [row["display"] for row in shown["diagnoses"]]
    causes = [under["display"] for row in shown["diagnoses"] for under in row["external_causes"]]
    under_codes = [under for row in (*shown["diagnoses"], *shown["procedures"]) for under in row["atc"]]
    return {
        "Huvuddiagnos": ", ".join(diagnoses[:1]),
        "Bidiagnoser": ", ".join(diagnoses[1:]),
        "KVÅ": ", ".join(row["display"] for row in shown["procedures"]),
        "ATC": ", ".join(dict.fromkeys(row["display"] for row in (*under_codes, *shown["atc"]))),
        "Yttre orsakskoder": ", ".join(causes),
    }


def _fees(encounter):
    """What the cashier has told (AG-01). Why a visit is free and how it was paid are the cashier's."""
    amounts = [row.amount for row in encounter.cash_transactions.all()]
    return {
        "Patientavgift": f"{sum(amounts):.2f} kr" if amounts else "",
        "Anledning till avgiftsfritt": "",
        "Betalningssätt": "",
    }


def _stamp(moment):
    return local(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
