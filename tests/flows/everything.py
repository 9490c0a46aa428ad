"""Every row of every table, to compare before and after: all but logs, histories, the cascade's and the merge's own
records, and versions, which only rise."""

from django.apps import apps
from django.db import models

from scheduling.models import SessionParticipant
from sdv.flows.consumers import our_models

NOT_COMPARED = {
    "common.ChangeLogEntry",
    "accounts.AccessLogEntry",
    "registration.EncounterHistory",
    "registration.PatientHistory",
    "scheduling.AppointmentHistory",
    # That a time was free for a while is a fact; whether it still is, is asked of what is booked.
    "scheduling.FreedTime",
    "flows.DeceasedCascade",
    "flows.CascadeChange",
    "flows.PatientMerge",
    "flows.MergeChange",
}


def tables():
    """The models, with those that Django makes for many-to-many."""
    ours = our_models()
    labels = {model._meta.app_label for model in ours}
    made = [model for model in apps.get_models(include_auto_created=True) if model._meta.auto_created]
    return [
        model
        for model in [*ours, *(model for model in made if model._meta.app_label in labels)]
        if model._meta.label not in NOT_COMPARED
    ]


def every_row():
    """(table, key) → the row's columns."""
    found = {}
    for model in tables():
        fields = [field.attname for field in model._meta.fields if field.attname != "version"]
        for row in models.QuerySet(model).order_by("pk").values(*fields):
            key = row[model._meta.pk.attname]
            if model is SessionParticipant:
                # A seat that is had again is the same whatever its key: whose, and which.
                key = row["appointment_id"]
                del row["id"]
            found[model._meta.label, key] = row
    return found


def differences(before, after):
    """What is there on one side alone, or differs, for a message that can be read."""
    return {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }
