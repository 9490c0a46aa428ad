"""Remisser of the invented region in every state of a decision: from outside, from its own units, forwarded, sent out of the
region, returned and completed, addressed to somebody and to nobody; who reviews and stands in (VA-02…04)."""

from datetime import timedelta

from registration.actions import referrals, waiting
from registration.models import DeviationKind, ReferralKind, ReferralReviewer
from scheduling.actions import faults
from sdv.common.time import local_date

DECISIONS = ["none"] * 12 + ["review"] * 3 + ["return"] * 3 + ["complete"] * 2 + ["forward"] * 2 + ["reject"] * 2
DECISIONS += ["accept"] * 8 + ["accept untargeted"] * 2 + ["outside"]
REASONS = {
    "return": "Provsvar saknas",
    "complete": "Läkemedelslista saknas",
    "forward": "Hör till annan mottagning",
    "reject": "Egenvård räcker",
    "outside": "Patienten har flyttat",
}


def fill(story, unit, decided_at):
    """At the specialist clinic, decided at the moment; each remiss came some days before."""
    doctors = [each.practitioner for each in unit.clinicians if hasattr(each, "practitioner")]
    for position, doctor in enumerate(doctors, start=1):
        ReferralReviewer.objects.get_or_create(care_unit=unit.row, practitioner=doctor, defaults={"position": position})
    for number, decision in enumerate(DECISIONS[:: max(1, round(1 / max(story.scale, 0.1)))]):
        patient = story.patient(unit.key, story.today - timedelta(days=1))
        if patient is None:
            continue
        came_at = decided_at - timedelta(days=story.rng.randint(0, 12))
        addressed_to = doctors[number % len(doctors)] if doctors and number % 3 == 0 else None
        referral = story.referral(unit, patient, arrived_at=came_at, addressed_to=addressed_to)
        decide(story, unit, referral, decision, decided_at)
    send(story, unit, decided_at)
    faults.check(at=story.at)


def decide(story, unit, referral, decision, at):
    """What was decided of one remiss, by one of the unit's clinicians."""
    act = {"referral_id": referral.pk, "by": story.clinician(unit), "at": at}
    target = local_date(at) + timedelta(days=story.rng.randint(-2, 60)) if decision != "accept untargeted" else None
    if decision in ("accept", "review"):
        target = max(target, local_date(at))
    if decision == "review":
        referrals.review(**act, medical_target_date=target)
        waiting.register_deviation(
            **act, kind=DeviationKind.MEDICAL, starts_on=referral.arrival_date, reason="Infektion, tas när den läkt"
        )
    elif decision.startswith("accept"):
        referrals.accept(**act, problem_code=referral.problem_code, medical_target_date=target)
    elif decision == "forward":
        referrals.forward(**act, to_unit=story.region.units["dialys"].row, reason=REASONS[decision])
    elif decision == "outside":
        referrals.forward_outside(**act, receiver="Hjärtkliniken, Påhittade regionen", reason=REASONS[decision])
    elif decision != "none":
        kind = "return" if decision == "complete" else decision
        referrals.decide(**act, decision=kind, reason=REASONS[decision])
        if decision == "complete":
            later = {"by": story.coordinator, "at": at + timedelta(minutes=50)}
            referrals.complete(referral_id=referral.pk, text="Lista bifogad i journalen", **later)


def send(story, unit, at):
    """From the health centre to the specialist clinic: one confirmed, one accepted, the rest on their way."""
    sender = story.region.units["bryggan"]
    for number in range(max(3, story.some(6))):
        patient = story.patient("bryggan", story.today - timedelta(days=1))
        if patient is None:
            continue
        sent_at = at - timedelta(days=story.rng.randint(0, 3), minutes=30)
        referral = referrals.register(
            patient_id=patient.pk,
            care_unit=unit.row,
            sender_unit=sender.row,
            kind=ReferralKind.REFERRAL,
            decision_date=local_date(sent_at),
            arrival_date=local_date(sent_at),
            problem_code=story.rng.choice(story.problems),
            by=story.clinician(sender),
            at=sent_at,
        )
        if number == 0:
            referrals.confirm(referral_id=referral.pk, by=story.coordinator, at=at)
        elif number == 1:
            decide(story, unit, referral, "accept", at)
