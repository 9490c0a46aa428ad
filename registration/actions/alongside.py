"""What else there is of the patient's when a contact begins, ends or is opened again: visits of the same day, care that
engages a consult, where the patient lies already, what the care went on as (DI-06, VH-01, VH-09, VH-10, PL-13, PL-27).
Inner questions of the actions, asked with the patient locked."""

from registration import distance_contacts, lifecycle, stay_rules
from registration.encounter_types import TYPES
from registration.lifecycle import LIES, ONCE_AT_A_TIME, Move, Status
from registration.models import Encounter
from sdv.common.errors import RuleError
from sdv.common.time import local, local_date

from . import holdings


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


def refuse_impossible(patient, start, expected_discharge_on):
    """VH-23: what cannot be in time when a contact begins."""
    if refused := stay_rules.beginning_refusal(start, patient.birth_date, expected_discharge_on):
        raise refused


def refuse_two_at_once(patient, care_unit, type_code, *, start=None, accept_warnings=(), reason="", apart_from=None):
    """VH-09, PL-06: a patient lies in one place, whichever doors two people stand at; the second is told who was first
    (PL-27). `start`: of one that begins now or is registered afterwards, which does not begin inside another's time."""
    if type_code not in ONCE_AT_A_TIME:
        return
    others = Encounter.objects.filter(patient=patient, type__in=ONCE_AT_A_TIME).exclude(pk=apart_from)
    others = others.select_related("care_unit", "type").order_by("start", "id")
    judged = [(each, stay_rules.two_at_once(type_code, care_unit.pk, each)) for each in others.in_progress()]
    for other, refused in sorted(judged, key=lambda each: each[1].is_warning):
        if not (refused.is_warning and refused.rule in accept_warnings and reason.strip()):
            raise _told_who_began(refused, other)
    if start is not None and type_code in LIES:
        then = others.filter(type__in=LIES, status=Status.ENDED, start__lte=start, end__gt=start).first()
        if then is not None:
            raise stay_rules.lay_there_then(then)


def refuse_reopening(encounter, patient, reason):
    """PL-13, VH-01, VH-09: what goes on in another vårdhändelse is not opened beside it, nor is a second stay."""
    if encounter.status != Status.ENDED:
        return
    after = _continued(encounter).in_progress().first()
    if after is not None:
        raise _told_who_began(stay_rules.goes_on(after.care_unit.short_name, after.start), after)
    refuse_two_at_once(
        patient,
        encounter.care_unit,
        encounter.type_id,
        accept_warnings=["PL-06"],
        reason=reason,
        apart_from=encounter.pk,
    )


def refuse_end(encounter, at, *, ways, broken_off):
    """VH-16, VH-23: what a discharge tells agrees with what is known, and its time with what has happened here and
    elsewhere."""
    death = {"died_on": encounter.patient.deceased_on, "on": local_date(at)}
    refused = (
        stay_rules.discharge_refusal(encounter.type_id, **ways, **death)
        or stay_rules.broken_off_refusal(encounter.type_id, broken_off, assessed_at=encounter.assessed_at)
        or stay_rules.end_refusal(at, holdings.happened(encounter))
    )
    if refused:
        raise refused
    _refuse_end_after_going_on(encounter, at)


def _refuse_end_after_going_on(encounter, at):
    """VH-01, VH-09: care that has gone on elsewhere did not end later than that, nor a stay after the next one began."""
    after = _continued(encounter).filter(start__lt=at).first()
    if after is None and encounter.type_id in LIES:
        later = Encounter.objects.filter(patient=encounter.patient_id, type__in=LIES).exclude(pk=encounter.pk)
        later = later.filter(start__gt=encounter.start, start__lt=at).select_related("care_unit")
        after = later.order_by("start", "id").first()
    if after is not None:
        raise stay_rules.went_on(after.care_unit.short_name, after.start)


def _continued(encounter):
    rows = Encounter.objects.filter(continues=encounter).exclude(type=lifecycle.ANNULLED)
    return rows.select_related("care_unit").order_by("start", "id")


def _told_who_began(refused, encounter):
    """PL-27: who registered it, and when."""
    began = encounter.history.filter(move__in=[Move.CREATE, Move.ARRIVE]).select_related("by").order_by("-id").first()
    return refused.told(began.by, began.registered_at) if began else refused
