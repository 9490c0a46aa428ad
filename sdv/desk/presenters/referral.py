"""Rows and facts of remisser (VA-02, BO-04)."""

from dataclasses import dataclass

from django.urls import reverse

from registration.models import ReferralAct, ReferralKind, ReferralStatus
from registration.presenters import ShownPatient, shown
from registration.waiting import wait_of
from sdv.accounts.models import Practitioner
from sdv.common.presenting import Step, Tag

from .rows import days_in_words, stamp

# What can be put right of a remiss, in the order of its page (VA-02).
CORRECTED = {
    "kind": "Typ",
    "referrer": "Remittent",
    "addressed_to": "Ställd till",
    "decision_date": "Remissbeslut",
    "arrival_date": "Ankomst",
}


@dataclass(frozen=True)
class ReferralRow:
    """A remiss in the unit's inbox: the patient as shown, how long it has waited, whether its target has passed."""

    referral: object
    patient: ShownPatient
    waited: str
    problem: str
    tags: tuple
    reviewer: str = ""
    book_url: str = ""


def book_url_of(referral):
    """The booking page with the remiss and its vårdåtagande chosen; where its booking is moved, once it has one. Load the
    remiss with its booking (first_bookings)."""
    if referral.booked_id:
        return reverse("appointment-reschedule", args=[referral.booked_id])
    place = reverse("book", args=[referral.patient_id])
    return f"{place}?vardatagande={referral.commitment_id}&remiss={referral.pk}"


def booked_tag(referral):
    """Bokad 2026-12-01 09:30, where somebody has booked the remiss; it stays in Att boka until the patient has come."""
    start = getattr(referral, "booked_start", None)
    return Tag("info", "cal", f"Bokad {stamp(start)}") if start else None


def referral_row(referral, *, on, turn=None):
    """A row of the inbox. Load the patient with its identities, the remiss with its wait. `turn` tells who reviews now."""
    tags = [tag] if (tag := booked_tag(referral)) else []
    if not referral.receipt_at and referral.sender_unit_id:
        tags.append(Tag("info", "arrive", "Ny"))
    wait = wait_of(referral, on=on)
    if wait.is_target_passed:
        tags.append(Tag("danger", "warn", f"Måldatum passerat {days_in_words(-wait.target_left)}"))
    if wait.is_over_guarantee or (wait.guarantee_left is not None and wait.guarantee_left <= 14):
        tags.append(guarantee_tag(wait))
    if wait.left_out:
        tags.append(Tag("", "clock", f"{days_in_words(wait.left_out)} räknas inte"))
    if referral.status == "returned":
        tags.append(Tag("warn", "left", "Returnerad"))
    if referral.forwarded_from_id:
        tags.append(Tag("", "right", "Vidaresänd hit"))
    return ReferralRow(
        referral=referral,
        patient=shown(referral.patient, on=on),
        waited=waited(referral, on),
        problem=problem_of(referral),
        tags=tuple(tags),
        reviewer=reviewer_text(referral, turn) if turn else "",
    )


def reviewer_text(referral, turn):
    """Who is in turn, and for whom (VA-03)."""
    now_in_turn = turn.of(referral)
    name = str(now_in_turn) if now_in_turn else "Ingen i tur"
    if turn.is_stand_in(referral):
        return f"{name} för {referral.addressed_to}, frånvarande"
    return name if now_in_turn or referral.addressed_to_id or turn.names_reviewers(referral) else ""


@dataclass(frozen=True)
class SentRow:
    """A remiss that the unit has sent: to whom, when, whether it has come, and what was decided."""

    referral: object
    patient: ShownPatient
    receipt: str
    outcome: str
    waited: str
    place: str


def sent_row(referral, *, on):
    """A row of what was sent (VA-03)."""
    is_waiting = referral.status in (ReferralStatus.RECEIVED, ReferralStatus.RETURNED)
    return SentRow(
        referral=referral,
        patient=shown(referral.patient, on=on),
        receipt=_received(referral),
        outcome=referral.decision_reason,
        waited=waited(referral, on) if is_waiting else "",
        place=referral.forwarded_outside or referral.care_unit.name,
    )


def _received(referral):
    """When whoever has it now has said that it has come; empty where nobody has. Outside the region it is a day."""
    if referral.forwarded_outside:
        return referral.outside_receipt_on.isoformat() if referral.outside_receipt_on else ""
    return stamp(referral.receipt_at) if referral.receipt_at else ""


def referral_trail(referral):
    """Every step of the remiss, also at the units that it was forwarded from, oldest first (VA-03)."""
    chain = [referral]
    while earlier := chain[0].forwarded_from:
        chain.insert(0, earlier)
    events = [(each, event) for each in chain for event in each.events.select_related("by", "to_unit")]
    steps, names = [], _names(event for _, event in events)
    for each, event in events:
        what = event.get_act_display()
        if to := event.to_unit.name if event.to_unit else event.to_outside:
            what = f"{what} till {to}"
        elif event.act == ReferralAct.REGISTERED and len(chain) > 1:
            what = f"{what} hos {each.care_unit.name}"
        lines = [stamp(event.at) + (f", {event.by.name}" if event.by else ""), *_corrected(event, names)]
        steps.append(Step(what, (*lines, *([event.reason] if event.reason else []))))
    return steps


def _names(events):
    """Those whom corrections name as addressed, by their ids."""
    told = {
        side["addressed_to"]
        for each in events
        if each.after
        for side in (each.before, each.after)
        if "addressed_to" in side
    }
    return {str(row.pk): str(row) for row in Practitioner.objects.filter(pk__in=told - {None})} if told else {}


def _corrected(event, names):
    """What a correction changed, a line a field (PL-13)."""
    for name, label in CORRECTED.items():
        if event.after and name in event.after:
            yield f"{label}: {_in_words(name, event.before[name], names)} → {_in_words(name, event.after[name], names)}"


def _in_words(name, value, names):
    if not value:
        return "inte angivet"
    return ReferralKind(value).label if name == "kind" else names.get(value, value)


def letters_of(referral):
    """Letters about the remiss, last written first: (key, which and when, status)."""
    rows = referral.letters.order_by("-created_at", "-id")
    return [
        (row.pk, f"{row.get_kind_display()} {stamp(row.created_at)}", row.get_status_display().lower()) for row in rows
    ]


def problem_of(referral):
    """The problem's name: the vårdåtagande's where there is one."""
    code = referral.commitment.problem_code if referral.commitment else referral.problem_code
    return code.name if code else ""


def waited(referral, on):
    """Days since the wait began, in words: since the decision to refer, or the arrival where that is not known; at the
    first unit where it has been forwarded (BO-04, PL-25)."""
    days = (on - referral.waiting_since).days
    return "Börjar i dag" if days == 0 else days_in_words(days)


def guarantee_tag(wait):
    """What is left of vårdgarantin, or by how much it has passed; none where no limit applies (BO-04)."""
    left = wait.guarantee_left
    if left is None:
        return None
    if left < 0:
        return Tag("danger", "warn", f"Vårdgarantin passerad {days_in_words(-left)}")
    return Tag("warn" if left <= 14 else "", "clock", f"{days_in_words(left)} kvar av vårdgarantin")


def wait_facts(wait):
    """The wait in words: in all, what is not counted, what is left of guarantee and target (BO-04)."""
    tag = guarantee_tag(wait)
    target = ""
    if wait.target:
        left = wait.target_left
        target = f"{days_in_words(left)} kvar" if left >= 0 else f"Passerat {days_in_words(-left)}"
        target = f"{wait.target.isoformat()} ({target[0].lower()}{target[1:]})"
    return [
        ("Väntar sedan", wait.since.isoformat()),
        ("Väntat", days_in_words(wait.days)),
        ("Räknas inte", days_in_words(wait.left_out) if wait.left_out else ""),
        ("Räknas", days_in_words(wait.counted)),
        ("Vårdgaranti", f"{wait.limit} dagar: {tag.text[0].lower()}{tag.text[1:]}" if tag else "Gäller inte"),
        ("Måldatum", target),
    ]


def referral_facts(referral, *, wait, turn=None):
    """What is known of a remiss, as pairs of words."""

    def day(value):
        return value.isoformat() if value else ""

    facts = [
        ("Typ", f"{referral.kind} {ReferralKind(referral.kind).label.lower()}"),
        ("Remittent", referral.referrer),
        ("Ställd till", str(referral.addressed_to) if referral.addressed_to else ""),
        ("Remissbeslut", day(referral.decision_date)),
        ("Ankomst", day(referral.arrival_date)),
        ("Granskning", day(referral.review_date)),
        *wait_facts(wait),
        ("Dagar till kontakt", "" if referral.days_to_first_contact is None else str(referral.days_to_first_contact)),
        ("Problem", problem_of(referral)),
        ("Mottagen", _receipt_text(referral)),
    ]
    if turn and (reviewer := reviewer_text(referral, turn)):
        facts.insert(3, ("Granskas nu av", reviewer))
    if referral.forwarded_from:
        facts.append(("Kom från", referral.forwarded_from.care_unit.name))
    if referral.forwarded_outside:
        facts.append(("Sänd till", f"{referral.forwarded_outside}, {day(referral.forwarded_on)}"))
        facts.append(("Mottagen där", day(referral.outside_receipt_on) or "Inte bekräftad"))
    if referral.decided_by:
        facts.append(("Beslut", f"{referral.get_status_display()} av {referral.decided_by.name}"))
    if referral.decision_reason:
        facts.append(("Skäl", referral.decision_reason))
    return facts


def _receipt_text(referral):
    if not referral.receipt_at:
        return "Inte bekräftad"
    by = f", {referral.receipt_by.name}" if referral.receipt_by else ""
    return f"{stamp(referral.receipt_at)}{by}"
