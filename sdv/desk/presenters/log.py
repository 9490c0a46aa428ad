"""Who has read and changed a patient, as it is shown to those who review logs, and to the patient (PDL)."""

from dataclasses import dataclass

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q

from registration.models import (
    Patient,
    PatientAddress,
    PatientHistory,
    PatientIdentity,
    PatientPhone,
    PatientRelation,
    PatientSearchKey,
)
from sdv.accounts.models import AccessAction, AccessLogEntry, User
from sdv.accounts.permissions import Role
from sdv.common.models import ChangeLogEntry
from sdv.organisation.models import CareUnit

# Whose rows say something of the patient; of a row that is gone the patient's history tells.
CHANGED = (PatientIdentity, PatientPhone, PatientAddress, PatientSearchKey, PatientRelation)
TABLES = {model._meta.db_table: model for model in (Patient, *CHANGED)}
OPERATIONS = {"insert": "Tillagd", "update": "Ändrad", "delete": "Borttagen"}

# Words for the events of a patient's own history.
EVENTS = {
    "registered": "Registrerad",
    "edited": "Uppgifter ändrade",
    "reserve_decided": "Reservnummer efter verksamhetschefens beslut",
    "register_told": "Uppgifter från folkbokföringen",
    "merged_away": "Sammanslagen med den nuvarande posten",
    "merged_here": "En post på reservnummer sammanslagen hit",
    "portal_told": "Uppgifter från 1177",
    "portal_withdrawn": "Uppgifter från 1177 borttagna: samtycket finns inte längre",
    "merge_undone": "Sammanslagning ångrad",
    "guardians_told": "Vårdnadshavare från folkbokföringen",
    "guardians_of_age": "Vårdnadshavare borttagna: patienten har fyllt 18",
    "guardian_edited": "Vårdnadshavare ändrad",
    "contact_added": "Kontaktperson tillagd",
    "contact_edited": "Kontaktperson ändrad",
    "contact_removed": "Kontaktperson borttagen",
    "deceased": "Registrerad som avliden",
    "deceased_date": "Dödsdatum ändrat",
    "deceased_withdrawn": "Folkbokföringen tog tillbaka dödsfallet",
    "deceased_undone": "Avliden ångrad",
    "protected": "Skyddade personuppgifter satta",
    "protection_lifted": "Skyddade personuppgifter hävda",
}

# What was shown, in words for somebody who does not work in care. What has no words of its own stands as it is.
PLAIN = {
    **dict.fromkeys(("patientsida", "patient", "patient ändrad", "patientuppgifter"), "dina personuppgifter"),
    **dict.fromkeys(("sökträff", "sökning"), "en sökning där du fanns bland svaren"),
    "patient ur folkbokföringen": "dina uppgifter i folkbokföringen",
    "skyddade personuppgifter": "skyddet för dina uppgifter",
    "kontaktväg": "hur man når den som har skyddade personuppgifter",
    "kontaktväg visad": "hur man når den som har skyddade personuppgifter",
    "avliden": "uppgift om dödsfall",
    "remiss": "en remiss om dig",
    "remisser": "remisser om dig",
    "ordination": "något som ordinerats åt dig",
    "ordinationer": "vad som ordinerats åt dig",
    "brev": "brev till dig",
    "bokning": "en tid för dig",
    "avbokning": "en tid för dig",
    "ombokning": "en tid för dig",
    "oplanerad kontakt": "ett besök utan bokad tid",
    "kontaktförsök": "försök att nå dig",
    "arbetslista": "enhetens lista över vad som ska göras",
    "lista: bokningsbegäran": "enhetens lista över tider som ska bokas",
    "lista: klassificering": "enhetens lista över besök som ska få koder",
    "trolig dubblett": "en jämförelse när någon annan med liknande uppgifter registrerades",
    "dagens besök": "enhetens lista över dagens besök",
    "akuten": "akutmottagningens lista över vilka som är där",
    "platser": "enhetens lista över vilka som ligger där",
    "reservlista": "enhetens lista på papper, för när systemet inte går att nå",
    "medverkande": "vilka som var med vid ett av dina besök",
    "realtidsregistrering": "vad som är registrerat om ett av dina besök",
    "vårdhändelser": "dina besök och kontakter",
    "vårdhändelse": "ett av dina besök",
    "vårdhändelsens förlopp": "vad som hänt i ett av dina besök",
    "vårdåtaganden": "vad enheten har åtagit sig att göra för dig",
    "bokningar": "dina bokade tider",
    "bokningsbegäran": "en tid som ska bokas åt dig",
    "klassificering": "koder för ett av dina besök",
    "relationer": "dina närstående",
    "identiteter": "dina person- och reservnummer",
    "uppgifter i 1177": "dina uppgifter i 1177",
    "telefonnummer": "dina telefonnummer",
    "adresser": "dina adresser",
    "åtkomstlogg": "förteckningen över vem som läst om dig",
    "loggutdrag": "ett utdrag som det här",
    "skyddad patient öppnad": "dina uppgifter, öppnade med angivet skäl",
}
DONE = {
    AccessAction.READ: "Läste",
    AccessAction.WRITE: "Ändrade",
    AccessAction.PRINT: "Skrev ut",
    AccessAction.EMERGENCY: "Öppnade",
}
NO_NAME = "Namnet lämnas inte ut"


@dataclass(frozen=True)
class Event:
    """A line of the patient's history, or a changed row of the patient's data."""

    at: object
    by: str
    what: str
    detail: str


@dataclass(frozen=True)
class Line:
    """A line of the extract for the patient."""

    at: object
    who: str
    role: str
    unit: str
    what: str
    why: str


def choices_of(records):
    """What the log can be filtered by: those who have read, their units, and what was shown; three queries."""
    rows = AccessLogEntry.objects.filter(patient_id__in=records)
    users = User.objects.filter(pk__in=rows.values("user")).order_by("name", "pk")
    units = CareUnit.objects.filter(pk__in=rows.values("care_unit")).order_by("name")
    return {
        "user": [(str(user.pk), user.name) for user in users],
        "care_unit": [(str(unit.pk), unit.name) for unit in units],
        "what": [(what, what) for what in rows.order_by("what").values_list("what", flat=True).distinct()],
    }


def history_of(records, *, most):
    """What was done with the record as such, and with those merged into it; undo entries too, newest first."""
    rows = PatientHistory.objects.filter(patient__in=records).select_related("by").order_by("-id")
    return [
        Event(row.at, row.by.name if row.by else "", EVENTS.get(row.event, row.event), row.detail)
        for row in rows[:most]
    ]


def changes_of(records, *, most):
    """The change log of the patient's rows: which fields, never their values (SK-02). What changed nothing but a version is
    left out."""
    own = Q(table_name=Patient._meta.db_table, row_id__in=[str(pk) for pk in records])
    for model in CHANGED:
        ids = [str(pk) for pk in model.objects.filter(patient__in=records).values_list("pk", flat=True)]
        own |= Q(table_name=model._meta.db_table, row_id__in=ids)
    rows = list(ChangeLogEntry.objects.filter(own).order_by("-id")[:most])
    people = {user.pk: user.name for user in User.objects.filter(pk__in={row.actor_id for row in rows})}
    changes = [(row.operation, _change(row, people)) for row in rows]
    return [change for operation, change in changes if change.detail or operation != "update"]


def _change(row, people):
    model = TABLES[row.table_name]
    what = f"{OPERATIONS.get(row.operation, row.operation)}: {model._meta.verbose_name}"
    return Event(row.at, people.get(row.actor_id, ""), what, ", ".join(_words(model, row.changed or {})))


def _words(model, columns):
    for column in sorted(columns):
        try:
            field = model._meta.get_field(column.removesuffix("_id"))
        except FieldDoesNotExist:
            continue
        if getattr(field, "editable", True):
            yield str(field.verbose_name)


def lines_for_patient(rows):
    """The register of who has read, in words for the patient. Staff with protected data are told by role and unit."""
    return [
        Line(
            at=row.at,
            who=NO_NAME if row.user.has_protected_data else row.user.name,
            role=Role(row.assignment.role).label if row.assignment else "Uppdrag saknas",
            unit=row.care_unit.name if row.care_unit else "",
            what=f"{DONE.get(row.action, row.get_action_display())} {PLAIN.get(row.what, row.what)}",
            why=row.purpose,
        )
        for row in rows
    ]
