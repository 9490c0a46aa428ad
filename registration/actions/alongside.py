"""What else there is of the patient's when a contact begins: visits of the same day, and care that engages a consult
(DI-06, VH-10)."""

from registration import distance_contacts, lifecycle
from registration.encounter_types import TYPES
from registration.models import Encounter
from sdv.common.errors import RuleError
from sdv.common.time import local, local_date


def warn_of_triage(patient, care_unit, contact_form, replaces_visit, start):
    """DI-06: the patient has a visit the same day at the same unit."""
    visits = care_unit.encounters.on_day(local_date(start)).filter(patient=patient, contact_form="physical")
    visits = visits.exclude(type__in=[lifecycle.ANNULLED, lifecycle.NO_SHOW_TYPE])
    if warning := distance_contacts.triage_warning(
        contact_form=contact_form,
        replaces_visit=replaces_visit,
        visits_today=[local(moment) for moment in visits.values_list("start", flat=True)],
    ):
        raise warning


def engaging(patient, during_id):
    """The patient's ongoing vårdhändelse that engages another speciality (VH-10), locked."""
    ongoing = Encounter.objects.filter(pk=during_id, patient=patient).locked().first()
    if ongoing is None:
        raise RuleError(
            "VH-10",
            "En öppenvårdskonsult hör till en pågående vårdhändelse för patienten. Öppna den pågående och skapa konsulten därifrån.",
            code="nothing_ongoing",
        )
    if refused := lifecycle.going_on_refusal(TYPES[ongoing.type_id], ongoing.status):
        raise refused
    return ongoing
