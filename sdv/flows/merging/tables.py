"""What there is of a patient, and what a merge does with it (RI-02).

Tables are found by looking (sdv.flows.consumers.columns, and the database's own foreign keys in the test); each is
decided upon here, and a new one that is not fails a test. What the present record already has (a phone number, a
guardian, a search key) stays on the old one, where nothing reads it, so that undo has nothing to rebuild."""

from django.apps import apps

from sdv.flows import consumers

# In the one order of locks; then what hangs on them.
MOVED = (
    "registration.CareCommitment",
    "registration.Encounter",
    "scheduling.Appointment",
    "registration.Referral",
    "registration.Order",
    "registration.Birth",
    "scheduling.BookingRequest",
    "scheduling.ListFault",
    "scheduling.AwaitedResult",
    "scheduling.MissingFollowUp",
    "scheduling.NoShowItem",
    "scheduling.RebookingItem",
    "scheduling.Offer",
    "scheduling.OpenInvitation",
    "scheduling.ContactAttempt",
    "scheduling.Letter",
    "outbox.OutboxMessage",
    "flows.DeceasedCascade",
    "registration.PatientIdentity",
    "registration.PatientPhone",
    "registration.PatientAddress",
    "registration.PortalContact",
    "registration.PatientSearchKey",
    "registration.PatientRelation",
)
# The column that means the patient, where it has a name of its own.
COLUMNS = {"registration.Birth": "mother_id"}
# Where rows stay on the record they were written for, and why.
STAYS = {
    "registration.Patient": "the old record itself, and what was merged into it: reading follows the chain",
    "registration.PatientHistory": "append-only: the page reads that of the records merged into it too",
    "registration.ReserveDecision": "RI-03: such a record is never merged",
    "registration.ReserveSearch": "the search that the old record was made after (RI-01)",
    "accounts.AccessLogEntry": "append-only: the log reads that of the records merged into it too",
    "accounts.IdempotentAnswer": "the answer that was given, kept for a day",
    "flows.PatientMerge": "the merge itself",
}
# What of a moved table stays where the present record has the like. `n` is its row, `o` the old record's.
DOUBLES = {
    "registration.PatientPhone": "n.number = o.number",
    "registration.PatientSearchKey": "n.kind = o.kind AND n.value = o.value",
    "registration.PortalContact": "true",
    "registration.PatientRelation": "n.kind = o.kind AND (n.identity <> '' AND n.identity = o.identity"
    " OR n.name = o.name AND n.phone = o.phone)",
    # Only one death of a person is undone at a time: see rules.undo_refusal and sdv.flows.deceased.
    "flows.DeceasedCascade": "n.undone_at IS NULL AND o.undone_at IS NULL",
    # The register tells each record its own; the present one's hold.
    "registration.PatientAddress": "n.kind_id = o.kind_id"
    " AND o.kind_id IN (SELECT id FROM registration_addresskind WHERE is_locked)",
}
# Rows that are history: what has been told to others was told of the old record.
ONLY = {"outbox.OutboxMessage": "o.delivered_at IS NULL AND o.stopped_at IS NULL"}
# A flag that only one row of a patient may have: the present record's own keeps it.
FLAGS = {"registration.PatientIdentity": "is_primary", "registration.PatientPhone": "is_preferred"}
# What users write of the patient itself (PA-06): goes along where the present record says nothing of it.
CARRIED = (
    ("interpreter_kind", "interpreter_language"),
    ("special_housing",),
    ("drug_benefit_decided_on", "drug_benefit_decided_by"),
    ("has_pascal", "pascal_told_on", "pascal_told_by"),
)
# What is refused instead of moved, by the name of the constraint (rules.refusal).
REFUSED = ("one_open_commitment_per_problem", "one_stay_at_a_time", "one_emergency_visit_at_a_unit")


def undecided(among=None):
    """(label, column) of what means a patient and is neither moved nor said to stay."""
    found = {(model._meta.label, column) for model, column in consumers.columns(among)}
    return sorted(each for each in found if each not in moved_columns() and each[0] not in STAYS)


def moved_columns():
    return {(label, column_of(label)) for label in MOVED}


def column_of(label):
    """The column that the merge writes."""
    return COLUMNS.get(label, "patient_id")


def rows_of(label, model, patient_id):
    """The patient's rows of a table that moves."""
    return model.objects.filter(**{column_of(label): patient_id})


def models():
    """(label, model) of what moves, in its order."""
    return [(label, apps.get_model(label)) for label in MOVED]


def parents(model):
    """Columns by which a moved kind of row hangs on another moved kind: a booking on its vårdhändelse."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model is not model and field.related_model._meta.label in MOVED
    ]


def carried(source, target):
    """The fields that the present record takes over from the old one, whole groups at a time."""
    found = []
    for group in CARRIED:
        says = any(getattr(source, name) for name in group)
        is_silent = not any(getattr(target, name) for name in group)
        if group[0] == "drug_benefit_decided_on" and target.has_drug_benefit:
            is_silent = False
        if says and is_silent and not target.is_protected:
            found += group
    return found


def words(model):
    """What a kind of row is called, with a capital: the first word of a line."""
    name = str(model._meta.verbose_name)
    return name[:1].upper() + name[1:]


# Rows that nobody counts as something of their own: they come with others, or hold how a message is delivered.
UNCOUNTED = ("outbox.OutboxMessage", "flows.DeceasedCascade", "scheduling.Appointment")


def coming(source):
    """What would move, as (words in plural, number), for the page before the act."""
    found = []
    for label, model in models():
        if label in UNCOUNTED and label != "scheduling.Appointment":
            continue
        if count := rows_of(label, model, source.pk).count():
            name = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
            found.append((str(name), count))
    return found
