"""What the engagement index knows of our patients' contacts, and what gives reason to look at a patient anew (VH-20)."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from registration.models import EngagementEntry
from registration.shared_contacts import told as told_contacts
from sdv.outbox import messages
from sdv.outbox.models import OF_CONTACTS, OutboxMessage


def look_again(*patient_ids, only_known=False):
    """A patient is shown to others, or is no longer, or by another number (SK-05, PA-03, RI-02): the index is to be told
    where it knows of the patient, or may be told now. `only_known`: what may be told comes by messages of its own."""
    known = set(
        EngagementEntry.objects.filter(identity__patient__in=patient_ids).values_list("identity__patient", flat=True)
    )
    if not only_known:
        known |= set(told_contacts().filter(patient__in=patient_ids).values_list("patient", flat=True))
    messages.contacts_changed(*(patient_id for patient_id in patient_ids if patient_id in known))


@transaction.atomic
def tell_all():
    """Gives reason to look at every patient with contacts to tell whom the index does not know of and nothing waits about:
    when the index is connected first, or has lost what it had. Twice is once. Returns how many."""
    waits = OutboxMessage.objects.filter(
        patient_id=OuterRef("patient"), topic__in=OF_CONTACTS, delivered_at=None, stopped_at=None
    )
    known = EngagementEntry.objects.filter(identity__patient=OuterRef("patient"))
    found = told_contacts().filter(~Exists(waits), ~Exists(known)).values_list("patient", flat=True).distinct()
    return messages.contacts_changed(*found.order_by("patient"))


@transaction.atomic
def note(*, told, withdrawn):
    """What the index has answered OK to, so that it can be withdrawn: `told` are entries of it with the time of their
    latest event, `withdrawn` those it no longer has. Twice is once."""
    for engagement, most_recent in told.items():
        EngagementEntry.objects.update_or_create(
            identity=engagement.identity,
            care_provider=engagement.care_provider,
            defaults={"most_recent_content": most_recent},
        )
    for engagement in withdrawn:
        EngagementEntry.objects.filter(identity=engagement.identity, care_provider=engagement.care_provider).delete()
