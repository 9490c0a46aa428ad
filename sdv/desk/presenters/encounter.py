"""A vårdhändelse as its page shows it: facts, Förlopp, every event, and what can be done with it."""

from datetime import timedelta
from typing import NamedTuple

from django.db.models import Q
from django.urls import reverse

from classification import presenters as coding_presenters
from classification.actions import coding
from registration.actions import encounters
from registration.consults import TEAM_VISITS
from registration.encounter_types import TYPES
from registration.lifecycle import (
    ANNULLED,
    AT_A_WARD,
    ENGAGES_CONSULTS,
    FOETUS,
    HOLDS_A_PLACE,
    INPATIENT,
    NEWBORN,
    NO_SHOW_TYPE,
    OBSERVATION,
    CheckOut,
    Discharge,
    Move,
    Status,
    is_reported,
)
from registration.models import Encounter
from scheduling import dates
from scheduling import models as scheduling
from sdv.common.presenting import Step, Tag
from sdv.common.time import local, local_date
from sdv.desk import encounter_actions
from sdv.desk.context import address
from sdv.desk.presenters import dates as dates_words

AUTOMATIC = "Automatiskt"
# What was entered later than this says when it was entered (PL-15).
AFTERWARDS = timedelta(minutes=5)


class Button(NamedTuple):
    """An act on the page: the API's name and the button's word, whether it is allowed, else why and by which rule; where
    it leads, whether the link opens a form, and its key."""

    action: str
    label: str
    allowed: bool
    reason: str
    rule: str
    url: str
    asks: bool = False
    key: str = ""
    icon: str = ""


class Event(NamedTuple):
    """A line of everything that has happened (VH-21): when, what, who, and the rest in words."""

    at: object
    text: str
    by: str
    detail: str


# --- Acts ---------------------------------------------------------------------------------------------------------

# Where each act is done: the address's name, and whether it belongs to the booking. Keys are the page's shortcuts.
_PLACES = {
    "arrive": ("appointment-arrive", True),
    "no_show": ("appointment-no-show", True),
    "reschedule": ("appointment-reschedule", True),
    "cancel": ("appointment-cancel", True),
    "check_out": ("check-out", False),
    "discharge": ("encounter-discharge", False),
    "code": ("encounter-coding", False),
    "reopen": ("encounter-reopen", False),
    "change_type": ("encounter-change-type", False),
    "annul": ("encounter-annul", False),
    "admit": ("encounter-admit", False),
    "assess": ("encounter-assess", False),
    "place": ("encounter-place", False),
    "transfer": ("encounter-transfer", False),
    "leave": ("encounter-leave", False),
    "return": ("encounter-return", False),
    "observe": ("encounter-observe", False),
    "continue": ("encounter-continue", False),
    "consult": ("encounter-consult", False),
    "complete": ("encounter-complete", False),
    "participants": ("encounter-participants", False),
    "interpreter": ("encounter-interpreter", False),
    "prepare_birth": ("encounter-children", False),
    "birth": ("encounter-birth", False),
    "personnummer": ("encounter-personnummer", False),
    "birth_time": ("encounter-birth-time", False),
}
_ASKS = {
    "reschedule",
    "cancel",
    "check_out",
    "discharge",
    "code",
    "change_type",
    "participants",
    "interpreter",
    *encounter_actions.OF_TYPES,
}
_KEYS = {"check_out": "F9", "code": "Alt 6"}
_ICONS = {"arrive": "arrive", "no_show": "cross", "reschedule": "cal", "cancel": "cross", "check_out": "check"}
_ICONS |= {"code": "list", "undo_arrival": "undo", "undo_no_show": "undo", "undo_check_out": "undo"}


def actions(encounter, actor, *, at):
    """Every act on the encounter as a button (action, label, allowed, reason, rule, url), from the same judgement as
    the API's `actions` (sdv.desk.encounter_actions)."""
    appointment = getattr(encounter, "appointment", None)
    return [
        Button(
            one.action,
            one.label,
            one.allowed,
            one.reason,
            one.rule,
            _place(one.action, encounter, appointment),
            one.needs_reason or one.action in _ASKS,
            _KEYS.get(one.action, ""),
            _ICONS.get(one.action, ""),
        )
        for one in encounter_actions.possible(encounter, actor=actor, at=at)
    ]


def _place(action, encounter, appointment):
    if action in encounter_actions.UNDOES:
        return reverse("encounter-undo", args=[encounter.pk, action.replace("_", "-")])
    name, is_of_booking = _PLACES[action]
    return address(name, appointment.pk if is_of_booking else encounter.pk)


# --- Words --------------------------------------------------------------------------------------------------------


def heading(encounter):
    """What the page is called: the kind of contact and its day, never a name."""
    kind = encounter.visit_type.name if encounter.visit_type else encounter.type.name
    return f"{kind} {local_date(encounter.start).isoformat()}"


def moment(value):
    """2026-11-03 09:38, or an empty text."""
    return local(value).strftime("%Y-%m-%d %H:%M") if value else ""


def facts(encounter):
    """The administrative facts as (word, value). Payer and listing of a protected person are not shown (SK-02)."""
    is_protected = encounter.patient.is_protected
    outcome = _outcome(encounter)
    found = [
        ("Klass", TYPES[encounter.type_id].class_name),
        ("Typ", encounter.type.name),
        ("Status", Status(encounter.status).label),
        ("Vårdenhet", encounter.care_unit.name),
        ("Bokad tid", _span(encounter.planned_start, encounter.planned_end)),
        *_date_facts(encounter),
        ("Start", moment(encounter.start) if encounter.status != Status.PLANNED else ""),
        ("Utcheckad", _checked_out(encounter)),
        ("Utfall", outcome),
        ("Slut", moment(encounter.end)),
        ("Besökstyp", encounter.visit_type.name if encounter.visit_type else ""),
        ("Vårdkontaktsorsak", encounter.contact_reason.name if encounter.contact_reason else ""),
        ("Form av kontakt", encounter.get_contact_form_display()),
        *_stay_facts(encounter),
        ("Vårdåtagande", encounter.commitment.problem_code.name if encounter.commitment else ""),
        ("Medverkande", ", ".join(_participants(encounter))),
        ("Huvudman", "" if is_protected else encounter.payer),
        ("Listad på", "" if is_protected else encounter.listing_unit),
        ("Legitimation", encounter.identity_shown),
        ("Tolk", "Användes" if encounter.interpreter_used else ""),
        ("Nummer", str(encounter.number)),
    ]
    # What cannot have come yet, or has no meaning for the contact, is left out rather than called missing.
    compulsory = {"Besökstyp", "Vårdkontaktsorsak", "Medverkande"} if encounter.planned_start else set()
    return [(word, text) for word, text in found if text or word in compulsory]


def _date_facts(encounter):
    """Beside the booked time what was wished and what was offered (PL-09)."""
    booked = getattr(encounter, "appointment", None)
    if booked is None:
        return []
    booked.encounter = encounter
    return dates_words.facts(dates.of_bookings([booked])[booked.pk])


def _stay_facts(encounter):
    """Where the patient lies and comes from and goes to (VH-09, VH-23)."""
    place = ward = leave = None
    if encounter.type_id in HOLDS_A_PLACE:
        place = encounter.place_stays.going_on().select_related("place").first()
    if encounter.type_id in AT_A_WARD:
        ward = encounter.ward_stays.filter(period__upper_inf=True).select_related("ward").first()
    if encounter.type_id == INPATIENT:
        leave = encounter.leaves.filter(period__upper_inf=True).first()
    expected = encounter.expected_discharge_on
    return [
        ("Avdelning", ward.ward.name if ward else ""),
        ("Plats", place.place.name if place else ""),
        ("Permission", f"sedan {moment(leave.period.lower)}" if leave else ""),
        ("Läkarbedömning", moment(encounter.assessed_at)),
        ("Planerat", {True: "Planerad", False: "Oplanerad"}.get(encounter.is_planned, "")),
        ("Insätt", encounter.get_admitted_from_display()),
        ("Beräknad utskrivning", expected.isoformat() if expected else ""),
        ("Utsätt", encounter.get_discharged_to_display()),
        ("Avbruten", encounter.get_broken_off_display()),
    ]


def linked(encounter):
    """The vårdhändelser that this one is linked to, as (word, what, address): before, after, consults, mother, child."""
    found = [("Fortsätter från", encounter.continues), ("Konsult åt", encounter.during)]
    if encounter.type_id in (*ENGAGES_CONSULTS, *TEAM_VISITS):
        followed = Encounter.objects.filter(Q(continues=encounter) | Q(during=encounter, cancelled_at=None))
        followed = followed.exclude(type=ANNULLED)
        for row in followed.select_related("type", "care_unit").order_by("start", "id"):
            found.append(("Konsult" if row.during_id == encounter.pk else "Fortsatte i", row))
    if encounter.type_id in (FOETUS, NEWBORN) and (birth := getattr(encounter, "birth", None)):
        found.append(("Moderns vårdhändelse", birth.mother_encounter))
    elif encounter.type_id in (INPATIENT, OBSERVATION):
        births = encounter.children.select_related("encounter__type", "encounter__care_unit").order_by("number")
        found += [(f"Barn {birth.number}", birth.encounter) for birth in births]
    return [
        (word, f"{row.type.name}, {row.care_unit.short_name}, {moment(row.start)}", row) for word, row in found if row
    ]


def _span(start, end):
    if not start:
        return ""
    return f"{moment(start)}–{local(end):%H:%M}" if end else moment(start)


def _checked_out(encounter):
    if not encounter.checked_out_at:
        return ""
    return moment(encounter.checked_out_at) + (", automatiskt" if encounter.is_check_out_automatic else "")


def _outcome(encounter):
    last = (
        scheduling.CheckOut.objects.filter(encounter=encounter, undone_at__isnull=True)
        .select_related("outcome", "reason")
        .first()
    )
    if last is None:
        return ""
    return f"{last.outcome.name}: {last.reason.name}" if last.reason else last.outcome.name


def _participants(encounter):
    rows = encounter.participants.select_related("practitioner", "profession").order_by("-is_main_responsible", "id")
    return [
        f"{row.practitioner}, {row.profession.name}{' (huvudansvarig)' if row.is_main_responsible else ''}"
        for row in rows
    ]


# --- Förlopp ------------------------------------------------------------------------------------------------------


def steps(history, coded, encounter):
    """The timeline: what has been done, where the contact stands, what comes. Undone acts do not stand as done; what
    deviated from the plan is a tag. `coded` is the coding, or None where it is not klar."""
    reached, deviations = {}, {}
    for row in history:
        _walk(row, reached, deviations)
    planned_type = TYPES[encounter.type_id]
    if planned_type.is_pre_registration and encounter.visit_type:
        planned_type = TYPES[encounters.arrival_type_of(encounter, local_date(encounter.planned_start))]
    names = list(_course(reached, encounter, planned_type))
    if coded is not None:
        reached["Kodad"] = (coded.completed_at, coded.completed_by)
    last = max((place for place, name in enumerate(names) if name in reached), default=0)
    return [
        Step(
            name,
            _lines(reached.get(name)),
            _state(place, last, name in reached, has_more=last < len(names) - 1),
            deviations.get(name),
        )
        for place, name in enumerate(names)
        if name in reached or place > last
    ]


def _walk(row, reached, deviations):
    done = (row.at, row.by)
    if row.move == Move.CREATE:
        reached["Bokad" if row.target == Status.PLANNED else "Påbörjad"] = done
    elif row.move == Move.RESCHEDULE:
        deviations["Bokad"] = Tag("warn", "cal", "Ombokad")
    elif row.move == Move.ARRIVE:
        reached["Ankommen"] = done
    elif row.move == Move.UNDO_ARRIVAL:
        reached.pop("Ankommen", None)
        deviations["Bokad"] = Tag("warn", "undo", "Ankomst ångrad")
    elif row.move == Move.NO_SHOW:
        reached["Utebliven"] = done
        deviations["Utebliven"] = Tag("danger", "cross", "Kom inte")
    elif row.move == Move.UNDO_NO_SHOW:
        reached.pop("Utebliven", None)
        reached.pop("Avslutad", None)
        deviations["Bokad"] = Tag("warn", "undo", "Utebliven ångrad")
    elif row.move == Move.CHECK_OUT:
        reached["Utcheckad"] = done
        if row.by is None:
            deviations["Utcheckad"] = Tag("", "clock", "Automatiskt")
    elif row.move == Move.UNDO_CHECK_OUT:
        reached.pop("Utcheckad", None)
        deviations["Ankommen" if "Ankommen" in reached else "Påbörjad"] = Tag("warn", "undo", "Utcheckning ångrad")
    elif row.move == Move.DISCHARGE:
        reached["Avslutad"] = done
    elif row.move == Move.REOPEN:
        reached.pop("Avslutad", None)
        at = next(name for name in ("Utcheckad", "Ankommen", "Påbörjad", "Bokad") if name in reached or name == "Bokad")
        deviations[at] = Tag("warn", "undo", "Öppnad igen")
    elif row.move == Move.CANCEL:
        reached["Avbokad"] = done
        deviations["Avbokad"] = Tag(
            "danger", "cross", "Annullerad" if row.type_after == ANNULLED else "Avslutas för hand"
        )
    elif row.move == Move.UNDO_CANCEL:
        reached.pop("Avbokad", None)
        deviations["Bokad"] = Tag("warn", "undo", "Avbokning ångrad")
    elif row.move == Move.ANNUL:
        reached["Annullerad"] = done
        deviations["Annullerad"] = Tag("danger", "cross", "Skapad av misstag")


def _course(reached, encounter, row):
    """The steps in order, for this kind of contact and for how it went."""
    yield "Påbörjad" if "Påbörjad" in reached else "Bokad"
    if encounter.type_id == ANNULLED or "Avbokad" in reached:
        yield from (name for name in ("Ankommen", "Utcheckad") if name in reached)
        yield "Avbokad" if "Avbokad" in reached else "Annullerad"
        if encounter.type_id != ANNULLED:
            yield "Avslutad"
        return
    if encounter.type_id == NO_SHOW_TYPE:
        yield from ("Utebliven", "Avslutad")
        return
    if "Påbörjad" not in reached:
        yield "Ankommen"
    if row.check_out != CheckOut.NOT_APPLICABLE:
        yield "Utcheckad"
    if row.discharge != Discharge.NOT_APPLICABLE:
        yield "Avslutad"
    if is_reported(row.code, encounter.contact_form):
        yield "Kodad"


def _lines(done):
    if done is None:
        return ()
    at, by = done
    return (moment(at), by.name if by else AUTOMATIC)


def _state(place, last, is_reached, *, has_more):
    if place == last and has_more:
        return "now"
    return "done" if is_reached else "next"


def events(history, of_booking, codings):
    """Everything that has happened, newest first. `of_booking` are the booking's own reschedulings and changes of tillval,
    `codings` the coding's history in its presenter's words."""
    reschedulings = iter([row for row in of_booking if row.event == "rescheduled"])
    found = [_event(row, reschedulings) for row in history]
    for row in of_booking:
        if row.event == "add_ons":
            found.append(Event(row.at, row.get_event_display(), row.by.name if row.by else AUTOMATIC, row.reason))
    for change in codings:
        parts = [f"tillkom {', '.join(change['added'])}"] if change["added"] else []
        parts += [f"togs bort {', '.join(change['removed'])}"] if change["removed"] else []
        parts += [f"huvuddiagnos {change['main']}"] if change["main"] else []
        parts += ["klar"] if change["complete"] else []
        found.append(Event(change["at"], change["text"], change["by"], "; ".join(parts)))
    in_order = sorted(enumerate(found), key=lambda numbered: (numbered[1].at, numbered[0]), reverse=True)
    return [event for _, event in in_order]


def _event(row, reschedulings):
    detail = [row.reason] if row.reason else []
    if row.move == Move.RESCHEDULE and (moved := next(reschedulings, None)):
        detail.insert(0, f"från {moment(moved.start_before)} till {moment(moved.start_after)}")
    if row.type_before and row.type_before != row.type_after:
        detail.insert(0, f"{TYPES[row.type_before].name} blev {TYPES[row.type_after].name}")
    if row.by and row.registered_at - row.at > AFTERWARDS:
        detail.append(f"registrerat {moment(row.registered_at)}")
    return Event(row.at, row.get_move_display(), row.by.name if row.by else AUTOMATIC, "; ".join(detail))


# --- The page -----------------------------------------------------------------------------------------------------


def page(encounter, actor, *, at):
    """All that the page shows under the patient's band and tabs."""
    history = list(encounter.history.select_related("by"))
    appointment = getattr(encounter, "appointment", None)
    told = appointment.history.filter(event__in=["rescheduled", "add_ons"]) if appointment else None
    of_booking = list(told.select_related("by")) if appointment else []
    found = coding.read(encounter)
    row = found.coding
    codings = row.history.select_related("by") if row.version else ()
    possible = actions(encounter, actor, at=at)
    return {
        "heading": heading(encounter),
        "encounter": encounter,
        "facts": facts(encounter),
        "linked": [
            (word, text, reverse("encounter", args=[row.pk]) if row.care_unit_id == encounter.care_unit_id else "")
            for word, text, row in linked(encounter)
        ],
        "steps": steps(history, row if row.is_complete else None, encounter),
        "events": events(history, of_booking, [coding_presenters.history(change) for change in codings]),
        "coding": coding_presenters.coding(found),
        "coding_status": _coding_status(encounter, row),
        "allowed": [button for button in possible if button.allowed and button.url],
        "refused": [
            button for button in possible if not button.allowed and button.rule and _is_news(button, encounter)
        ],
    }


def _is_news(button, encounter):
    """Whether a person may wonder why the act cannot be done: what belongs to a booking is over when the visit began."""
    return encounter.status == Status.PLANNED or button.action not in encounter_actions.OF_BOOKING


def _coding_status(encounter, row):
    if not is_reported(encounter.type_id, encounter.contact_form):
        return "not_applicable"
    if row.is_complete:
        return "complete"
    return "partial" if row.version else "missing"
