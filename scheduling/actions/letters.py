"""Brev: put on paper, confirmed as printed by a person, or stopped; the one to relatives of somebody who has died (PL-22).
Letters about a time are written with the booking (letter_writing)."""

import hashlib

from django.db import transaction

from registration.actions.encounters import refuse_deceased
from registration.models import Encounter, Patient, PatientRelation, Referral
from scheduling import outgoing, rules
from scheduling.models import Appointment, BookingRequest, Delivery, Letter, LetterDocument, LetterKind, LetterStatus
from scheduling.models.letter import ABOUT_A_WAIT, ON_PAPER
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale, write

from . import invitations, letter_facts, letter_writing


def relatives_refusal(patient):
    """Why no letter to relatives may be written about the patient, or None (PL-22, KA-05, RI-02)."""
    if patient.merged_into_id:
        return RuleError("RI-02", "Posten är sammanslagen med en annan. Sök fram patienten igen.", code="merged")
    if patient.is_protected:
        return RuleError(
            "KA-05",
            "Patienten har skyddade personuppgifter: inget brev med adress skapas. Använd Skatteverkets förmedling av post.",
            code="protected",
        )
    if not patient.is_deceased:
        return RuleError(
            "PL-22",
            "Brev till närstående skrivs bara om den som har avlidit. Skriv till patienten i stället.",
            code="not_deceased",
        )
    return None


@transaction.atomic
def write_to_relatives(*, patient_id, care_unit, name, address, heading, body, reason, by, at, relation_id=None):
    """A letter about the dead to somebody near, with the reason: one of the patient's relations, whose name is taken where
    none is given, or somebody else. Every text is kept as it was typed (PL-16)."""
    patient = Patient.objects.lock_present(patient_id)
    if refused := relatives_refusal(patient):
        raise refused
    relation = _relation(patient, relation_id)
    if relation and not name.strip():
        name = relation.name
    texts = {"name": name, "address": address, "heading": heading, "body": body, "reason": reason}
    words = {
        "name": "Skriv vem brevet går till.",
        "address": "Skriv mottagarens adress.",
        "heading": "Skriv en rubrik.",
        "body": "Skriv brevets text.",
        "reason": "Ange varför brevet skrivs. Skälet sparas.",
    }
    if missing := {field: words[field] for field, text in texts.items() if not text.strip()}:
        raise InputError(**missing)
    return Letter.objects.create(
        patient=patient,
        care_unit=care_unit,
        kind=LetterKind.TO_RELATIVES,
        relation=relation,
        recipient=f"{name}\n{address}",
        sender=f"{care_unit.name}\n{care_unit.facility.name}",
        heading=heading,
        body=body,
        reason=reason,
        created_by=by,
        created_at=at,
    )


def _relation(patient, relation_id):
    """The patient's relation, or None where none is named. Nothing with an address to one who is protected (KA-05)."""
    if not relation_id:
        return None
    relation = PatientRelation.objects.filter(pk=relation_id, patient=patient).first()
    if relation is None:
        raise InputError(
            relation="Den närstående finns inte på patienten. Välj en annan, eller skriv mottagaren för hand."
        )
    if relation.is_protected:
        raise RuleError(
            "KA-05",
            "Den närstående har skyddade personuppgifter: inget brev med adress skapas. Använd Skatteverkets förmedling av"
            " post.",
            code="protected",
        )
    return relation


@transaction.atomic
def write_about(*, appointment_id, by, at, own_text="", language=None, attachment_ids=(), add_on_ids=None):
    """A kallelse for a booking that has none, or another after one that was stopped or has left (KA-01): in a language,
    with words of the clerk's own, files of the catalogue and tillval."""
    appointment = _lock_appointment(appointment_id)
    choices = letter_facts.chosen(
        own_text=own_text,
        language=language,
        attachment_ids=attachment_ids,
        add_on_ids=add_on_ids,
        care_unit=appointment.care_unit,
        day=local_date(at),
    )
    if appointment.patient.is_deceased:
        raise RuleError("PL-22", "Patienten är registrerad som avliden: inget brev skrivs till hen.", code="deceased")
    if appointment.patient.merged_into_id:
        raise RuleError("RI-02", "Posten är sammanslagen med en annan. Sök fram patienten igen.", code="merged")
    if appointment.status != "booked" or appointment.start <= at:
        raise RuleError(
            "KA-01", "Kallelse skrivs bara om en tid som är bokad och ligger framåt i tiden.", code="wrong_status"
        )
    return letter_writing.write(appointment, by=by, at=at, choices=choices)


@transaction.atomic
def write_open(*, invitation_id, by, at, version=None):
    """The letter of an öppen kallelse, where there is none or it was stopped, as after a marking of protection (PL-26)."""
    invitation = invitations.lock(invitation_id, version)
    if refused := rules.invitation_letter_refusal(status=invitation.status, label=invitation.get_status_display()):
        raise refused.told(invitation.decided_by, invitation.decided_at)
    refuse_deceased(invitation.patient)
    return letter_writing.write_open(invitation, by=by, at=at)


@transaction.atomic
def write_of_referral(*, referral_id, by, at, own_text="", language=None, attachment_ids=()):
    """A remissbekräftelse to the patient: that the remiss has come, what has been decided, how long the wait is reckoned to
    be, and how to reach the unit (VA-03, KA-01). Offered at each decision, never written by itself."""
    referral = lock_who_waits(Referral, referral_id)
    choices = letter_facts.chosen(
        own_text=own_text,
        language=language,
        attachment_ids=attachment_ids,
        care_unit=referral.care_unit,
        day=local_date(at),
    )
    if referral.patient.is_deceased:
        raise RuleError("PL-22", "Patienten är registrerad som avliden: inget brev skrivs till hen.", code="deceased")
    if refused := rules.referral_letter_refusal(status=referral.status, label=referral.get_status_display()):
        raise refused
    return letter_writing.write_of_referral(referral, choices=choices, by=by, at=at)


@transaction.atomic
def rewrite(*, letter_id, by, at, own_text="", language=None, attachment_ids=(), add_on_ids=None, version=None):
    """A letter that has not left is written anew with other words, files, language or tillval, and its copies with it: what was
    written is never changed (KA-03), it is stopped and another takes its place. Returns the new letter."""
    letter, patient = _lock_with_subject(letter_id, version)
    if letter.is_copy:
        raise RuleError("KA-03", "En kopia följer sitt brev. Ändra det brevet.", code="wrong_status")
    if letter.status != LetterStatus.BLOCKED:
        _refuse_decided(letter)
    if patient.is_deceased:
        raise RuleError("PL-22", "Patienten är registrerad som avliden: inget brev skrivs till hen.", code="deceased")
    if add_on_ids is not None and letter.appointment_id is None:
        raise InputError(add_ons="Tillval väljs för en bokad kontakt.")
    choices = letter_facts.chosen(
        own_text=own_text,
        language=language,
        attachment_ids=attachment_ids,
        add_on_ids=add_on_ids,
        care_unit=letter.care_unit,
        day=local_date(at),
    )
    return _written_anew(letter, choices, by=by, at=at)


def _written_anew(letter, choices, *, by, at, told_already=()):
    if letter.open_invitation_id:
        about = letter.open_invitation
        if refused := rules.invitation_letter_refusal(status=about.status, label=about.get_status_display()):
            raise refused.told(about.decided_by, about.decided_at)
        return letter_writing.write_open(about, choices=choices, told_already=told_already, by=by, at=at)[0]
    if letter.kind in ABOUT_A_WAIT:
        if refused := outgoing.outdated_refusal(letter):
            raise refused
        row = letter.booking_request or letter.referral
        return letter_writing.write_of_wait(row, letter.kind, choices=choices, by=by, at=at)[0]
    if about := letter.referral:
        if refused := rules.referral_letter_refusal(status=about.status, label=about.get_status_display()):
            raise refused
        return letter_writing.write_of_referral(about, choices=choices, by=by, at=at)[0]
    return letter_writing.write(
        letter.appointment,
        kind=letter.kind,
        changed_by=letter.changed_by,
        told_time=letter_writing.last_told(letter.appointment),
        choices=choices,
        told_already=told_already,
        by=by,
        at=at,
    )[0]


def _lock_with_subject(letter_id, version):
    """The letter with the booking, the öppen kallelse, the begäran or the remiss that it is about, locked. One about none of them is
    written whole."""
    columns = ("appointment_id", "open_invitation_id", "booking_request_id", "referral_id")
    known = Letter.objects.values(*columns).get(pk=letter_id)
    if known["appointment_id"]:
        subject = ("appointment", _lock_appointment(known["appointment_id"]))
    elif known["booking_request_id"]:
        subject = ("booking_request", lock_who_waits(BookingRequest, known["booking_request_id"]))
    elif known["open_invitation_id"]:
        subject = ("open_invitation", invitations.lock(known["open_invitation_id"]))
    elif known["referral_id"]:
        subject = ("referral", lock_who_waits(Referral, known["referral_id"]))
    else:
        raise RuleError("KA-01", "Bara brev om en tid skrivs på nytt. Skriv ett nytt brev.", code="wrong_status")
    letter, patient = _lock(letter_id, version)
    setattr(letter, *subject)
    return letter, patient


@transaction.atomic
def write_again(*, letter_id, by, at, address="", version=None):
    """One that could not be written is written now that what was missing is known; a copy to the address given (KA-04)."""
    letter, patient = _lock_with_subject(letter_id, version)
    if letter.status != LetterStatus.BLOCKED:
        _refuse_decided(letter)
        raise RuleError("KA-01", "Brevet är redan skrivet. Läs in sidan igen.", code="wrong_status")
    if patient.is_deceased:
        raise RuleError("PL-22", "Patienten är registrerad som avliden: inget brev skrivs till hen.", code="deceased")
    if not letter.is_copy:
        # The same letter: a copy of it that has gone on paper does not go again.
        gone = letter_writing.copies_that_left(letter)
        return _written_anew(letter, letter_facts.choices_of(letter), told_already=gone, by=by, at=at)
    if not address.strip():
        raise InputError(address="Skriv mottagarens adress.")
    write(letter, status=LetterStatus.STOPPED, stop_reason=letter_writing.REPLACED, decided_at=at, decided_by=by)
    return letter_writing.write_copy(letter, address=address, by=by, at=at)


@transaction.atomic
def set_large_print(*, letter_id, is_large, by, at, version=None):
    """In large print, or not; what has been made for the paper is made anew. The patient's next letters follow."""
    letter, _ = _lock(letter_id, version)
    _refuse_decided(letter)
    LetterDocument.objects.filter(letter=letter).delete()
    return write(letter, is_large_print=is_large)


@transaction.atomic
def make_document(*, letter_id, render, by, at):
    """The letter as it goes on paper: made once by `render`, and then the same bytes each time (KA-03)."""
    letter, patient = _lock(letter_id, None)
    if refused := print_refusal(letter, patient, at=at):
        raise refused
    document = LetterDocument.objects.filter(letter=letter).first()
    if document is None:
        pdf = render(letter)
        document = LetterDocument.objects.create(
            letter=letter, pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest(), made_by=by, made_at=at
        )
    return document


def print_refusal(letter, patient, *, at):
    """Why the letter may not be put on paper, or None: whatever has come since it was written (PL-22, KA-05), or the visit
    that it tells of has been."""
    if letter.status == LetterStatus.BLOCKED:
        return RuleError("KA-01", letter.stop_reason, code="letter_field_missing")
    if letter.status == LetterStatus.STOPPED or letter.delivery not in ON_PAPER:
        return _decided_refusal(letter)
    if letter.kind == LetterKind.TO_RELATIVES:
        return relatives_refusal(patient) if letter.status == LetterStatus.UNSENT else None
    if letter.status != LetterStatus.UNSENT:
        return None
    if patient.is_deceased:
        return RuleError(
            "PL-22", "Patienten är registrerad som avliden: brevet skickas inte. Stoppa det.", code="deceased"
        )
    if outgoing.has_been(letter, at):
        return RuleError(
            "KA-01",
            "Besöket som brevet gäller har redan varit: brevet skickas inte. Stoppa det.",
            code=outgoing.HAS_BEEN,
        )
    if refused := outgoing.outdated_refusal(letter):
        return refused
    if patient.is_protected and letter.delivery != Delivery.MEDIATION:
        return RuleError(
            "KA-05",
            "Patienten har skyddade personuppgifter: inget brev med adress skickas. Använd Skatteverkets förmedling av post.",
            code="protected",
        )
    return None


@transaction.atomic
def confirm_printed(*, letter_id, by, at, version=None):
    """A person says that the letter is on paper: from then on it counts as sent. What has come since it was written
    still stands in its way: protection, a death, or a death that was a mistake."""
    letter, patient = _lock(letter_id, version)
    _refuse_decided(letter)
    # What was put on paper before the visit may be said to be so afterwards.
    made = LetterDocument.objects.filter(letter=letter).values_list("made_at", flat=True).first()
    if refused := print_refusal(letter, patient, at=made or at):
        raise refused
    return write(letter, status=LetterStatus.PRINTED, decided_at=at, decided_by=by)


@transaction.atomic
def stop(*, letter_id, reason, by, at, version=None):
    """The letter is not sent, and why; what is on its way to 1177 stops too."""
    letter, _ = _lock(letter_id, version)
    if letter.status != LetterStatus.BLOCKED:
        _refuse_decided(letter)
    if not (reason or "").strip():
        raise RuleError("PL-22", "Ange varför brevet stoppas.", code="reason_missing", needs_reason=True)
    letter_writing.stop_messages([letter.pk], at=at)
    return write(letter, status=LetterStatus.STOPPED, stop_reason=reason, decided_at=at, decided_by=by)


def withdraw_to_relatives(*, patient_id, since, reason, by, at):
    """Inner write: the patient was not dead. Unsent letters to relatives are stopped; returns those printed since."""
    own = Letter.objects.filter(patient=patient_id, kind=LetterKind.TO_RELATIVES)
    for letter in own.unsent().locked():
        write(letter, status=LetterStatus.STOPPED, stop_reason=reason, decided_at=at, decided_by=by)
    return list(own.filter(status=LetterStatus.PRINTED, decided_at__gte=since).order_by("decided_at", "id"))


def _lock(letter_id, version):
    patient_id = Letter.objects.values_list("patient_id", flat=True).get(pk=letter_id)
    patient = Patient.objects.lock_present(patient_id)
    letter = Letter.objects.select_related("decided_by").locked().get(pk=letter_id)
    refuse_stale(letter, version)
    return letter, patient


def lock_who_waits(model, row_id):
    """The remiss or the bokningsbegäran with what a letter about it reads, its patient locked."""
    patient_id = model.objects.values_list("patient_id", flat=True).get(pk=row_id)
    patient = Patient.objects.lock_present(patient_id)
    related = ("care_unit__facility__care_provider", *(("used_by",) if model is Referral else ()))
    row = model.objects.select_related(*related).locked().get(pk=row_id)
    row.patient = patient
    return row


def _lock_appointment(appointment_id):
    """The booking with what a letter about it reads, its patient locked: whoever changes it waits."""
    known = Appointment.objects.values("patient_id", "encounter_id").get(pk=appointment_id)
    patient = Patient.objects.lock_present(known["patient_id"])
    appointment = Appointment.objects.select_related("care_unit__facility__care_provider").get(pk=appointment_id)
    appointment.encounter = Encounter.objects.select_related(
        "visit_type__profession", "commitment", "care_unit", "contact_reason"
    ).get(pk=known["encounter_id"])
    appointment.patient = appointment.encounter.patient = patient
    return appointment


def _refuse_decided(letter):
    if letter.status != LetterStatus.UNSENT:
        raise _decided_refusal(letter)


def _decided_refusal(letter):
    refused = RuleError(
        "PL-22",
        f"Brevet är redan {letter.get_status_display().lower()}. Skriv ett nytt om det behövs.",
        code="wrong_status",
    )
    return refused.told(letter.decided_by, letter.decided_at)
