"""Texts that exist once each, in every field of every table that tells something of a patient, found by looking at the
models: whatever text is met later on says from which field it came (SK-02, SK-05)."""

import re
from datetime import date, timedelta
from io import BytesIO
from zipfile import ZipFile, is_zipfile

import pgtrigger
from django.db import IntegrityError, connection, models, transaction

from registration.models import (
    AddressKind,
    Patient,
    PatientAddress,
    PatientPhone,
    PatientSearchKey,
    PortalContact,
    ReserveDecision,
)
from registration.models.relation import EncounterRelation, PatientRelation
from scheduling.models import LetterDocument
from sdv.flows.consumers import columns, our_models
from tests.clinic import NOW

TOKEN = re.compile(r"ZQX\d{4}Q", re.IGNORECASE)
LENGTH = len("ZQX0000Q")
# Years nobody else has: what is dated so is a canary too.
DATES = re.compile(r"\b(?:17|27)\d\d-\d\d-\d\d\b")
EARLY, LATE = date(1701, 1, 1), date(2701, 1, 1)

# What SK-02 leaves, or what is no demographic: may be shown to staff at work with the patient, and stays.
CARE = "a fact of the care given or planned: SK-02 clears who and where the person is, not what is done"
TRACE = "a trace of who did what, shown to those who review the log"
TOLD = {
    "accounts.AccessLogEntry.what": TRACE,
    "accounts.AccessLogEntry.purpose": TRACE,
    "classification.CodedDiagnosis.title": CARE,
    "classification.CodedExternalCause.title": CARE,
    "classification.CodedProcedure.title": CARE,
    "classification.CodedSubstance.title": CARE,
    "classification.DeliveryFinding.detail": "the product's own sentence on a code or a unit",
    "flows.DeceasedCascade.reason": "how the death is known (AV-01)",
    "flows.DeceasedCascade.undo_reason": "why it was wrong (AV-03)",
    "flows.PatientMerge.reason": "why two records were found to be the same person's (RI-02)",
    "flows.PatientMerge.undo_reason": "why they were not (RI-02)",
    "registration.CareCommitment.close_reason": CARE,
    "registration.CommitmentEvent.reason": CARE,
    "registration.WaitDeviation.reason": CARE,
    "registration.WaitDeviation.withdraw_reason": CARE,
    "scheduling.OpenInvitation.end_reason": CARE,
    "registration.CashTransaction.external_id": "the cash system's own number",
    "registration.Encounter.identity_shown": "how identity was shown: a kind of document, never its number",
    "registration.EncounterDocument.kind": CARE,
    "registration.EncounterDocument.external_id": "the medical record's own id",
    "registration.EncounterHistory.reason": CARE,
    "registration.Order.what": CARE,
    "registration.Order.cancel_reason": CARE,
    "registration.PatientIdentity.source": "who told the number, in the product's own words",
    "registration.QueueTicket.room": "a room of the unit",
    "registration.Referral.referrer": CARE,
    "registration.Referral.decision_reason": CARE,
    "registration.ReferralEvent.reason": CARE,
    "registration.Referral.forwarded_outside": "the clinic outside the region that the remiss went to",
    "registration.ReferralEvent.to_outside": "as above",
    "scheduling.Appointment.overlap_reason": CARE,
    "scheduling.Appointment.cancel_reason": CARE,
    "scheduling.AppointmentHistory.reason": CARE,
    "scheduling.AwaitedResult.waiting_for": CARE,
    "scheduling.BookingRequest.wished_place": CARE,
    "scheduling.Letter.sender": "the unit's own address",
    "scheduling.BookingRequest.description": CARE,
    "scheduling.BookingRequest.close_reason": CARE,
}

# Stays in the database and is shown to nobody while the patient is protected.
HELD = {
    "registration.Patient.source": "where the row came from: a word of the product's own",
    "registration.PatientIdentity.value": "an old number still finds the person (PA-03); only the primary is shown",
    "registration.PatientIdentity.issuer": "as above",
    "registration.PatientIdentity.level": "as above",
    "registration.PatientIdentity.register_status": "as above",
    "registration.PatientIdentity.register_status_cause": "as above",
    "registration.ReserveDecision.decided_by": "the decision behind a reserve number (RI-03)",
    "registration.ReserveDecision.reason": "as above",
    "scheduling.Letter.recipient": "a letter already sent is kept as sent (KA-03)",
    "scheduling.Letter.heading": "as above",
    "scheduling.Letter.body": "as above",
    "scheduling.Letter.own_text": "as above",
    "scheduling.Letter.reason": "as above",
    "scheduling.Letter.stop_reason": "as above",
    "scheduling.Letter.parts": "as above",
    "scheduling.LetterDocument.pdf": "as above",
}

# Never on any page, protected or not: the search index, and what the program keeps for itself.
NEVER_SHOWN = {
    "registration.Patient.search_name": "the search index",
    "registration.Patient.sort_key": "as above",
    "registration.PatientIdentity.issuer": "who gave out a number: nothing asks for it yet",
    "registration.ReserveDecision.decided_by": "told by the reserve identity's own page alone",
    "registration.ReserveDecision.reason": "as above",
    "scheduling.Letter.parts": "a letter to relatives has none; a kallelse is a letter to the patient",
    "scheduling.LetterDocument.pdf": "as above",
}

# Written by the program alone: a code, a key, a checksum. What it is made of is another field's.
CODES = {
    "accounts.AccessLogEntry.request_id",
    "accounts.IdempotentAnswer.key",
    "accounts.IdempotentAnswer.fingerprint",
    "classification.DeliveryFinding.code",
    "flows.CascadeChange.consumer",
    "flows.DeceasedCascade.register_told",
    "flows.MergeChange.table",
    "flows.MergeChange.checksum",
    "outbox.OutboxMessage.last_error",
    "registration.EncounterHistory.source",
    "registration.EncounterHistory.target",
    "registration.EncounterHistory.type_before",
    "registration.EncounterHistory.type_after",
    "registration.Patient.register_version",
    "registration.PatientHistory.event",
    "registration.ReserveSearch.keys",
    "registration.ReserveSearch.fingerprint",
    "scheduling.AwaitedResult.decision",
    "scheduling.LetterDocument.sha256",
    "scheduling.MissingFollowUp.decision",
    "scheduling.NoShowItem.decision",
    "scheduling.RebookingItem.decision",
    # Dates as texts, and codes too short for a canary: their own tests say that they are emptied.
    "registration.Patient.birth_date_partial",
    "registration.Patient.deceased_partial",
    "registration.Patient.registered_on",
    "registration.Patient.deregistered_on",
    "registration.Patient.county_code",
    "registration.Patient.municipality_code",
}
# What is written there by the actions is looked at as they wrote it: made with canaries before, or without any.
WRITTEN_BY_ACTIONS = {
    "accounts.IdempotentAnswer.body": "emptied: an answer kept for a day holds what was shown",
    "accounts.IdempotentAnswer.headers": "ETag and address alone",
    "classification.CodingHistory.before": CARE,
    "classification.CodingHistory.after": CARE,
    "flows.CascadeChange.before": "states and ids of what a death ended",
    "flows.CascadeChange.after": "as above",
    "flows.DeceasedCascade.not_restored": "as above",
    "flows.MergeChange.before": "ids and flags of the rows that moved",
    "flows.PatientMerge.to_check": "ids and what to look at",
    "outbox.OutboxMessage.payload": "ids and codes",
    "registration.PatientHistory.detail": "what was done, in the product's own words",
    "registration.ReferralEvent.before": CARE,
    "registration.ReferralEvent.after": CARE,
}


def hanging(among=None):
    """Tables that tell something of a patient: Patient, those that point at one, and those that hang on them."""
    models_of_ours = our_models() if among is None else among
    found = {Patient, *(model for model, _ in columns()), *(model for model, _ in columns(among))}
    while more := {model for model in models_of_ours if model not in found and any(_points_at(model, found))}:
        found |= more
    return sorted(found & set(models_of_ours), key=lambda model: model._meta.label)


def _points_at(model, known):
    return (field.related_model in known for field in model._meta.concrete_fields if field.is_relation)


def texts_of(model):
    """(label, field) of each column that can hold a free text: no choices; JSON, and what is packed in a file."""
    kinds = (models.CharField, models.TextField, models.JSONField, models.BinaryField)
    for field in model._meta.concrete_fields:
        if isinstance(field, kinds) and not field.choices:
            yield f"{model._meta.label}.{field.name}", field


class Canaries:
    """The texts put in, and from which field each is."""

    def __init__(self):
        self.field_of = {}
        self.dates = {}

    def text(self, label):
        token = f"ZQX{len(self.field_of):04}Q"
        self.field_of[token] = label
        return token

    def date(self, label, *, late=False):
        found = (LATE if late else EARLY) + timedelta(days=len(self.dates))
        self.dates[found.isoformat()] = label
        return found

    @property
    def labels(self):
        """The fields that have a canary somewhere."""
        return {*self.field_of.values(), *self.dates.values()}

    def met_in(self, text):
        """Labels of the fields whose canaries are in the text."""
        met = {self.field_of.get(token.upper(), "") for token in TOKEN.findall(text)}
        return (met | {self.dates.get(day, "") for day in DATES.findall(text)}) - {""}


# --- Putting them in ----------------------------------------------------------------------------------------------------


def one_of_each(patient, by):
    """A row in each table of contact data and relations, and a linked reserve number."""
    pk = patient.pk.hex[-12:].upper()
    PatientPhone.objects.get_or_create(
        patient=patient, kind="mobile", defaults={"number": f"+4670{int(pk, 16) % 10**7:07}"}
    )
    for kind in AddressKind.objects.all():
        days = {"valid_from": EARLY, "valid_to": LATE} if kind.requires_dates else {}
        PatientAddress.objects.create(patient=patient, kind=kind, street="Gatan 1", **days)
    PortalContact.objects.create(patient=patient, consented_on=NOW.date(), told_at=NOW)
    PatientSearchKey.objects.create(patient=patient, kind="lma", value=pk)
    for kind in ("guardian", "contact"):
        PatientRelation.objects.create(patient=patient, kind=kind, name="Någon", gets_letter_copy=True)
    patient.identities.create(kind="lokalt_reservnummer", value=pk)
    ReserveDecision.objects.create(
        patient=patient, decided_by="x", decided_on=NOW, reason="x", registered_by=by, registered_at=NOW
    )
    for letter in patient.letters.all():
        LetterDocument.objects.get_or_create(letter=letter, defaults={"pdf": b"x", "sha256": "x", "made_at": NOW})
    for encounter in patient.encounters.all():
        EncounterRelation.objects.create(encounter=encounter, kind="contact", name="Någon")


def fill(canaries):
    """A canary in every free text of every row that tells something of a patient, and in every date of contact data."""
    Patient.objects.update(interpreter_kind="spoken", interpreter_language="x", has_pascal=False)
    locks = [
        f"{model._meta.label}:{trigger.name}"
        for model in hanging()
        for trigger in getattr(model._meta, "triggers", [])
        if not trigger.name.startswith("log_")
    ]
    # The change log stays on: it is full of canaries too.
    with pgtrigger.ignore(*locks):
        for model in hanging():
            _fill_table(model, canaries)


def _fill_table(model, canaries):
    is_cleared = model is Patient or model._meta.label in PURGED_TABLES
    texts = [(label, field) for label, field in texts_of(model) if label not in CODES | WRITTEN_BY_ACTIONS.keys()]
    for row in model.objects.all():
        values = {field.attname: _as(field, canaries.text(label)) for label, field in texts}
        if model is Patient:
            values["search_name"] = f" {values['search_name'].lower()} {values['surname'].lower()}"
            values["registered_on"] = canaries.date("registration.Patient.registered_on").isoformat()
        if model._meta.model_name == "patientidentity" and row.is_primary:
            # The primary number is what SK-02 leaves.
            del values["value"]
        for field in model._meta.concrete_fields if is_cleared else ():
            if field.get_internal_type() == "DateField" and not (model is Patient and field.name in LEFT_DATES):
                late = field.name == "valid_to"
                values[field.attname] = canaries.date(f"{model._meta.label}.{field.name}", late=late)
        if values and not _written(model, row, values):
            for name, value in values.items():
                _written(model, row, {name: value})


def _as(field, token):
    """The canary in the shape that the column has."""
    if isinstance(field, models.JSONField):
        return {"facts": [["Uppgift", token]], "sections": []}
    return token.encode() if isinstance(field, models.BinaryField) else token


def _written(model, row, values):
    """Whether the database took it: a state may forbid a reason, for one."""
    try:
        with transaction.atomic():
            model.objects.filter(pk=row.pk).update(**values)
    except IntegrityError:
        return False
    return True


PURGED_TABLES = {
    f"registration.{name}"
    for name in ("PatientPhone", "PatientAddress", "PortalContact", "PatientRelation", "EncounterRelation")
}
# Dates of a patient that SK-02 leaves, and when the register was asked.
LEFT_DATES = {"birth_date", "deceased_on", "register_asked_on"}


# --- Reading ------------------------------------------------------------------------------------------------------------


def read(response):
    """All that an answer tells: its head, its body, and what lies packed in a file."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    if is_zipfile(BytesIO(body)):
        with ZipFile(BytesIO(body)) as packed:
            body = b"\n".join(packed.read(name) for name in packed.namelist())
    head = "\n".join(f"{name}: {value}" for name, value in response.items())
    return f"{head}\n{response.cookies.output()}\n{body.decode('utf-8', 'replace')}"


def stored():
    """{table: its rows as text}: what somebody with the database in hand can read, also what is no model of ours."""
    held = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT COALESCE(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            text = cursor.fetchone()[0]
            # What is packed in a column of bytes is told in hexadecimals.
            packed = re.findall(r"\\\\x([0-9a-f]{16,})", text)
            held[table] = "\n".join([text, *(bytes.fromhex(each).decode("latin-1") for each in packed)])
    return held
