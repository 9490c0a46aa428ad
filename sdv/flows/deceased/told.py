"""The register's word of a death, and corrections of its date (AV-01, PA-05).

The register's date is the one that holds, except where it knows less than what was registered by hand and agrees with
it. A death that the register takes back is never undone by itself: support decides, with the register's word before
them. What support has undone is not marked again by the same word."""

import re
from calendar import monthrange
from datetime import date

from django.db import transaction
from django.db.models import F

from registration.models import CareCommitment, CommitmentStatus, Patient, PatientHistory
from sdv.common.errors import InputError, RuleError
from sdv.common.time import local_date
from sdv.common.versions import refuse_stale

from ..models import DeceasedCascade
from . import cascade as cascades
from .changes import REASON
from .consumers import COMMITMENTS

TOLD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
WHOLE = len("2026-10-29")


def last_possible_day(told, *, today):
    """The last day on which somebody can have died, of a date as far as it is known: 2026-10 is 31 October, or today
    before that day has come. What is after that day is certainly after the death."""
    found = TOLD.fullmatch(told)
    try:
        year, month, day = (int(part) if part else None for part in found.groups())
        last = date(year, month or 12, day or monthrange(year, month or 12)[1])
    except (AttributeError, ValueError):
        raise InputError(date="Skriv dödsdatum som ÅÅÅÅ, ÅÅÅÅ-MM eller ÅÅÅÅ-MM-DD.") from None
    return last if day else min(last, max(today, date(year, month or 1, 1)))


@transaction.atomic
def told_by_register(*, patient_id, died_on, at, was_found=False, by=None):
    """What the register says of the patient's death: `died_on` as far as it is known, or empty where it tells of none;
    `was_found`: on that day the person was found dead. Returns the DeceasedCascade that it concerns, or None. The
    cascade is run by the job (AV-02)."""
    patient = Patient.objects.lock_present(patient_id)
    living = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True).locked().first()
    if not died_on:
        return _taken_back(living, patient, at=at, by=by)
    if living is None:
        return _told_first(patient, died_on, was_found, at=at, by=by)
    if died_on == living.register_told:
        if living.register_withdrew_at:
            living.register_withdrew_at = None
            living.save(update_fields=["register_withdrew_at"])
        return living
    living.register_told, living.register_told_at, living.register_withdrew_at = died_on, at, None
    living.save(update_fields=["register_told", "register_told_at", "register_withdrew_at"])
    if patient.deceased_on.isoformat().startswith(died_on) and not patient.deceased_partial:
        return living
    _move(living, patient, died_on, was_found, by=by, at=at, why="enligt registret")
    living.run_at = None
    living.save(update_fields=["run_at"])
    return living


def _told_first(patient, died_on, was_found, *, at, by):
    undone = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=False).order_by("-id").first()
    if undone and undone.register_told == died_on:
        return None
    cascade = cascades.mark(
        patient_id=patient.pk,
        deceased_on=last_possible_day(died_on, today=local_date(at)),
        by=by,
        at=at,
        source="pu",
        partial=_partial(died_on),
        was_found=was_found,
    )
    cascade.register_told, cascade.register_told_at = died_on, at
    cascade.save(update_fields=["register_told", "register_told_at"])
    return cascade


def _taken_back(living, patient, *, at, by):
    """The register tells of no death. Where it never did, it is late, and what was set by hand stands."""
    if living is None or not living.register_told or living.register_withdrew_at:
        return living
    living.register_withdrew_at = at
    living.save(update_fields=["register_withdrew_at"])
    PatientHistory.objects.create(patient=patient, event="deceased_withdrawn", by=by, at=at)
    return living


@transaction.atomic
def correct_date(*, patient_id, died_on, reason, by, at, version=None):
    """Corrects a date that was registered by hand, as far as it is known, with the reason. The register's whole date is
    locked (PA-05). What the new date ends is ended in the same transaction (AV-02)."""
    patient = Patient.objects.lock_present(patient_id)
    refuse_stale(patient, version)
    living = DeceasedCascade.objects.filter(patient=patient, undone_at__isnull=True).locked().first()
    if living is None:
        raise RuleError("AV-01", "Patienten är inte registrerad som avliden.", code="not_deceased")
    if not (reason or "").strip():
        raise RuleError("AV-01", "Ange varför datumet rättas.", code="reason_missing", needs_reason=True)
    if len(living.register_told) == WHOLE and not living.register_withdrew_at:
        raise RuleError(
            "PA-05",
            "Dödsdatumet kommer från folkbokföringen och kan inte ändras här. Anmäl felet till Skatteverket.",
            code="locked_field",
        )
    _move(living, patient, died_on, was_found=False, by=by, at=at, why=reason)
    cascades.run(living, by=by, at=at)
    return living


def _move(cascade, patient, died_on, was_found, *, by, at, why):
    """Writes the new date, also on the vårdåtaganden that this cascade closed and nobody has touched since."""
    day = last_possible_day(died_on, today=local_date(at))
    if refused := cascades.date_refusal(day, birth_date=patient.birth_date, today=local_date(at)):
        raise refused
    before = patient.deceased_partial or patient.deceased_on.isoformat()
    registered_at = patient.deceased_registered_at
    cascades.set_death(patient, deceased_on=day, partial=_partial(died_on), was_found=was_found, at=registered_at)
    cascade.deceased_on = day
    cascade.save(update_fields=["deceased_on"])
    closed = cascade.changes.filter(consumer=COMMITMENTS.name).values("row_id")
    ours = {"pk__in": closed, "status": CommitmentStatus.CLOSED, "close_reason": REASON}
    for row in CareCommitment.objects.filter(**ours).locked():
        CareCommitment.objects.filter(pk=row.pk).update(closed_on=max(day, row.opened_on), version=F("version") + 1)
    detail = f"Avliden {died_on}, tidigare {before}: {why}"[:300]
    PatientHistory.objects.create(patient=patient, event="deceased_date", detail=detail, by=by, at=at)


def _partial(died_on):
    return "" if len(died_on) == WHOLE else died_on
