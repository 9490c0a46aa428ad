"""What a letter to a patient is built of, read once for the letter and its copies: texts of the catalogue, the address, the
fee, the interpreter (KA-01…05). Of a booking, or of one who waits and has no time (PL-26, VA-03, PL-10)."""

from dataclasses import dataclass

from registration import fees, presenters, waiting
from registration.models import (
    AddOn,
    FeeRate,
    Patient,
    PatientAddress,
    PatientRelation,
    PortalContact,
    ReferralKind,
    ReferralStatus,
)
from registration.waiting_times import expected_by
from scheduling import letter_composition as composition
from scheduling import letter_delivery
from scheduling.letter_words import WORDS
from scheduling.models import (
    BookingRequest,
    Delivery,
    Letter,
    LetterAttachment,
    LetterKind,
    LetterLanguage,
    LetterPart,
    LetterText,
)
from scheduling.models.letter import BUILT, OWN_TEXT_LENGTH
from sdv.common.errors import InputError, RuleError
from sdv.common.time import age, local_date


@dataclass(frozen=True)
class Choices:
    """What the clerk chooses of a letter: its language, words of the clerk's own, files that go with it, and the tillval of
    the contact. A language of None is that of the patient's last letter, tillval of None those that the contact has."""

    language: str | None = None
    own_text: str = ""
    attachment_ids: tuple = ()
    add_on_ids: tuple | None = None


def chosen(*, language=None, own_text="", attachment_ids=(), add_on_ids=None, care_unit, day):
    """The choices as somebody made them, or InputError: text within bounds, files of the unit's catalogue that one letter
    can carry, tillval that there are."""
    if len(own_text) > OWN_TEXT_LENGTH or "\0" in own_text:
        raise InputError(own_text=f"Den egna texten har högst {OWN_TEXT_LENGTH} tecken.")
    if language is not None and language not in LetterLanguage.values:
        raise InputError(language="Språket finns inte bland brevens.")
    wanted = tuple(dict.fromkeys(attachment_ids))
    if wanted:
        sizes = list(
            LetterAttachment.objects.offered(care_unit, day)
            .filter(pk__in=wanted)
            .with_size()
            .values_list("size", flat=True)
        )
        if len(sizes) != len(wanted):
            raise InputError(attachments="Någon av bilagorna finns inte längre. Välj bland dem som finns.")
        if fault := letter_delivery.enclosures_fault(sizes):
            raise InputError(attachments=fault)
    return Choices(language, own_text if own_text.strip() else "", wanted, _add_ons(add_on_ids, day))


def _add_ons(wanted, day):
    """The tillval in their order, or None where none are said (KA-02)."""
    if wanted is None:
        return None
    found = tuple(AddOn.objects.valid_on(day).filter(pk__in=wanted).order_by("name").values_list("pk", flat=True))
    if len(found) != len(set(wanted)):
        raise InputError(add_ons="Något av tillvalen finns inte längre. Välj bland dem som finns.")
    return found


def chosen_for(appointment, letter_choices, *, at):
    """The choices of a letter about the booking, judged; None where nothing is chosen: `letter_choices` are what `chosen`
    takes of language, own text and files."""
    if letter_choices is None:
        return None
    return chosen(**letter_choices, care_unit=appointment.care_unit, day=local_date(at))


def choices_of(letter):
    """What was chosen of a letter, for the one that takes its place."""
    return Choices(letter.language, letter.own_text, tuple(letter.enclosures.values_list("attachment_id", flat=True)))


class Told:
    """What is known of a booking when a letter about it is written."""

    appointment = invitation = referral = booking_request = None
    start = last_day = None
    changed_by = told_time = ""
    add_on_ids = ()

    def __init__(self, appointment, kind, changed_by, told_time, at, choices=None):
        self.appointment, self.patient = appointment, appointment.patient
        self.kind, self.changed_by, self.told_time = kind, changed_by, told_time
        self.encounter, self.unit = appointment.encounter, appointment.care_unit
        self.visit_type, self.contact_reason_id = self.encounter.visit_type, self.encounter.contact_reason_id
        self.start = appointment.start
        self.add_on_ids = list(appointment.add_ons.order_by("name").values_list("pk", flat=True))
        self._read(at, choices)

    def _read(self, at, choices):
        self.day = local_date(at)
        previous = Letter.objects.filter(patient=self.patient, is_copy=False, kind__in=BUILT)
        previous = previous.order_by("-created_at", "-id").only("is_large_print", "language").first()
        self.is_large_print = bool(previous and previous.is_large_print)
        choices = choices or Choices()
        # As large print does, the language follows from letter to letter.
        self.language = choices.language or (previous.language if previous else LetterLanguage.SWEDISH)
        self.own_text = choices.own_text
        if choices.add_on_ids is not None:
            self.add_on_ids = choices.add_on_ids
        files = LetterAttachment.objects.filter(pk__in=choices.attachment_ids)
        self.attachments = list(files.only("name").order_by("name", "id"))
        self._read_texts()

    def _read_texts(self):
        """The texts in the letter's language, and in Swedish where it has none (KA-03)."""
        rows = list(
            LetterText.objects.for_visit(
                day=self.day,
                contact_reason_id=self.contact_reason_id,
                add_on_ids=self.add_on_ids,
                care_unit=self.unit,
                language=self.language,
            )
        )
        # What is for units of the kind wins over what is for all; what is in the letter's language wins over both.
        rows.sort(key=lambda row: (row.language == self.language, row.unit_kind != ""))
        found = {(row.part, row.add_on_id): row for row in rows}
        self.texts = {part: row.text for (part, _), row in found.items() if part != LetterPart.ADD_ON}
        self.add_on_texts = tuple(
            found[LetterPart.ADD_ON, pk].text for pk in self.add_on_ids if (LetterPart.ADD_ON, pk) in found
        )
        self.fallback = frozenset(row.part for row in found.values() if row.language != self.language)

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
        shown, known = self._near()
        for near in shown:
            if near.gets_letter_copy and not near.is_protected:
                row = known[near.id]
                relation = PatientRelation.objects.filter(
                    patient=self.patient, kind=row.kind, name=row.name, identity=row.identity
                ).first()
                yield self.copy(row.name, self._address_of_relation(row), relation)

    def _near(self):
        """Those near, as they are shown and as they are kept."""
        shown = presenters.encounter_relations(self.encounter, on=self.day)
        return shown, {row.pk: row for row in self.encounter.relations.all()}

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
            return fields | {
                "heading": composition.heading(self.kind, self.language),
                "body": "",
                "missing": refused.sentence,
            }
        return fields | self._words(is_copy=is_copy)

    def _words(self, *, is_copy=False):
        try:
            composed = composition.compose(self._occasion(is_copy))
        except RuleError as refused:
            return {"heading": composition.heading(self.kind, self.language), "body": "", "missing": refused.sentence}
        return {"heading": composed.heading, "body": composed.body, "parts": composed.parts}

    def _occasion(self, is_copy):
        patient, visit_type = self.patient, self.visit_type
        caregiver = self._caregiver()
        asked = self._asked()
        # The name of a profession is Swedish.
        speaks_swedish = self.language == LetterLanguage.SWEDISH
        return composition.Occasion(
            kind=self.kind,
            start=self.start,
            last_day=self.last_day,
            language=self.language,
            own_text=self.own_text,
            enclosed=tuple(row.name for row in self.attachments),
            fallback=self.fallback,
            unit=self.unit.name,
            # A copy goes to somebody else, who has to know of whom it tells; never of a protected person.
            patient=_name(patient) if is_copy else "",
            form=WORDS[self.language].forms.get(visit_type.contact_form, ""),
            meets=composition.whom(
                f"{caregiver.given_name} {caregiver.surname}".strip() if caregiver else "",
                visit_type.profession.name,
                visit_type.profession.abbreviation if speaks_swedish else "",
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

    def _caregiver(self):
        rows = self.appointment.resources.select_related("practitioner").order_by("id")
        return next((row.practitioner for row in rows if row.practitioner_id), None)

    def _asked(self):
        """The visit as the taxa asks of it, on the day of the visit; where none is agreed on, the day of the letter."""
        day = local_date(self.start) if self.start else self.day
        self.rates = list(FeeRate.objects.valid_on(day))
        kinds = self._referral_kinds()
        known = {ReferralKind.REFERRAL: True, ReferralKind.SELF: False}
        return fees.Asked(
            unit_kind=self.unit.kind,
            profession=self.visit_type.profession.abbreviation,
            with_referral=next((known[kind] for kind in known if kind in kinds), None),
            age=age(self.patient.birth_date, day),
        )

    def _referral_kinds(self):
        commitment = self.encounter.commitment
        return set(commitment.referrals.values_list("kind", flat=True)) if commitment else set()

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


class Invited(Told):
    """What is known of an öppen kallelse when its letter is written: no time, and the last day to book (PL-26)."""

    kind = LetterKind.OPEN_INVITATION

    def __init__(self, invitation, at, choices=None):
        self.invitation, self.patient, self.unit = invitation, invitation.patient, invitation.care_unit
        self.visit_type, self.contact_reason_id = invitation.visit_type, invitation.contact_reason_id
        self.last_day = invitation.last_day
        self._read(at, choices)

    def _near(self):
        """The patient's own: there is no vårdhändelse yet."""
        shown = presenters.relations_of(self.patient, on=self.day)
        return shown, {row.pk: row for row in self.patient.relations.all()}

    def _caregiver(self):
        request = self.invitation.booking_request
        return request.wished_resource.practitioner if request and request.wished_resource_id else None

    def _referral_kinds(self):
        if self.invitation.referral_id:
            return {self.invitation.referral.kind}
        commitment = self.invitation.booking_request.commitment
        return set(commitment.referrals.values_list("kind", flat=True)) if commitment else set()


class Acknowledged(Told):
    """What is known of a remiss when its receipt to the patient is written: that it has come, what was decided, how long
    the wait is reckoned to be (VA-03, KA-01). No copy goes to anybody near: what is registered for them is the kallelse."""

    kind = LetterKind.REFERRAL_RECEIPT
    contact_reason_id = None

    def __init__(self, referral, at, choices=None):
        self.referral, self.patient, self.unit = referral, referral.patient, referral.care_unit
        self._read(at, choices)

    def copies(self):
        return ()

    def _occasion(self, is_copy):
        return composition.Occasion(
            kind=self.kind,
            start=None,
            expected_by=self._expected_by(),
            **self._of_referral(),
            language=self.language,
            own_text=self.own_text,
            enclosed=tuple(row.name for row in self.attachments),
            fallback=self.fallback,
            unit=self.unit.name,
            patient="",
            phone=self.texts.get(LetterPart.PHONE, ""),
            interpreter=presenters.interpreter_text(self.patient) if not self.patient.is_protected else "",
            texts=self.texts,
        )

    def _of_referral(self):
        """What is told of the remiss."""
        return {
            "came": self.referral.arrival_date,
            "referral_status": self.referral.status,
            "receiver": self._receiver(),
        }

    def _expected_by(self):
        """The day by which a time is reckoned with, where one can be told."""
        if self.referral.status != ReferralStatus.ACCEPTED:
            return None
        wait = waiting.wait_of(self.referral, on=self.day, limits=waiting.limits())
        return expected_by(wait, today=self.day)

    def _receiver(self):
        """Whom it was sent on to."""
        sent = self.referral.forwarded_as.exclude(status=ReferralStatus.CLOSED).select_related("care_unit").first()
        return sent.care_unit.name if sent else self.referral.forwarded_outside


class Waits(Acknowledged):
    """What is known of one who waits for a time when a letter says so, or asks for a call: of a bokningsbegäran, or of a
    remiss in Att boka (KA-01, PL-10). As of the receipt of a remiss no copy goes to anybody near."""

    def __init__(self, row, kind, at, choices=None):
        self.kind = kind
        if isinstance(row, BookingRequest):
            self.booking_request = row
        else:
            self.referral = row
        self.patient, self.unit = row.patient, row.care_unit
        self._read(at, choices)

    def _of_referral(self):
        return {"came": self.referral.arrival_date} if self.referral else {}

    def _expected_by(self):
        """Not where a call is asked for: then a time can be had at once."""
        if self.kind != LetterKind.WAITING:
            return None
        if self.referral:
            return super()._expected_by()
        last = self.booking_request.wished_to
        return last if last >= self.day else None
