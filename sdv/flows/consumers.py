"""Who uses what is held of a patient: one register of tables, lists, messages and letters (PL-22).

Whatever lists, calls or writes to patients says here what it does when the patient has died (AV-02) and when the
patient is protected (SK-02, SK-05). What there is is found by looking: tables by their columns, lists, messages and
letters by their names (tests/flows/test_consumers.py, that also proves each claim of a list). Something new that is not
here fails the test until somebody has thought about it. The cascade (sdv.flows.deceased), the purge of the protected
and the moving of a merge stand on the same finding, `columns`."""

from dataclasses import dataclass
from enum import StrEnum

from django.apps import apps
from django.db import models

from registration.models import Patient

OUR_APPS = ("registration", "scheduling", "classification", "accounts", "outbox", "organisation", "flows", "common")


class Dead(StrEnum):
    """What happens when the patient dies."""

    ENDS = "ends"  # what is open is ended by the cascade, and comes back with its undo
    NOT_SENT = "not sent"  # nothing unsent goes out
    LEFT = "left"  # what has happened stays as it is; what goes on is ended by hand and listed
    ALLOWED = "allowed"  # still done for the dead, on purpose


class Protected(StrEnum):
    """What happens when the patient is protected."""

    PURGED = "purged"  # what was held is deleted or emptied
    HIDDEN = "hidden"  # shown through the presenter alone, or never shown
    NOT_SENT = "not sent"  # goes by postal mediation, or not at all
    NOTHING = "nothing"  # holds ids, codes, times: nothing that tells who or where


@dataclass(frozen=True)
class Treatment:
    """How a consumer treats the dead and the protected; `why` where it does not go without saying."""

    dead: Dead
    protected: Protected
    why: str = ""


_D, _P = Dead, Protected
_FACT = Treatment(_D.LEFT, _P.NOTHING, "a fact, or a trace of what was done")
_WAITS = Treatment(_D.ENDS, _P.NOTHING)
_CONTACT = Treatment(_D.LEFT, _P.PURGED)

# Tables with a column that means a patient.
TABLES = {
    "registration.Patient": Treatment(_D.LEFT, _P.PURGED, "which record it was merged into; who it is itself"),
    "registration.PatientIdentity": Treatment(
        _D.LEFT, _P.HIDDEN, "an old number still finds the person; only the primary is shown"
    ),
    "registration.PatientPhone": _CONTACT,
    "registration.PatientAddress": _CONTACT,
    "registration.PortalContact": _CONTACT,
    "registration.PatientSearchKey": _CONTACT,
    "registration.PatientRelation": _CONTACT,
    "registration.EncounterRelation": _CONTACT,
    "registration.ReserveDecision": Treatment(_D.LEFT, _P.HIDDEN, "who decided, when and why (RI-03)"),
    "registration.ReserveSearch": Treatment(
        _D.LEFT, _P.NOTHING, "which search a reserve number was made after (RI-01)"
    ),
    "registration.PatientHistory": Treatment(_D.LEFT, _P.HIDDEN, "what was done; never contact data"),
    "registration.CareCommitment": _WAITS,
    "registration.Referral": _WAITS,
    "registration.Order": _WAITS,
    "registration.Birth": Treatment(_D.LEFT, _P.HIDDEN, "who gave birth to whom; shown through the presenter"),
    "registration.Encounter": Treatment(_D.ENDS, _P.HIDDEN, "what is planned ends; payer and listing are emptied"),
    "scheduling.Appointment": _WAITS,
    "scheduling.BookingRequest": _WAITS,
    "scheduling.AwaitedResult": _WAITS,
    "scheduling.MissingFollowUp": _WAITS,
    "scheduling.NoShowItem": _WAITS,
    "scheduling.RebookingItem": _WAITS,
    "scheduling.ListFault": Treatment(
        _D.LEFT, _P.NOTHING, "what the list's check found; gone when its row ends (PL-11)"
    ),
    "scheduling.Offer": Treatment(_D.ENDS, _P.NOTHING, "withdrawn, and made anew by hand if the death was a mistake"),
    "scheduling.OpenInvitation": _WAITS,
    "scheduling.ContactAttempt": _FACT,
    "scheduling.Letter": Treatment(_D.NOT_SENT, _P.NOT_SENT, "by kind: see LETTERS; one already sent is kept as sent"),
    "scheduling.LetterDocument": Treatment(
        _D.LEFT,
        _P.NOT_SENT,
        "goes with its letter: an unsent one's is deleted, a printed one's is kept as sent (KA-03)",
    ),
    "accounts.IdempotentAnswer": Treatment(_D.LEFT, _P.PURGED, "an answer kept for a day holds what was shown"),
    "accounts.AccessLogEntry": _FACT,
    "outbox.OutboxMessage": Treatment(_D.NOT_SENT, _P.NOT_SENT, "by topic: see TOPICS"),
    "flows.DeceasedCascade": _FACT,
    "flows.PatientMerge": _FACT,
}

# The work lists (Mitt arbetsflöde). Every row of a list is shown through the presenter.
LISTS = {
    "booking-requests": Treatment(_D.ENDS, _P.HIDDEN),
    "to-book": Treatment(_D.ENDS, _P.HIDDEN),
    "referrals": Treatment(_D.ENDS, _P.HIDDEN),
    "awaiting-result": Treatment(_D.ENDS, _P.HIDDEN),
    "missing-follow-up": Treatment(_D.ENDS, _P.HIDDEN),
    "no-shows": Treatment(_D.ENDS, _P.HIDDEN),
    "rebooking": Treatment(_D.ENDS, _P.HIDDEN),
    "open-invitations": Treatment(_D.ENDS, _P.HIDDEN),
    "awaiting-check-out": Treatment(_D.LEFT, _P.HIDDEN, "care that went on is ended by hand (AV-02)"),
    "coding": Treatment(_D.LEFT, _P.HIDDEN, "what has ended is coded, whoever it was"),
    "cancelled-not-ended": Treatment(_D.LEFT, _P.HIDDEN, "VH-12 forbids to annul it: ended by hand"),
    "broken-promises": Treatment(_D.ENDS, _P.HIDDEN),
    "list-faults": Treatment(_D.ENDS, _P.HIDDEN),
}

# What is told to others (sdv.outbox.models.Topic).
TOPICS = {
    "encounter-ended": Treatment(_D.ALLOWED, _P.NOTHING, "told to 1177 and NPÖ, not to the patient (VH-20)"),
    "encounter-changed": Treatment(_D.ALLOWED, _P.NOTHING, "as above"),
    "encounter-withdrawn": Treatment(_D.ALLOWED, _P.NOTHING, "as above"),
    "contacts-changed": Treatment(_D.ALLOWED, _P.NOTHING, "as above; it is what takes the protected away there"),
    "child-born": Treatment(_D.ALLOWED, _P.NOTHING, "told to Skatteverket, also of a child that died"),
    "child-born-withdrawn": Treatment(_D.ALLOWED, _P.NOTHING, "as above: what was told by mistake is taken back"),
    "appointment-cancelled": Treatment(_D.NOT_SENT, _P.NOT_SENT, "to the patient"),
    "appointment-reminder": Treatment(_D.NOT_SENT, _P.NOT_SENT, "to the patient, by SMS"),
    "letter-to-portal": Treatment(_D.NOT_SENT, _P.NOT_SENT, "to the patient, in 1177"),
}

# Letters (scheduling.models.LetterKind).
LETTERS = {
    "appointment": Treatment(_D.NOT_SENT, _P.NOT_SENT, "to the protected by mediation, without address"),
    "change": Treatment(_D.NOT_SENT, _P.NOT_SENT, "as above"),
    "cancellation": Treatment(_D.NOT_SENT, _P.NOT_SENT),
    "open_invitation": Treatment(_D.NOT_SENT, _P.NOT_SENT, "as above"),
    "referral_receipt": Treatment(_D.NOT_SENT, _P.NOT_SENT, "as above"),
    "waiting": Treatment(_D.NOT_SENT, _P.NOT_SENT, "as above"),
    "call_us": Treatment(_D.NOT_SENT, _P.NOT_SENT, "as above"),
    "to_relatives": Treatment(_D.ALLOWED, _P.NOT_SENT, "about the dead, to somebody near, with a reason"),
}


def unsent_to(table):
    """The names in TOPICS or LETTERS that do not go out when the patient has died."""
    return [name for name, treatment in table.items() if treatment.dead == Dead.NOT_SENT]


def our_models():
    return [model for model in apps.get_models() if model._meta.app_label in OUR_APPS]


def columns(among=None):
    """(model, column) of every column that means a patient: a reference to Patient, or an id kept as a plain UUID."""
    found = []
    for model in our_models() if among is None else among:
        for field in model._meta.get_fields():
            is_reference = isinstance(field, models.ForeignKey) and field.related_model is Patient
            is_plain = isinstance(field, models.UUIDField) and field.name == "patient_id"
            if is_reference or is_plain:
                found.append((model, field.attname))
    return found


def holders(among=None):
    """Tables that hold something of a patient: those with such a column, and those that tell who somebody is, by the
    change log that keeps no values of theirs, and hang on one of the first, as the relations of a vårdhändelse."""
    found = {model for model, _ in columns(among)}
    known = {model for model, _ in columns()}
    for model in our_models() if among is None else among:
        hangs = any(field.related_model in known for field in model._meta.concrete_fields)
        if hangs and _is_personal(model):
            found.add(model)
    return found


def _is_personal(model):
    return any(
        trigger.name == "log_update" and "NULL::jsonb" in trigger.func
        for trigger in getattr(model._meta, "triggers", [])
    )


def unregistered(among=None):
    """Labels of tables that hold something of a patient and have not said how they treat the dead and the protected."""
    return sorted({model._meta.label for model in holders(among)} - set(TABLES))
