"""What else there is of the patient's when a contact begins, ends or is opened again: visits of the same day, care that
engages a consult, what the care went on as (DI-06, VH-01, VH-10, PL-13)."""

from registration import distance_contacts, lifecycle, stay_rules
from registration.encounter_types import TYPES
from registration.lifecycle import Move
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


def refuse_if_it_goes_on(encounter):
    """PL-13, VH-01: what goes on in another vårdhändelse is not opened beside it."""
    after = _continued(encounter).in_progress().first()
    if after is not None:
        raise _told_who_began(stay_rules.goes_on(after.care_unit.short_name, after.start), after)


def refuse_end_after_going_on(encounter, at):
    """VH-01: care that has gone on elsewhere did not end later than that."""
    after = _continued(encounter).filter(start__lt=at).first()
    if after is not None:
        raise stay_rules.went_on(after.care_unit.short_name, after.start)


def _continued(encounter):
    rows = Encounter.objects.filter(continues=encounter).exclude(type=lifecycle.ANNULLED)
    return rows.select_related("care_unit").order_by("start", "id")


def _told_who_began(refused, encounter):
    """PL-27: who registered it, and when."""
    began = encounter.history.filter(move__in=[Move.CREATE, Move.ARRIVE]).select_related("by").order_by("-id").first()
    return refused.told(began.by, began.registered_at) if began else refused
