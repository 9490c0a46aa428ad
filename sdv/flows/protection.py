"""Protected personal data (SK-01…05): a marking arrives from the population register or is set by hand, and is lifted.

With the marking, in the same transaction, everything goes that SK-02 does not leave: what was held is deleted or emptied
(`purge`), and nothing of it comes back by itself; who was to be told of a time ahead is told by mediation. What holds
anything of a patient is found by looking, in the one register of consumers (sdv.flows.consumers)."""

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from registration.actions import births, engagements, relations
from registration.models import (
    Encounter,
    Patient,
    PatientHistory,
    PatientIdentity,
    PortalContact,
    Protection,
    ProtectionGround,
)
from registration.protected import cleared_fields, empty_value
from scheduling.actions import letter_writing
from scheduling.models import Letter
from scheduling.models.letter import GONE_OUT
from sdv.accounts.models import IdempotentAnswer
from sdv.common.errors import InputError, RuleError
from sdv.common.versions import refuse_stale
from sdv.flows import consumers
from sdv.outbox.models import OutboxMessage

# Tables that are emptied of the patient's rows whole.
CONTACT = ("phones", "addresses", "search_keys")


# --- Why not ----------------------------------------------------------------------------------------------------------


def set_refusal(patient):
    """Why no marking may be set on the patient, or None (SK-04)."""
    if patient.is_protected:
        return RuleError(
            "SK-04", "Patienten har redan skyddade personuppgifter. Läs in sidan igen.", code="already_protected"
        )
    return None


def lift_refusal(patient):
    """Why the marking may not be lifted by hand, or None (SK-04)."""
    if not patient.is_protected:
        return RuleError(
            "SK-04", "Patienten har inga skyddade personuppgifter. Läs in sidan igen.", code="not_protected"
        )
    if patient.protection_set_by_id is None:
        return RuleError(
            "SK-04",
            "Markeringen kommer från folkbokföringen och hävs av Skatteverket. Den försvinner här när registret har ändrats.",
            code="set_by_register",
        )
    return None


# --- Acts --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_by_hand(*, patient_id, ground, by, at, version=None):
    """A sekretessmarkering on any patient: an application is shown, or there is an acute threat (SK-04). What was held is
    purged at once; this cannot be undone. Returns what was purged, in words."""
    patient = _locked(patient_id, version)
    if ground not in ProtectionGround.values:
        raise InputError(ground="Välj varför skyddet sätts: visad ansökan eller akut hot.")
    if refused := set_refusal(patient):
        raise refused
    _mark(patient, Protection.MARKED, at=at, by=by, ground=ground)
    gone = purge(patient, by=by, at=at)
    engagements.look_again(patient.pk)
    label = ProtectionGround(ground).label
    PatientHistory.objects.create(patient=patient, event="protected", detail=f"För hand: {label}", by=by, at=at)
    return gone


@transaction.atomic
def lift(*, patient_id, reason, by, at, version=None):
    """Lifts a marking set by hand (SK-04). What was purged does not come back: the register is asked anew at the next
    search or night, and what was entered by hand is entered again."""
    patient = _locked(patient_id, version)
    if refused := lift_refusal(patient):
        raise refused
    if not (reason or "").strip():
        raise RuleError("SK-04", "Ange varför skyddet hävs. Skälet sparas.", code="reason_missing", needs_reason=True)
    for row in [patient, *_merged_into(patient)]:
        _unmark(row)
    engagements.look_again(patient.pk)
    PatientHistory.objects.create(patient=patient, event="protection_lifted", detail=reason[:300], by=by, at=at)
    return patient


def arrives_from_register(patient, *, protection, at):
    """What the register tells of a person's protection, for a locked patient whose primary identity is a personnummer
    (SK-03). A marking set by hand is never lifted by it (SK-04). Returns whether anything changed."""
    if protection == patient.protection:
        return False
    by_hand = patient.protection_set_by_id is not None
    # The register may make it stronger; set by hand it stays, whatever the register says later.
    if by_hand and protection != Protection.POPULATION_REGISTER:
        return False
    if protection:
        _mark(
            patient,
            protection,
            at=patient.protection_set_at if by_hand else at,
            by=patient.protection_set_by,
            ground=patient.protection_ground,
        )
        purge(patient, by=None, at=at)
    else:
        for row in [patient, *_merged_into(patient)]:
            _unmark(row)
    engagements.look_again(patient.pk)
    event = "protected" if protection else "protection_lifted"
    PatientHistory.objects.create(patient=patient, event=event, detail="Folkbokföringen", by=None, at=at)
    return True


def _locked(patient_id, version):
    patient = Patient.objects.lock_present(patient_id)
    refuse_stale(patient, version)
    return patient


def _mark(patient, protection, *, at, by, ground):
    """Marks the patient and the records merged into it: they are the same person."""
    for row in [patient, *_merged_into(patient)]:
        row.protection, row.protection_set_at = protection, at
        row.protection_set_by, row.protection_ground = by, ground
        _save(row, "protection", "protection_set_at", "protection_set_by", "protection_ground")


def _unmark(patient):
    patient.protection, patient.protection_set_at = Protection.NONE, None
    patient.protection_set_by, patient.protection_ground = None, ""
    # Asked anew at the next search, and all of the answer is news.
    patient.register_asked_on, patient.register_version, patient.confirmed_at = None, "", None
    _save(
        patient,
        "protection",
        "protection_set_at",
        "protection_set_by",
        "protection_ground",
        "register_asked_on",
        "register_version",
        "confirmed_at",
    )


def _save(patient, *fields):
    patient.version += 1
    patient.save(update_fields=[*fields, "version"])


def _merged_into(patient):
    """Records that became part of the patient, however far back, locked in key order."""
    found, newest = [], [patient.pk]
    while newest:
        rows = list(Patient.objects.filter(merged_into__in=newest).locked())
        found += rows
        newest = [row.pk for row in rows]
    return found


# --- What was held ------------------------------------------------------------------------------------------------------


def purge(patient, *, by, at):
    """Deletes and empties what is held of a locked, marked patient and of the records merged into it (SK-02). Returns the
    numbers by kind. Printed letters are kept as sent (KA-03) and shown to nobody; who was on a contact, and when, is a fact
    of care and stays. A child named after the person loses what it has of her: as long as it has no name of its own, that
    is a copy."""
    people = [patient, *_merged_into(patient)]
    ids = [row.pk for row in people]
    gone = dict.fromkeys((*CONTACT, "portal", "relations", "letters", "messages"), 0)
    for row in people:
        for field in cleared_fields(Patient):
            setattr(row, field.attname, empty_value(field))
        row.save(update_fields=[field.name for field in cleared_fields(Patient)])
        for name in CONTACT:
            gone[name] += getattr(row, name).all().delete()[0]
        gone["portal"] += PortalContact.objects.filter(patient=row).delete()[0]
        gone["relations"] += relations.purge(patient_id=row.pk)
    numbers = list(PatientIdentity.objects.filter(patient__in=ids).values_list("value", flat=True))
    relations.hide_guardian(numbers=numbers)
    gone["letters"] = letter_writing.purge(ids, by=by, at=at)
    # What waits to be sent to the person as somebody else's guardian has the person's address.
    to_guardian = Letter.objects.filter(relation__kind="guardian", relation__identity__in=numbers)
    gone["letters"] += to_guardian.exclude(status__in=GONE_OUT).delete()[0]
    children = births.forget_the_mother_in_children(ids, by=by, at=at)
    letter_writing.purge(children, by=by, at=at)
    # Who pays and where the person is listed are copies of the patient's own (PA-06), and a listing tells of a place.
    copies = Encounter.objects.filter(patient__in=[*ids, *children]).exclude(payer="", listing_unit="")
    Encounter.objects.filter(pk__in=list(copies.locked().values_list("pk", flat=True))).update(
        payer="", listing_unit=""
    )
    gone["messages"] = unsent_messages(ids).delete()[0]
    _forget_answers([*ids, *children])
    return gone


def held(patient):
    """What a marking would delete, as (number, one, many): what is told before it is done."""
    letters = Letter.objects.filter(patient=patient).purged_by_a_marking()
    numbers = [
        (patient.phones.count(), "telefonnummer", "telefonnummer"),
        (patient.addresses.count(), "adress", "adresser"),
        (patient.search_keys.count(), "LMA- eller passnummer", "LMA- och passnummer"),
        (patient.relations.count(), "närstående", "närstående"),
        (letters.count(), "brev som inte är skickat", "brev som inte är skickade"),
        (unsent_messages([patient.pk]).count(), "meddelande som inte är sänt", "meddelanden som inte är sända"),
    ]
    return [each for each in numbers if each[0]]


def unsent_messages(patient_ids):
    """Messages to the patients that have not gone out, those stopped by a death with them: its undo shall not send them."""
    topics = [
        name for name, treatment in consumers.TOPICS.items() if treatment.protected == consumers.Protected.NOT_SENT
    ]
    return OutboxMessage.objects.filter(patient_id__in=patient_ids, topic__in=topics, delivered_at=None)


def _forget_answers(ids):
    """Answers kept for a repeated call: those about the patients, and any other that names one of them. The key stays, so
    that a repeat is still not done twice; what it answers is no longer told."""
    named = Q(patient_id__in=ids)
    for pk in ids:
        named |= Q(text__contains=str(pk))
    rows = IdempotentAnswer.objects.annotate(text=Cast("body", TextField())).filter(named)
    rows.update(body=None)
