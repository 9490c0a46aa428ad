"""What may be decided of a remiss, which dates it may have, and who is in turn to review it (VA-02, VA-03). Pure: no
database, no clock."""

from datetime import timedelta
from itertools import pairwise

from registration.models.referral import ReferralAct, ReferralKind, ReferralStatus
from sdv.common.errors import RuleError

# Nobody plans a first contact further ahead: a date beyond it is mistyped.
LONGEST_TARGET = timedelta(days=3650)
UNDECIDED = {ReferralStatus.RECEIVED, ReferralStatus.RETURNED}
# Decision: the statuses it may be taken from, and the status it leads to (VA-03).
DECISIONS = {
    "review": (UNDECIDED | {ReferralStatus.ACCEPTED}, None, "granskas"),
    "accept": (UNDECIDED, ReferralStatus.ACCEPTED, "accepteras"),
    "return": ({ReferralStatus.RECEIVED}, ReferralStatus.RETURNED, "returneras"),
    "complete": ({ReferralStatus.RETURNED}, ReferralStatus.RECEIVED, "kompletteras"),
    "forward": (UNDECIDED, ReferralStatus.FORWARDED, "sändas vidare"),
    "reject": (UNDECIDED, ReferralStatus.REJECTED, "avvisas"),
    "confirm": (UNDECIDED, None, "bekräftas"),
    "confirm_outside": ({ReferralStatus.FORWARDED}, None, "bekräftas av mottagaren"),
    "correct": (set(ReferralStatus) - {ReferralStatus.FORWARDED}, None, "rättas"),
}
# What was written of a remiss when it was registered, beside the day on which it came (VA-02).
WORDS = frozenset({"kind", "referrer", "addressed_to", "decision_date"})

# What a decision's undo takes back: the step of the trail, and the status that the remiss then is in (PL-13).
UNDOABLE = {
    ReferralAct.ACCEPTED: ReferralStatus.ACCEPTED,
    ReferralAct.RETURNED: ReferralStatus.RETURNED,
    ReferralAct.FORWARDED: ReferralStatus.FORWARDED,
    ReferralAct.REJECTED: ReferralStatus.REJECTED,
}
# What may have been built on a decision, and what to do instead (PL-07, PL-13).
BUILT_ON = {
    "booked": "patienten har fått en tid på vårdåtagandet. Avboka den först",
    "offered": "patienten har ett erbjudande om en tid. Dra tillbaka det först",
    "invited": "patienten har fått en öppen kallelse. Avsluta den först",
    "requested": "det finns en bokningsbegäran på vårdåtagandet. Avsluta den först",
    "shared": "vårdåtagandet bär också en annan remiss. Avsluta vårdåtagandet i stället",
    "told": "patienten har fått en remissbekräftelse om beslutet. Fatta ett nytt beslut och skriv en ny bekräftelse",
    "received": "mottagaren har redan tagit hand om remissen. Be mottagaren att sända den tillbaka",
}


def undo_refusal(*, status, step, version, built_on=()):
    """Why the last decision of a remiss may not be taken back, or None (VA-03, PL-13). `step` is the last of its trail;
    `built_on` names, by BUILT_ON, what has come of it since."""
    is_last = step is not None and step.before is not None and UNDOABLE.get(step.act) == status
    if not is_last or step.before["version"] + 1 != version:
        refused = RuleError(
            "PL-13",
            f"Det finns inget beslut att ångra: remissen är {ReferralStatus(status).label.lower()} och har ändrats"
            " sedan dess. Läs in sidan igen.",
            code="nothing_to_undo",
        )
        return refused.told(step.by, step.at) if step is not None else refused
    for each in built_on:
        return RuleError("VA-03", f"Beslutet kan inte ångras: {BUILT_ON[each]}.", code=f"undo_{each}")
    return None


def outside_refusal(*, sent_on, arrival_date, today):
    """VA-03: the day a remiss was sent out of the region is neither before it came nor in the future. The reason or None."""
    if sent_on > today:
        return RuleError("VA-02", "Remissen kan inte vara sänd i framtiden. Rätta datumet.", code="date_in_future")
    if sent_on < arrival_date:
        return RuleError(
            "VA-02", "Remissen kan inte vara sänd före sin ankomst. Rätta datumet.", code="dates_out_of_order"
        )
    return None


def outside_receipt_refusal(*, received_on, sent_on, today):
    """VA-03: the day a receiver outside the region had the remiss is neither before it was sent there, nor in the future;
    one that is not sent there has none. The reason or None."""
    if sent_on is None:
        return RuleError(
            "VA-03",
            "Remissen är sänd vidare inom regionen: mottagaren där bekräftar själv att den har kommit.",
            code="wrong_status",
        )
    if received_on > today:
        return RuleError("VA-02", "Remissen kan inte vara mottagen i framtiden. Rätta datumet.", code="date_in_future")
    if received_on < sent_on:
        return RuleError(
            "VA-02",
            "Remissen kan inte vara mottagen före den dag den sändes. Rätta datumet.",
            code="dates_out_of_order",
        )
    return None


def decision_refusal(status, decision):
    """Why a remiss in the status may not be so decided, or None (VA-03)."""
    sources, _, words = DECISIONS[decision]
    if status in sources:
        return None
    instead = "Ångra vidaresändningen först." if decision == "correct" else "Läs in listan igen."
    return RuleError(
        "VA-03",
        f"Remissen kan inte {words}: den är {ReferralStatus(status).label.lower()}. {instead}",
        code="wrong_status",
    )


def correctable(referral, units):
    """Which of its fields somebody at the units may put right, by name (VA-02, PL-13): what it says by who wrote it, the
    day on which it came by who received it. One that was sent on carries the words and the clock of the first."""
    is_writers = (referral.sender_unit_id or referral.care_unit_id) in units and not referral.forwarded_from_id
    is_receivers = referral.care_unit_id in units
    return (WORDS if is_writers else frozenset()) | (frozenset({"arrival_date"}) if is_receivers else frozenset())


def correction_refusal(referral, changed, units):
    """Why these of its fields may not be changed by somebody at the units, or None (PL-13)."""
    if not changed:
        return RuleError("PL-13", "Uppgifterna är redan så. Ändra det som är fel.", code="nothing_to_correct")
    if changed <= correctable(referral, units):
        return None
    if referral.forwarded_from_id:
        sentence = (
            "Remissen är vidaresänd: typ, remittent, ställd till och remissbeslut följer med från den första enheten."
            " Be den som sände hit remissen att ångra vidaresändningen och rätta dem där."
        )
    elif "arrival_date" in changed and referral.care_unit_id not in units:
        sentence = "Ankomsten rättas av enheten som har tagit emot remissen. Rätta bara det som ni har skrivit."
    else:
        sentence = "Typ, remittent, ställd till och remissbeslut rättas av enheten som har sänt remissen. Rätta bara ankomsten."
    return RuleError("PL-13", sentence, code="not_yours")


def corrected_date_refusal(*, today, decision_date, arrival_date, review_date, decided_on, forwarded_since):
    """VA-02, PL-25: the dates that a correction leads to are in order, with what has been done of the remiss since, and
    with the clock that it was sent on with. The reason why not, or None."""
    dates = {"decision_date": decision_date, "arrival_date": arrival_date, "review_date": review_date}
    if refused := date_refusal(today=today, **dates):
        return refused
    if decided_on and arrival_date > decided_on:
        return RuleError(
            "VA-02",
            f"Ankomst ska inte ligga efter beslutet om remissen, {decided_on.isoformat()}. Rätta datumet.",
            code="dates_out_of_order",
        )
    if forwarded_since and arrival_date < forwarded_since:
        return RuleError(
            "VA-02",
            f"Ankomst ska inte ligga före dagen då väntan började, {forwarded_since.isoformat()}. Rätta datumet.",
            code="dates_out_of_order",
        )
    return None


def date_refusal(*, today, decision_date=None, arrival_date=None, review_date=None):
    """VA-02: decision ≤ arrival ≤ review, and none in the future. The reason why not, or None."""
    named = [("Remissbeslut", decision_date), ("Ankomst", arrival_date), ("Granskning", review_date)]
    known = [(name, day) for name, day in named if day]
    for name, day in known:
        if day > today:
            return RuleError("VA-02", f"{name} kan inte ligga i framtiden. Rätta datumet.", code="date_in_future")
    for (first, earlier), (second, later) in pairwise(known):
        if earlier > later:
            return RuleError(
                "VA-02",
                f"{first} ska inte ligga efter {second.lower()}. Rätta något av datumen.",
                code="dates_out_of_order",
            )
    return None


def target_refusal(*, review_date, medical_target_date):
    """VA-03: the medical target date is not before the day of the review, and within ten years of it. The reason why not, or
    None."""
    if medical_target_date is None or review_date is None:
        return None
    if medical_target_date < review_date:
        return RuleError(
            "VA-02",
            "Medicinskt måldatum ska inte ligga före granskningen. Rätta datumet.",
            code="dates_out_of_order",
        )
    if medical_target_date - review_date > LONGEST_TARGET:
        return RuleError(
            "VA-02",
            "Medicinskt måldatum ligger mer än tio år efter granskningen. Rätta datumet.",
            code="date_too_far",
        )
    return None


def disagreeing(*, review_date, medical_target_date, days_to_first_contact, before):
    """VA-03: the target date and the days to first contact are one fact. Where both are told and differ, the one that is as
    it was `before` (target date, days) gives way, the days first. Returns (target date, days) with None for what follows
    from the other. Raises RuleError where both are new."""
    told = (medical_target_date, days_to_first_contact)
    if None in told or review_date + timedelta(days=days_to_first_contact) == medical_target_date:
        return told
    if days_to_first_contact == before[1]:
        return medical_target_date, None
    if medical_target_date == before[0]:
        return None, days_to_first_contact
    raise RuleError(
        "VA-02",
        "Måldatum och dagar till första kontakt stämmer inte med varandra. Ange det ena, det andra räknas ut.",
        code="dates_disagree",
    )


def target_and_days(*, review_date, medical_target_date, days_to_first_contact):
    """VA-03: the medical target date and the days to first contact, counted from the review; the one that is not told
    follows from the other."""
    if medical_target_date and days_to_first_contact is None:
        return medical_target_date, (medical_target_date - review_date).days
    if medical_target_date is None and days_to_first_contact is not None:
        return review_date + timedelta(days=days_to_first_contact), days_to_first_contact
    return medical_target_date, days_to_first_contact


def problem_code_refusal(*, name, unit_name):
    """VA-01: a vårdåtagande names a problem of its unit's specialities, valid on the day."""
    return RuleError(
        "VA-01",
        f"Problemkoden {name} kan inte väljas för {unit_name}: den hör inte till enhetens specialiteter eller gäller"
        " inte längre. Välj en av enhetens problemkoder.",
        code="problem_code_not_offered",
    )


def referrer_missing(*, kind, referrer, has_sender_unit):
    """VA-02: whether a remiss lacks who wrote it; an egen vårdbegäran, research and what is in care already need none."""
    return kind == ReferralKind.REFERRAL and not has_sender_unit and not referrer.strip()


def in_turn(addressed_to, order, absent):
    """Who reviews now (VA-03): the one it is addressed to, or while that person is away the next in the unit's order, from
    the start again after the last. `order` are the unit's reviewers, `absent` those who are away; any keys will do.
    None where everybody is away, or the unit has named nobody and it is addressed to none."""
    if addressed_to is not None and addressed_to not in absent:
        return addressed_to
    start = order.index(addressed_to) + 1 if addressed_to in order else 0
    return next((each for each in [*order[start:], *order[:start]] if each not in absent), None)
