"""Brev om en tid: the kallelse with a booking, and what follows when the time is changed or cancelled (KA-01…05, PL-09).

All of it are inner writes in the transaction of the booking, under the patient's lock. What cannot be written for want of
a fact does not stop the booking: it stands in the unit's Brev as work, with what is missing named."""

from datetime import time

from django.db.models import F

from registration import fees, presenters
from registration.models import FeeRate, Patient, PatientAddress, PatientRelation, PortalContact, ReferralKind
from scheduling import letter_composition as composition
from scheduling import letter_delivery
from scheduling.models import (
    AppointmentStatus,
    CancelledBy,
    Delivery,
    Letter,
    LetterKind,
    LetterPart,
    LetterStatus,
    LetterText,
)
from scheduling.models.letter import ABOUT_A_TIME, GONE_OUT
from sdv.common.errors import RuleError
from sdv.common.time import age, at_local, local_date
from sdv.outbox import messages
from sdv.outbox.models import OutboxMessage, Topic

# A kallelse is in 1177 after this time of the day it was written.
PORTAL_CLOCK = time(18, 0)
IN_PORTAL = (Delivery.PORTAL, Delivery.BOTH)
REPLACED = "Ersatt av ett nytt brev"
RESCHEDULED = "Tiden är ombokad"
CANCELLED = "Tiden är avbokad"


def write(appointment, *, kind=LetterKind.APPOINTMENT, by, at, changed_by="", told_time=""):
    """Writes the letter about a booking whose patient is locked, and the copies to those near who get them. What waited
    about the same time is replaced. Returns the letter and its copies; one that could not be written says why."""
    patient = appointment.patient
    if patient.is_deceased or patient.merged_into_id:
        return []
    stop_waiting(appointment, reason=REPLACED, by=by, at=at)
    told = _Told(appointment, kind, changed_by, told_time, at)
    letter = _save(told, told.to_patient(), by=by, at=at)
    return [letter, *(_save(told, copy | {"copy_of": letter}, by=by, at=at) for copy in told.copies())]


def write_copy(letter, *, address, by, at):
    """A copy that lacked its address is written to the one a person gives; the patient is locked."""
    appointment = letter.appointment
    told = _Told(appointment, letter.kind, letter.changed_by, last_told(appointment), at)
    name = letter.recipient.partition("\n")[0]
    fields = told.copy(name, [line for line in address.splitlines() if line.strip()], letter.relation)
    return _save(told, fields | {"copy_of": letter.copy_of}, by=by, at=at)


def follow_change(appointment, *, changed_by, by, at, wanted=None):
    """The time is another (BO-03). What has not left is replaced; to who has been told, a letter that says who changed it.
    `wanted`: True also where no letter was written before, False for none."""
    about = Letter.objects.filter(appointment=appointment, is_copy=False, kind__in=ABOUT_A_TIME)
    has_been_told = _has_gone_out(about)
    was_written = about.exclude(status=LetterStatus.STOPPED).exists()
    told = last_told(appointment)
    stop_waiting(appointment, reason=RESCHEDULED, by=by, at=at)
    if wanted is False or not (was_written or wanted):
        return []
    if not has_been_told:
        return write(appointment, by=by, at=at)
    return write(
        appointment, kind=LetterKind.CHANGE, changed_by=changed_by or CancelledBy.PROVIDER, told_time=told, by=by, at=at
    )


def follow_cancellation(appointment, *, by, at):
    """The time is gone. What has not left is stopped; who has been told of the time is told that it is gone, and by
    whom (PL-09). Nothing is written of a time that has been, or of a no-show."""
    about = Letter.objects.filter(appointment=appointment, is_copy=False, kind__in=ABOUT_A_TIME)
    has_been_told = _has_gone_out(about)
    stop_waiting(appointment, reason=CANCELLED, by=by, at=at)
    if not has_been_told or appointment.status != AppointmentStatus.CANCELLED or appointment.start <= at:
        return []
    return write(appointment, kind=LetterKind.CANCELLATION, changed_by=appointment.cancelled_by, by=by, at=at)


def stop_waiting(appointment, *, reason, by, at):
    """Stops what waits about the booking, on paper and on its way to 1177."""
    waiting = Letter.objects.filter(
        appointment=appointment, kind__in=ABOUT_A_TIME, status__in=[LetterStatus.UNSENT, LetterStatus.BLOCKED]
    )
    ids = []
    for letter in waiting.locked():
        letter.status, letter.stop_reason = LetterStatus.STOPPED, reason
        letter.decided_at, letter.decided_by, letter.version = at, by, letter.version + 1
        letter.save(update_fields=["status", "stop_reason", "decided_at", "decided_by", "version"])
        ids.append(letter.pk)
    stop_messages(ids, at=at)


def stop_messages(letter_ids, *, at):
    """What is on its way to 1177 does not go."""
    OutboxMessage.objects.filter(
        topic=Topic.LETTER_TO_PORTAL, subject_id__in=letter_ids, delivered_at=None, stopped_at=None
    ).update(stopped_at=at)


def purge(patient_ids, *, at):
    """Letters of patients who have become protected: what has left stays as it was sent (KA-03), the rest is deleted.
    Returns how many."""
    rows = Letter.objects.filter(patient__in=patient_ids)
    delivered = OutboxMessage.objects.filter(topic=Topic.LETTER_TO_PORTAL, delivered_at__isnull=False)
    rows.unsent().filter(pk__in=delivered.values("subject_id")).update(
        status=LetterStatus.SENT, decided_at=at, version=F("version") + 1
    )
    gone = rows.exclude(status__in=GONE_OUT)
    count = gone.count()
    gone.delete()
    return count


def settle_portal(*, at, dry_run=False):
    """Letters by 1177 alone have been sent when their message has been delivered. Returns how many."""
    delivered = OutboxMessage.objects.filter(topic=Topic.LETTER_TO_PORTAL, delivered_at__isnull=False)
    rows = Letter.objects.unsent().filter(delivery=Delivery.PORTAL, pk__in=delivered.values("subject_id"))
    if dry_run:
        return rows.count()
    return rows.update(status=LetterStatus.SENT, decided_at=at, version=F("version") + 1)


def _has_gone_out(letters):
    """Whether any of the letters has left: printed, or read in 1177 while the paper waits."""
    if letters.filter(status__in=GONE_OUT).exists():
        return True
    return OutboxMessage.objects.filter(
        topic=Topic.LETTER_TO_PORTAL, subject_id__in=letters.values("pk"), delivered_at__isnull=False
    ).exists()


def last_told(appointment):
    """The time that the patient was last told of the booking, in that letter's words."""
    about = Letter.objects.filter(appointment=appointment, is_copy=False, kind__in=ABOUT_A_TIME).order_by(
        "-created_at", "-id"
    )
    delivered = OutboxMessage.objects.filter(topic=Topic.LETTER_TO_PORTAL, delivered_at__isnull=False)
    sent = set(delivered.filter(subject_id__in=about.values("pk")).values_list("subject_id", flat=True))
    for letter in about:
        if letter.status in GONE_OUT or letter.pk in sent:
            return composition.told_time(letter.parts)
    return ""


def _save(told, fields, *, by, at):
    missing = fields.pop("missing", None)
    letter = Letter.objects.create(
        patient=told.patient,
        appointment=told.appointment,
        care_unit=told.appointment.care_unit,
        kind=told.kind,
        changed_by=told.changed_by,
        sender=told.sender,
        created_by=by,
        created_at=at,
        is_large_print=told.is_large_print,
        **fields,
        **(
            {"status": LetterStatus.BLOCKED, "stop_reason": missing[:200], "decided_at": at, "decided_by": by}
            if missing
            else {}
        ),
    )
    if not missing and letter.delivery in IN_PORTAL:
        messages.letter_to_portal(letter, due_at=max(at, at_local(local_date(at), PORTAL_CLOCK)))
    return letter


class _Told:
    """What is known of a booking when a letter about it is written, read once for the letter and its copies."""

    def __init__(self, appointment, kind, changed_by, told_time, at):
        self.appointment, self.patient = appointment, appointment.patient
        self.kind, self.changed_by, self.told_time = kind, changed_by, told_time
        self.encounter, self.unit = appointment.encounter, appointment.care_unit
        self.day = local_date(at)
        self.add_on_ids = list(appointment.add_ons.order_by("name").values_list("pk", flat=True))
        rows = list(
            LetterText.objects.for_visit(
                day=self.day,
                contact_reason_id=self.encounter.contact_reason_id,
                add_on_ids=self.add_on_ids,
                care_unit=self.unit,
            )
        )
        # What is for units of the kind wins over what is for all.
        rows.sort(key=lambda row: row.unit_kind != "")
        self.texts = {row.part: row.text for row in rows if row.part != LetterPart.ADD_ON}
        by_add_on = {row.add_on_id: row.text for row in rows if row.part == LetterPart.ADD_ON}
        self.add_on_texts = tuple(by_add_on[pk] for pk in self.add_on_ids if pk in by_add_on)
        previous = Letter.objects.filter(patient=self.patient, is_copy=False, kind__in=ABOUT_A_TIME)
        self.is_large_print = bool(
            previous.order_by("-created_at", "-id").values_list("is_large_print", flat=True).first()
        )

    @property
    def sender(self):
        """Outside the envelope: never the kind of clinic."""
        return self.texts.get(LetterPart.RETURN_ADDRESS) or self.unit.facility.care_provider.name

    def to_patient(self):
        patient = self.patient
        if patient.is_protected:
            return {"delivery": Delivery.MEDIATION, "recipient": "", **self._words()}
        portal = PortalContact.objects.filter(patient=patient).first()
        primary = next(iter(presenters.identities_of(patient)), None)
        delivery = letter_delivery.delivery_of(
            is_protected=False,
            has_portal=portal is not None,
            prefers_digital=bool(portal and portal.prefers_digital),
            identity_kind=primary.kind if primary else "",
            age=age(patient.birth_date, self.day),
            needs_interpreter=bool(patient.interpreter_language),
        )
        lines = [] if delivery == Delivery.PORTAL else self._address_of(patient)
        return self._addressed(_name(patient), lines, needs_address=delivery != Delivery.PORTAL) | {
            "delivery": delivery
        }

    def copies(self):
        """Copies to those near who get them (KA-04, RE-02, RE-03): none to a protected person, none of one."""
        if self.patient.is_protected:
            return
        shown = presenters.encounter_relations(self.encounter, on=self.day)
        known = {row.pk: row for row in self.encounter.relations.all()}
        for near in shown:
            if near.gets_letter_copy and not near.is_protected:
                row = known[near.id]
                relation = PatientRelation.objects.filter(
                    patient=self.patient, kind=row.kind, name=row.name, identity=row.identity
                ).first()
                yield self.copy(row.name, self._address_of_relation(row), relation)

    def copy(self, name, lines, relation):
        """The same letter to somebody near, on paper alone."""
        fields = self._addressed(name, lines, needs_address=True, is_copy=True)
        return fields | {"delivery": Delivery.POST, "relation": relation, "is_copy": True}

    def _addressed(self, name, lines, *, needs_address, is_copy=False):
        whose = "mottagarens" if is_copy else "patientens"
        missing = [f"{whose} namn"] if not name else []
        missing += [f"{whose} adress"] if needs_address and not lines else []
        fields = {"recipient": "\n".join([name, *lines] if name else lines)}
        if missing:
            refused = composition.missing_refusal(missing)
            return fields | {"heading": composition.HEADINGS[self.kind], "body": "", "missing": refused.sentence}
        return fields | self._words(is_copy=is_copy)

    def _words(self, *, is_copy=False):
        try:
            composed = composition.compose(self._occasion(is_copy))
        except RuleError as refused:
            return {"heading": composition.HEADINGS[self.kind], "body": "", "missing": refused.sentence}
        return {"heading": composed.heading, "body": composed.body, "parts": composed.parts}

    def _occasion(self, is_copy):
        patient, visit_type = self.patient, self.encounter.visit_type
        caregiver = next((row.practitioner for row in self._resources() if row.practitioner_id), None)
        asked = self._asked()
        return composition.Occasion(
            kind=self.kind,
            start=self.appointment.start,
            unit=self.unit.name,
            # A copy goes to somebody else, who has to know of whom it tells; never of a protected person.
            patient=_name(patient) if is_copy else "",
            form=composition.FORMS.get(visit_type.contact_form, ""),
            meets=composition.whom(
                f"{caregiver.given_name} {caregiver.surname}".strip() if caregiver else "",
                visit_type.profession.name,
                visit_type.profession.abbreviation,
            ),
            phone=self.texts.get(LetterPart.PHONE, ""),
            interpreter=presenters.interpreter_text(patient) if not patient.is_protected else "",
            fee=self._amount(fees.visit_fee, asked),
            no_show_fee=self._amount(fees.no_show_fee, asked),
            changed_by=self.changed_by,
            told_time=self.told_time,
            is_copy=is_copy,
            texts=self.texts,
            add_on_texts=self.add_on_texts,
        )

    def _resources(self):
        return self.appointment.resources.select_related("practitioner").order_by("id")

    def _asked(self):
        """The visit as the taxa asks of it, on the day of the visit."""
        day = local_date(self.appointment.start)
        self.rates = list(FeeRate.objects.valid_on(day))
        kinds = (
            set(self.encounter.commitment.referrals.values_list("kind", flat=True))
            if self.encounter.commitment_id
            else set()
        )
        known = {ReferralKind.REFERRAL: True, ReferralKind.SELF: False}
        return fees.Asked(
            unit_kind=self.unit.kind,
            profession=self.encounter.visit_type.profession.abbreviation,
            with_referral=next((known[kind] for kind in known if kind in kinds), None),
            age=age(self.patient.birth_date, day),
        )

    def _amount(self, rule, asked):
        found = rule(self.rates, asked)
        return found.amount if found else None

    def _address_of(self, patient):
        rows = PatientAddress.objects.filter(patient=patient).select_related("kind").order_by("id")
        return letter_delivery.postal_address(rows, self.day)

    def _address_of_relation(self, row):
        """Where a person near lives, where he or she is a patient here too and not protected."""
        if not row.identity:
            return []
        person = (
            Patient.objects.present().filter(identities__value=row.identity, protection="", deceased_on=None).first()
        )
        return self._address_of(person) if person else []


def _name(patient):
    """As on an envelope."""
    return " ".join(part for part in (patient.given_name, patient.surname) if part)
