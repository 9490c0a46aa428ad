"""Rows and facts of remisser (VA-02, BO-04)."""

from dataclasses import dataclass

from registration.models import ReferralKind
from registration.presenters import ShownPatient, shown
from sdv.common.presenting import Tag


@dataclass(frozen=True)
class ReferralRow:
    """A remiss in the unit's inbox: the patient as shown, how long it has waited, whether its target has passed."""

    referral: object
    patient: ShownPatient
    waited: str
    problem: str
    tags: tuple


def referral_row(referral, *, on):
    """A row of the inbox. Load the patient with its identities."""
    tags = []
    if target_passed(referral, on):
        tags.append(Tag("danger", "warn", "Måldatum passerat"))
    if referral.status == "returned":
        tags.append(Tag("warn", "left", "Returnerad"))
    return ReferralRow(
        referral=referral,
        patient=shown(referral.patient, on=on),
        waited=waited(referral, on),
        problem=problem_of(referral),
        tags=tuple(tags),
    )


def problem_of(referral):
    """The problem's name: the vårdåtagande's where there is one."""
    code = referral.commitment.problem_code if referral.commitment else referral.problem_code
    return code.name if code else ""


def waited(referral, on):
    """Days since the remiss came, in words (BO-04)."""
    days = (on - referral.arrival_date).days
    return "Kom i dag" if days == 0 else ("1 dag" if days == 1 else f"{days} dagar")


def target_passed(referral, on):
    """Whether the medical target date has passed (BO-04)."""
    return bool(referral.medical_target_date and referral.medical_target_date < on)


def referral_facts(referral, *, on):
    """What is known of a remiss, as pairs of words."""

    def day(value):
        return value.isoformat() if value else ""

    target = day(referral.medical_target_date)
    if target_passed(referral, on):
        target = f"{target} (passerat)"
    facts = [
        ("Typ", f"{referral.kind} {ReferralKind(referral.kind).label.lower()}"),
        ("Remittent", referral.referrer),
        ("Remissbeslut", day(referral.decision_date)),
        ("Ankomst", day(referral.arrival_date)),
        ("Väntat", waited(referral, on)),
        ("Granskning", day(referral.review_date)),
        ("Måldatum", target),
        ("Dagar till kontakt", "" if referral.days_to_first_contact is None else str(referral.days_to_first_contact)),
        ("Problem", problem_of(referral)),
    ]
    if referral.decided_by:
        facts.append(("Beslut", f"{referral.get_status_display()} av {referral.decided_by.name}"))
    if referral.decision_reason:
        facts.append(("Skäl", referral.decision_reason))
    return facts
