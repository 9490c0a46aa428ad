"""The frame of the pages about one patient (band, tabs, counts) and the rows of their lists."""

import re
from dataclasses import dataclass, replace

from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from registration import presenters
from registration.lifecycle import NO_SHOW_TYPE, PRE_REGISTRATIONS, Status
from registration.models import CareCommitment, Encounter, IdentityKind, Patient, Referral
from registration.names import fold, search_words
from scheduling.models import (
    Appointment,
    AwaitedResult,
    BookingRequest,
    MissingFollowUp,
    NoShowItem,
    OpenInvitation,
    RebookingItem,
)
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Link, Tag
from sdv.common.time import local, local_date, start_of_day

MARKED = re.compile(r"([^\W_]+)")


# --- Band and tabs --------------------------------------------------------------------------------------------------


def frame_of(request, patient, *, at, tab=""):
    """What every page about the patient shows: `seen` (ShownPatient), `band` and `tabs`. One query of counts."""
    actor, care_unit = request.actor, request.actor.care_unit
    numbers = _counts(patient, care_unit, at)
    return {
        "seen": presenters.shown(patient, on=local_date(at)),
        "band": _band(actor, patient, numbers, at),
        "tabs": _tabs(actor, patient, numbers, tab),
    }


def band_of(request, patient, *, at):
    """The band alone, for pages that belong to no tab."""
    return _band(request.actor, patient, _counts(patient, request.actor.care_unit, at), at)


def _band(actor, patient, numbers, at):
    change = Link("Byt patient", reverse("patients"), "F2")
    actions = [Link("Boka", reverse("book", args=[patient.pk]), "F8")] if actor.may(Permission.BOOK) else []
    facts = []
    if count := numbers["commitment_count"]:
        facts.append("1 öppet vårdåtagande" if count == 1 else f"{count} öppna vårdåtaganden")
    if numbers["next_start"]:
        facts.append(f"Nästa: {_when(numbers['next_start'], at)}")
    elif not patient.is_deceased:
        facts.append("Inget bokat här")
    url = reverse("patient", args=[patient.pk]) if actor.may(Permission.VIEW_PATIENTS) else ""
    band = presenters.band(
        patient, at=at, url=url, facts=tuple(facts), links=_links(actor, patient), actions=[*actions, change]
    )
    # Another patient can be sought also from the page of a dead one.
    return replace(band, actions=(change,)) if band.is_deceased else band


def _links(actor, patient):
    """From a reserve number to the personnummer, for those who may (RI-02)."""
    primary = next((row for row in presenters.identities_of(patient) if row.is_primary), None)
    if primary is None or primary.kind != IdentityKind.RESERVID or not actor.may(Permission.MERGE_PATIENTS):
        return []
    return [Link("Koppla till personnummer", reverse("patient-merge", args=[patient.pk]))]


def _when(moment, at):
    day = "i dag" if local_date(moment) == local_date(at) else local_date(moment).isoformat()
    return f"{day} {local(moment):%H:%M}"


def _tabs(actor, patient, numbers, current):
    def tab(label, name, count=None):
        return Link(label, reverse(name, args=[patient.pk]), count=count, current=name == current)

    log = [tab("Logg", "patient-log")] if actor.may(Permission.VIEW_ACCESS_LOG) else []
    if not actor.may(Permission.VIEW_PATIENTS):
        return log
    return [
        tab("Patient", "patient"),
        tab("Relationer", "patient-relations"),
        tab("Vårdhändelser", "patient-encounters", numbers["encounter_count"]),
        tab("Vårdåtaganden", "patient-commitments", numbers["commitment_count"]),
        tab("Bokningar", "patient-appointments", numbers["coming_count"] + numbers["request_count"]),
        *log,
    ]


def _counts(patient, care_unit, at):
    """What the unit has of the patient: the numbers on the tabs and the next booking (PA-08), in one query."""
    today = start_of_day(local_date(at))
    own = {"patient": OuterRef("pk"), "care_unit": care_unit}
    coming = Appointment.objects.living().filter(start__gte=today, **own)

    def number(rows):
        return Coalesce(Subquery(rows.order_by().values("patient").annotate(n=Count("pk")).values("n")), 0)

    return (
        Patient.objects.filter(pk=patient.pk)
        .annotate(
            encounter_count=number(Encounter.objects.in_overview().filter(**own)),
            commitment_count=number(CareCommitment.objects.open().filter(**own)),
            coming_count=number(coming),
            request_count=number(BookingRequest.objects.waiting().filter(**own)),
            next_start=Subquery(coming.order_by("start").values("start")[:1]),
        )
        .values("encounter_count", "commitment_count", "coming_count", "request_count", "next_start")
        .get()
    )


# --- Search ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hit:
    """A row of a search result: never an address, never contact data."""

    pk: object
    url: str
    name: str
    parts: tuple
    identity: str
    digits: str
    age_text: str
    sex_text: str
    listing: str
    last_visit: object
    tags: tuple


def hits(patients, *, text, care_unit, at):
    """The rows of a search result, with the last visit at the unit in one query."""
    came = (
        Encounter.objects.filter(care_unit=care_unit, patient__in=patients)
        .in_overview()
        .exclude(type__in=[*PRE_REGISTRATIONS, NO_SHOW_TYPE])
        .values_list("patient")
        .annotate(Max("start"))
    )
    last = dict(came)
    words = search_words(text)
    return [_hit(patient, words, last.get(patient.pk), at) for patient in patients]


def _hit(patient, words, last_visit, at):
    seen = presenters.shown(patient, on=local_date(at))
    tags = []
    if seen.is_deceased:
        tags.append(Tag("danger", "cross", seen.deceased_text))
    if seen.is_protected:
        tags.append(Tag("guard", "shield", "Skyddade personuppgifter"))
    if seen.identity_kind == "reservid":
        tags.append(Tag("warn", "warn", "Reservnummer"))
    if seen.is_under_18:
        tags.append(Tag("info", "", "Under 18"))
    return Hit(
        pk=seen.id,
        url=reverse("patient", args=[seen.id]),
        name=seen.name,
        parts=() if seen.is_protected else matched_parts(seen.name, words),
        identity=seen.identity,
        digits=seen.identity_value,
        age_text=seen.age_text,
        sex_text=seen.sex_text,
        listing=seen.listing_unit,
        last_visit=last_visit,
        tags=tuple(tags),
    )


def matched_parts(name, words):
    """The name in pieces, (text, whether it is what was typed), so that the matching part can be set in bold."""
    parts = []
    for piece in MARKED.split(name):
        length = max((len(word) for word in words if fold(piece).startswith(word)), default=0)
        parts += [(piece[:length], True), (piece[length:], False)] if length else [(piece, False)]
    return tuple((text, is_match) for text, is_match in parts if text)


# --- Tabs -----------------------------------------------------------------------------------------------------------


def register_facts(patient, seen):
    """What comes from the register and is locked (PA-05, PA-06); for a protected person only what SK-02 leaves."""
    facts = [(presenters.KIND_WORDS.get(seen.identity_kind, "Identitet"), seen.identity)]
    if seen.is_protected:
        return [
            *facts,
            ("Födelsedatum", seen.birth_date.isoformat() if seen.birth_date else ""),
            ("Kön", seen.sex_text),
            ("Skydd", seen.protection_text),
        ]
    return [
        ("Förnamn", seen.given_name),
        *([("Mellannamn", seen.middle_name)] if seen.middle_name else []),
        ("Efternamn", seen.surname),
        ("Födelsedatum", seen.birth_text),
        ("Kön", seen.sex_text),
        ("Folkbokföring", seen.registration_text),
        *([("Folkbokförd", seen.registered_on)] if seen.registered_on else []),
        *([("Avregistrering", seen.deregistration_text)] if seen.deregistration_text else []),
        ("Huvudman", seen.payer),
        ("Hälsoval, listad på", seen.listing_unit),
        *([("Död", seen.deceased_text)] if seen.is_deceased else []),
    ]


def identity_rows(patient):
    """Each number with its kind, whether it is primary, until when it was used and what the register says of it
    (PA-01…03). Of a protected person the primary alone (SK-02)."""
    return [
        (
            presenters.KIND_WORDS.get(row.kind, row.kind),
            presenters.identities.display(row.kind, row.value),
            "Primär" if row.is_primary else "Länkad",
            f"Gällde till {row.valid_to.isoformat()}." if row.valid_to else "",
            "" if patient.is_protected else presenters.identity_note(row),
        )
        for row in presenters.identities_of(patient)
        if row.is_primary or not patient.is_protected
    ]


def next_steps(commitments, *, at):
    """What comes next for each open vårdåtagande (UT-07), as words; one query per kind whatever the number. A
    vårdåtagande that is not among the keys lacks planning."""
    ids = [row.pk for row in commitments]
    today = start_of_day(local_date(at))
    steps = {}

    def add(commitment_id, text):
        steps.setdefault(commitment_id, text)

    ongoing = Encounter.objects.filter(commitment__in=ids, status=Status.IN_PROGRESS)
    for commitment_id, start in ongoing.order_by("start").values_list("commitment_id", "start"):
        add(commitment_id, f"Pågår sedan {_stamp(start)}")
    booked = Appointment.objects.living().filter(encounter__commitment__in=ids, start__gte=today).order_by("start")
    for commitment_id, start in booked.values_list("encounter__commitment_id", "start"):
        add(commitment_id, f"Bokad {_stamp(start)}")
    waiting = BookingRequest.objects.waiting().filter(commitment__in=ids).order_by("wished_to")
    for commitment_id, name, last in waiting.values_list("commitment_id", "visit_type__name", "wished_to"):
        add(commitment_id, f"Att boka: {name}, senast {last.isoformat()}")
    for commitment_id, came in (
        Referral.objects.to_book().filter(commitment__in=ids).order_by("arrival_date")
    ).values_list("commitment_id", "arrival_date"):
        add(commitment_id, f"Att boka: remiss från {came.isoformat()}")
    lists = (
        (AwaitedResult, "Avvaktar"),
        (MissingFollowUp, "Saknar återbesök"),
        (NoShowItem, "Utebliven, följs upp"),
        (RebookingItem, "Ska bokas om"),
    )
    for model, words in lists:
        rows = model.objects.open().filter(commitment__in=ids).order_by("watch_until")
        for commitment_id, last in rows.values_list("commitment_id", "watch_until"):
            add(commitment_id, f"{words}, bevakas till {last.isoformat()}")
    invited = OpenInvitation.objects.waiting().order_by("last_day")
    for path in ("booking_request__commitment", "referral__commitment"):
        for commitment_id, last in invited.filter(**{f"{path}__in": ids}).values_list(path, "last_day"):
            add(commitment_id, f"Öppen kallelse, sista dag {last.isoformat()}")
    return steps


def _stamp(moment):
    return f"{local(moment):%Y-%m-%d %H:%M}"


def encounter_facts(encounter):
    """The facts of a contact in the detail beside the list."""
    practitioner = next((part.practitioner for part in encounter.participants.all() if part.is_main_responsible), None)
    end = encounter.end or encounter.planned_end
    commitment = encounter.commitment
    return [
        ("Typ", encounter.type.name),
        ("Besökstyp", encounter.visit_type.name if encounter.visit_type else ""),
        ("Orsak", encounter.contact_reason.name if encounter.contact_reason else ""),
        ("Vårdgivare", f"{practitioner}, {practitioner.profession.name.lower()}" if practitioner else ""),
        ("Tid", f"{_stamp(encounter.start)}–{local(end):%H:%M}" if end else _stamp(encounter.start)),
        ("Utcheckad", _checked_out(encounter)),
        ("Vårdåtagande", commitment.problem_code.name if commitment else _no_commitment(encounter)),
        ("Nummer", str(encounter.number)),
    ]


def _no_commitment(encounter):
    return "Saknas" if encounter.type.requires_commitment else "Behövs inte"


def _checked_out(encounter):
    if not encounter.checked_out_at:
        return "Nej"
    return f"{_stamp(encounter.checked_out_at)}{' automatiskt' if encounter.is_check_out_automatic else ''}"


def visits_of(patient, care_unit):
    """The patient's contacts at the unit, newest first, as the overview shows them (VH-05)."""
    return (
        Encounter.objects.in_overview()
        .filter(patient=patient, care_unit=care_unit)
        .with_details()
        .prefetch_related("participants__practitioner__profession")
        .order_by("-start", "-id")
    )


def is_coming(at):
    """Bookings still to come: booked for today or later."""
    return Q(status="booked", start__gte=start_of_day(local_date(at)))
