"""Brev: written, confirmed as printed by a person, or stopped. The one to relatives of somebody who has died (PL-22)."""

from django.db import transaction

from registration.models import Patient, PatientRelation
from scheduling.models import Letter, LetterKind, LetterStatus
from sdv.common.errors import InputError, RuleError, StaleVersion


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
def confirm_printed(*, letter_id, by, at, version=None):
    """A person says that the letter is on paper: from then on it counts as sent. What has come since it was written
    still stands in its way: protection, or a death that was a mistake."""
    letter, patient = _lock(letter_id, version)
    _refuse_decided(letter)
    if letter.kind == LetterKind.TO_RELATIVES and (refused := relatives_refusal(patient)):
        raise refused
    return _save(letter, status=LetterStatus.PRINTED, decided_at=at, decided_by=by)


@transaction.atomic
def stop(*, letter_id, reason, by, at, version=None):
    """The letter is not sent, and why."""
    letter, _ = _lock(letter_id, version)
    _refuse_decided(letter)
    if not (reason or "").strip():
        raise RuleError("PL-22", "Ange varför brevet stoppas.", code="reason_missing", needs_reason=True)
    return _save(letter, status=LetterStatus.STOPPED, stop_reason=reason, decided_at=at, decided_by=by)


def withdraw_to_relatives(*, patient_id, since, reason, by, at):
    """Inner write: the patient was not dead. Unsent letters to relatives are stopped; returns those printed since."""
    own = Letter.objects.filter(patient=patient_id, kind=LetterKind.TO_RELATIVES)
    for letter in own.unsent().locked():
        _save(letter, status=LetterStatus.STOPPED, stop_reason=reason, decided_at=at, decided_by=by)
    return list(own.filter(status=LetterStatus.PRINTED, decided_at__gte=since).order_by("decided_at", "id"))


def _lock(letter_id, version):
    patient_id = Letter.objects.values_list("patient_id", flat=True).get(pk=letter_id)
    patient = Patient.objects.lock_present(patient_id)
    letter = Letter.objects.select_related("decided_by").locked().get(pk=letter_id)
    if version is not None and version != letter.version:
        raise StaleVersion(current=letter.version, given=version)
    return letter, patient


def _refuse_decided(letter):
    if letter.status != LetterStatus.UNSENT:
        refused = RuleError(
            "PL-22",
            f"Brevet är redan {letter.get_status_display().lower()}. Skriv ett nytt om det behövs.",
            code="wrong_status",
        )
        raise refused.told(letter.decided_by, letter.decided_at)


def _save(letter, **changes):
    changes["version"] = letter.version + 1
    for field, value in changes.items():
        setattr(letter, field, value)
    letter.save(update_fields=list(changes))
    return letter
