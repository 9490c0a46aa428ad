"""What a patient has told in 1177 and allowed care to see (PA-05): taken over, and gone when the consent is."""

from django.db import transaction

from registration import patient_rules, phones
from registration.models import Patient, PatientHistory, PortalContact
from sdv.common.errors import InputError
from sdv.common.time import local_date


@transaction.atomic
def told(*, patient_id, consented_on, by, at, phone="", email="", prefers_digital=None):
    """Keeps what 1177 tells of a patient who has consented, in place of what was told before. The same once more changes
    nothing but when it was told. Refused for a protected person (SK-02). `prefers_digital`: letters in the first place
    digitally, as the patient has chosen there; None where nothing is told of it, and then the last choice stands."""
    patient = Patient.objects.lock_present(patient_id)
    if refused := patient_rules.protection_refusal(patient.is_protected):
        raise refused
    if consented_on > local_date(at):
        raise InputError(consented_on="Samtycket kan inte ligga i framtiden.")
    number = phones.normalised(phone)
    if number is None:
        raise InputError(phone=phones.UNREADABLE)
    if not (number or email):
        raise InputError(phone="Ange telefon eller e-post. Har patienten inga uppgifter kvar: ta bort dem i stället.")
    wanted = {"phone": number, "email": email, "consented_on": consented_on}
    held = PortalContact.objects.filter(patient=patient).first()
    if prefers_digital is not None:
        wanted["prefers_digital"] = prefers_digital
    if held and all(getattr(held, name) == value for name, value in wanted.items()):
        PortalContact.objects.filter(pk=held.pk).update(told_at=at)
        return held
    row, _ = PortalContact.objects.update_or_create(patient=patient, defaults={**wanted, "told_at": at})
    PatientHistory.objects.create(patient=patient, event="portal_told", by=by, at=at)
    return row


@transaction.atomic
def withdrawn(*, patient_id, by, at):
    """The patient no longer lets care see it: nothing of it is kept. Twice is once. Returns whether anything went."""
    patient = Patient.objects.lock_present(patient_id)
    gone, _ = PortalContact.objects.filter(patient=patient).delete()
    if gone:
        PatientHistory.objects.create(patient=patient, event="portal_withdrawn", by=by, at=at)
    return bool(gone)
