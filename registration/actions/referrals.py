"""Remisser: registered, reviewed, decided, sent on, each step with reason, date and trace (VA-02, VA-03)."""

from django.db import transaction

from registration import referral_rules as rules
from registration.models import CareCommitment, Patient, Referral, ReferralAct, ReferralStatus, WaitDeviation
from registration.models.waiting import DeviationKind
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale, write

from . import grounds
from .commitments import close_commitment, open_commitment, refuse_problem_code
from .encounters import refuse_deceased

WITHDRAWN = "Vidaresändningen är ångrad"
ACCEPT_UNDONE = "Beslutet att acceptera remissen är ångrat"
# What a correction may change (VA-02).
CORRECTED = ("kind", "referrer", "addressed_to", "decision_date", "arrival_date")
REFERRER_MISSING = "Ange vem som har skrivit remissen."
WORKS_ELSEWHERE = "Personen arbetar inte på enheten. Välj en av enhetens medarbetare."
ACTS = {"return": ReferralAct.RETURNED, "reject": ReferralAct.REJECTED}


@transaction.atomic
def register(
    *,
    patient_id,
    care_unit,
    kind,
    arrival_date,
    by,
    at,
    decision_date=None,
    referrer="",
    problem_code=None,
    addressed_to=None,
    sender_unit=None,
):
    """A remiss or other ground for care arrives at the unit (VA-02). Dates in order, none in the future. Sent by another
    of the region's units (`sender_unit`), it waits for the receiver's word that it has come."""
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    if refused := rules.date_refusal(today=local_date(at), decision_date=decision_date, arrival_date=arrival_date):
        raise refused
    if rules.referrer_missing(kind=kind, referrer=referrer, has_sender_unit=sender_unit is not None):
        raise InputError(referrer=REFERRER_MISSING)
    if problem_code is not None:
        refuse_problem_code(problem_code, care_unit, at=at)
    if addressed_to is not None and not _works_at(addressed_to, care_unit, local_date(at)):
        raise InputError(addressed_to=WORKS_ELSEWHERE)
    is_own = sender_unit is None or sender_unit.pk == care_unit.pk
    referral = Referral.objects.create(
        patient=patient,
        care_unit=care_unit,
        kind=kind,
        referrer=referrer.strip() or (sender_unit.name[:120] if sender_unit else ""),
        decision_date=decision_date,
        arrival_date=arrival_date,
        problem_code=problem_code,
        addressed_to=addressed_to,
        sender_unit=sender_unit,
        receipt_at=at if is_own else None,
        receipt_by=by if is_own else None,
        created_by=by,
    )
    _trace(referral, ReferralAct.REGISTERED, by=by, at=at)
    return referral


@transaction.atomic
def confirm(*, referral_id, by, at, version=None):
    """The unit says that the remiss has come, so that its sender knows (VA-03). Said once; again changes nothing."""
    referral = _lock(referral_id, "confirm", version)
    if referral.receipt_at:
        return referral
    _trace(referral, ReferralAct.RECEIPT, by=by, at=at)
    return write(referral, receipt_at=at, receipt_by=by)


@transaction.atomic
def review(
    *, referral_id, by, at, review_date=None, medical_target_date=None, days_to_first_contact=None, version=None
):
    """Granskning: medical target date and days to first contact are set; also mended while an accepted remiss waits to be
    booked (VA-03)."""
    referral = _lock(referral_id, "review", version)
    changes = _reviewed(
        referral,
        review_date=review_date or local_date(at),
        medical_target_date=medical_target_date,
        days_to_first_contact=days_to_first_contact,
        at=at,
    )
    _trace(referral, ReferralAct.REVIEWED, by=by, at=at)
    return write(referral, **changes, **_receipt(referral, by, at))


@transaction.atomic
def accept(
    *,
    referral_id,
    problem_code,
    by,
    at,
    review_date=None,
    medical_target_date=None,
    days_to_first_contact=None,
    version=None,
):
    """Accepted: creates or joins the vårdåtagande of the problem at the unit, ready to book (VA-01, VA-03). The review may
    be told in the same act."""
    patient_id = Referral.objects.values_list("patient_id", flat=True).get(pk=referral_id)
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    referral = _lock(referral_id, "accept", version)
    if medical_target_date is None and days_to_first_contact is None:
        # Nothing is told: the review stands.
        medical_target_date, days_to_first_contact = referral.medical_target_date, referral.days_to_first_contact
    changes = _reviewed(
        referral,
        review_date=review_date or referral.review_date or local_date(at),
        medical_target_date=medical_target_date,
        days_to_first_contact=days_to_first_contact,
        at=at,
    )
    same = {"patient": patient, "care_unit": referral.care_unit, "problem_code": problem_code}
    is_new = not CareCommitment.objects.open().filter(**same).exists()
    commitment = open_commitment(**same, by=by, at=at)
    _trace(referral, ReferralAct.ACCEPTED, by=by, at=at, before=grounds.before(referral) | {"opened": is_new})
    return write(
        referral,
        **changes,
        **_receipt(referral, by, at),
        status=ReferralStatus.ACCEPTED,
        commitment=commitment,
        problem_code=problem_code,
        decided_at=at,
        decided_by=by,
    )


@transaction.atomic
def decide(*, referral_id, decision, reason, by, at, version=None):
    """Returned for completion or rejected, with reason and date (VA-03)."""
    referral = _lock(referral_id, decision, version)
    _require(reason, "Ange skälet till beslutet.")
    _trace(referral, ACTS[decision], reason=reason, by=by, at=at, before=grounds.before(referral))
    return write(
        referral,
        status=rules.DECISIONS[decision][1],
        decision_reason=reason,
        decided_at=at,
        decided_by=by,
        **_receipt(referral, by, at),
    )


@transaction.atomic
def correct(*, referral_id, units, reason, by, at, version=None, **fields):
    """What was registered wrong is put right, whatever has become of the remiss since, by somebody at the `units`: what it
    says by who wrote it, the day on which it came by who received it (VA-02, PL-13). `fields` are those of
    rules.correctable; what they were and became stays in its trail, and its wait is counted anew. Put right again, it is
    another correction."""
    referral = _lock(referral_id, "correct", version)
    if "referrer" in fields:
        fields["referrer"] = fields["referrer"].strip()
    changes = {name: value for name, value in fields.items() if value != getattr(referral, name)}
    if refused := rules.correction_refusal(referral, set(changes), units):
        raise refused
    if not reason.strip():
        raise RuleError("PL-13", "Ange varför uppgifterna rättas.", code="reason_missing", needs_reason=True)
    told = {name: changes.get(name, getattr(referral, name)) for name in CORRECTED}
    if refused := rules.corrected_date_refusal(
        today=local_date(at),
        decision_date=told["decision_date"],
        arrival_date=told["arrival_date"],
        review_date=referral.review_date,
        decided_on=local_date(referral.decided_at) if referral.decided_at else None,
        forwarded_since=referral.forwarded_since,
    ):
        raise refused
    sent = referral.sender_unit_id is not None
    if rules.referrer_missing(kind=told["kind"], referrer=told["referrer"], has_sender_unit=sent):
        raise InputError(referrer=REFERRER_MISSING)
    if changes.get("addressed_to") and not _works_at(told["addressed_to"], referral.care_unit, local_date(at)):
        raise InputError(addressed_to=WORKS_ELSEWHERE)
    before = {name: _plain(getattr(referral, name)) for name in changes}
    after = {name: _plain(value) for name, value in changes.items()}
    _trace(referral, ReferralAct.CORRECTED, reason=reason.strip(), by=by, at=at, before=before, after=after)
    return write(referral, **changes)


@transaction.atomic
def complete(*, referral_id, text, by, at, version=None):
    """The completion has come: the remiss waits for a decision again. Who returned it, when and why stays in its trail
    (VA-03)."""
    referral = _lock(referral_id, "complete", version)
    _require(text, "Skriv vad som har kompletterats.")
    _trace(referral, ReferralAct.COMPLETED, reason=text, by=by, at=at)
    return write(referral, status=ReferralStatus.RECEIVED, decision_reason="", decided_at=None, decided_by=None)


@transaction.atomic
def forward(*, referral_id, to_unit, reason, by, at, version=None):
    """Sent on to another unit, in whose inbox it stands from now on: a remiss of its own with the old one's trail behind
    it and its clock kept (VA-03, PL-25). Returns the remiss at the other unit."""
    patient_id = Referral.objects.values_list("patient_id", flat=True).get(pk=referral_id)
    patient = Patient.objects.lock_present(patient_id)
    refuse_deceased(patient)
    referral = _lock(referral_id, "forward", version)
    _require(reason, "Ange skälet till beslutet.")
    if to_unit.pk == referral.care_unit_id:
        raise RuleError(
            "VA-03", "Remissen är redan hos den enheten. Välj en annan enhet att sända den till.", code="same_unit"
        )
    before = grounds.before(referral)
    _trace(referral, ReferralAct.FORWARDED, reason=reason, to_unit=to_unit, by=by, at=at, before=before)
    write(
        referral,
        status=ReferralStatus.FORWARDED,
        decision_reason=reason[:200],
        decided_at=at,
        decided_by=by,
        **_receipt(referral, by, at),
    )
    sent = Referral.objects.create(
        patient=patient,
        care_unit=to_unit,
        kind=referral.kind,
        referrer=referral.referrer,
        # Whoever sent it follows it on; of one from outside the region, whoever sent it on.
        sender_unit_id=referral.sender_unit_id or referral.care_unit_id,
        decision_date=referral.decision_date,
        arrival_date=local_date(at),
        forwarded_from=referral,
        forwarded_since=referral.forwarded_since or referral.decision_date or referral.arrival_date,
        created_by=by,
    )
    # The clock follows the patient, with what is not counted of it (BO-04, PL-25).
    WaitDeviation.objects.bulk_create(
        WaitDeviation(
            referral=sent,
            kind=each.kind,
            starts_on=each.starts_on,
            ends_on=each.ends_on,
            reason=each.reason,
            is_informed=each.is_informed,
            offered_at=each.offered_at,
            has_declined=each.has_declined,
            created_by=each.created_by,
        )
        for each in referral.deviations.standing()
        if not (each.kind == DeviationKind.MEDICAL and to_unit.is_primary_care)
    )
    _trace(sent, ReferralAct.REGISTERED, by=by, at=at)
    return sent


@transaction.atomic
def forward_outside(*, referral_id, receiver, reason, by, at, sent_on=None, version=None):
    """Sent on to a receiver that is not among the region's units, named in words: the remiss is closed at ours, and our
    clock ends on the day it was sent (VA-03, BO-04). Its trail and its sender's page tell where it went."""
    referral = _lock(referral_id, "forward", version)
    _require(reason, "Ange skälet till beslutet.")
    if not receiver.strip():
        raise InputError(receiver="Skriv vilken vårdgivare eller enhet remissen sänds till.")
    today = local_date(at)
    sent_on = sent_on or today
    if refused := rules.outside_refusal(sent_on=sent_on, arrival_date=referral.arrival_date, today=today):
        raise refused
    receiver, before = receiver.strip(), grounds.before(referral)
    _trace(referral, ReferralAct.FORWARDED, reason=reason, to_outside=receiver, by=by, at=at, before=before)
    return write(
        referral,
        status=ReferralStatus.FORWARDED,
        forwarded_outside=receiver,
        forwarded_on=sent_on,
        decision_reason=reason[:200],
        decided_at=at,
        decided_by=by,
        **_receipt(referral, by, at),
    )


@transaction.atomic
def confirm_outside(*, referral_id, by, at, received_on=None, version=None):
    """The receiver outside the region has said that the remiss has come, and somebody notes it (VA-03). Said again with the
    same day it changes nothing."""
    referral = _lock(referral_id, "confirm_outside", version)
    today = local_date(at)
    received_on = received_on or today
    if refused := rules.outside_receipt_refusal(received_on=received_on, sent_on=referral.forwarded_on, today=today):
        raise refused
    if referral.outside_receipt_on == received_on:
        return referral
    told = f"{referral.forwarded_outside}, {received_on.isoformat()}"
    _trace(referral, ReferralAct.RECEIPT, reason=told, by=by, at=at)
    return write(referral, outside_receipt_on=received_on)


def undo_decision(referral, step, *, reason, by, at):
    """Inner write of taking back a decision: the remiss becomes exactly what it was before, a vårdåtagande that was opened
    by it ends, and the remiss at the unit it was sent to is taken back. Whether it may be is asked by scheduling, which
    sees what has been built on it. The remiss, its vårdåtagande and the one at the receiver are locked (PL-13)."""
    if step.before.get("opened"):
        close_commitment(referral.commitment, reason=ACCEPT_UNDONE, by=by, at=at)
    for sent in referral.forwarded_as.exclude(status=ReferralStatus.CLOSED):
        _trace(sent, ReferralAct.TAKEN_BACK, reason=reason, by=by, at=at)
        write(sent, status=ReferralStatus.CLOSED, decision_reason=WITHDRAWN, decided_at=at, decided_by=by)
    _trace(referral, ReferralAct.UNDONE, reason=reason, by=by, at=at)
    return _as_before(referral, step)


def close_with(commitment, *, reason, by, at):
    """Inner write: the vårdåtagande ends, and with it the accepted remisser that nobody has come on (UT-03)."""
    for referral in Referral.objects.to_book().filter(commitment=commitment).locked():
        grounds.close(referral, reason=reason, by=by, at=at)


def open_again_with(commitment, *, closed_at, reason, by, at):
    """Inner write: the ending is taken back, and the remisser that it closed are exactly as they were (PL-13)."""
    closed = Referral.objects.filter(commitment=commitment, status=ReferralStatus.CLOSED, decided_at=closed_at)
    for referral in closed.locked():
        step = referral.events.filter(act=ReferralAct.CLOSED, at=closed_at).last()
        _trace(referral, ReferralAct.REOPENED, reason=reason, by=by, at=at)
        if step is None:  # Closed before the trail told of it.
            write(referral, status=ReferralStatus.ACCEPTED, decision_reason="")
        else:
            _as_before(referral, step)


def _as_before(referral, step):
    """Writes what the remiss was before the step."""
    fields = {field.attname: field for field in Referral._meta.concrete_fields}
    return write(referral, **{name: fields[name].to_python(step.before[name]) for name in grounds.DECIDED})


def _plain(value):
    """A field of a remiss as its trail keeps it: another row by its id."""
    return None if value is None else str(getattr(value, "pk", value))


def _reviewed(referral, *, review_date, medical_target_date, days_to_first_contact, at):
    """The fields of a review, judged (VA-02)."""
    today = local_date(at)
    dates = {"arrival_date": referral.arrival_date, "review_date": review_date}
    refused = rules.date_refusal(today=today, **dates) or rules.target_refusal(
        review_date=review_date, medical_target_date=medical_target_date
    )
    if refused:
        raise refused
    medical_target_date, days_to_first_contact = rules.disagreeing(
        review_date=review_date,
        medical_target_date=medical_target_date,
        days_to_first_contact=days_to_first_contact,
        before=(referral.medical_target_date, referral.days_to_first_contact),
    )
    target, days = rules.target_and_days(
        review_date=review_date,
        medical_target_date=medical_target_date,
        days_to_first_contact=days_to_first_contact,
    )
    return {"review_date": review_date, "medical_target_date": target, "days_to_first_contact": days}


def _works_at(practitioner, care_unit, day):
    """Whether the practitioner has an assignment at the unit, or reviews its remisser (VA-03)."""
    has_one = care_unit.assignments.valid_on(day).filter(user=practitioner.user_id).exists()
    return has_one or care_unit.reviewers.valid_on(day).filter(practitioner=practitioner).exists()


def _receipt(referral, by, at):
    """Whoever decides has received it."""
    return {} if referral.receipt_at else {"receipt_at": at, "receipt_by": by}


def _require(text, sentence):
    if not text.strip():
        raise RuleError("VA-03", sentence, code="reason_missing", needs_reason=True)


def _trace(referral, act, *, by, at, **told):
    referral.events.create(act=act, by=by, at=at, **told)


def _lock(referral_id, decision, version):
    """The remiss, locked. Who comes second is told who decided what and when, before anything else (PL-27)."""
    referral = Referral.objects.locked().get(pk=referral_id)
    if refused := rules.decision_refusal(referral.status, decision):
        raise refused.told(referral.decided_by, referral.decided_at)
    refuse_stale(referral, version)
    return referral
