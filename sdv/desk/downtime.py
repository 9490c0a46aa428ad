"""Reservlistor: what a unit needs when the system is away, as pages that any browser opens from a folder (PL-15).

One page for each unit: today's and tomorrow's visits, who lies where, who is at the emergency department, who is
expected, with empty columns to write in. What was written is entered afterwards with its true times. A protected person
stands there by the marking and the vårdhändelse's number alone: paper is read by whoever passes (SK-05, PL-17). Who
stands on a page is in the access log before the page is there: once for a patient, unit and day [reading]."""

import os
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Prefetch
from django.template.loader import render_to_string

from registration import identities, presenters
from registration.lifecycle import ADMISSION_BOOKED, EMERGENCY, HOLDS_A_PLACE, ONGOING_TREATMENT, Status
from registration.models import Patient, PlaceStay
from sdv.accounts.access import log_job
from sdv.common.time import local, local_date, start_of_day
from sdv.organisation.models import CareUnit

INDEX, STYLE = "index.html", "reservlista.css"
WHAT, PURPOSE = "reservlista", "Reservlista vid driftstopp"
# Readable without the system's own files; kept beside the pages.
SHEET = """@page { size: A4 landscape; margin: 12mm; }
body { font-family: sans-serif; font-size: 10.5pt; margin: 1rem; color: black; background: white; }
h1 { font-size: 16pt; margin: 0 0 .25rem; } h2 { font-size: 13pt; margin: 1.25rem 0 .25rem; break-after: avoid; }
table { border-collapse: collapse; width: 100%; } tr { break-inside: avoid; }
th, td { border: 1px solid gray; text-align: left; padding: .25rem .4rem; vertical-align: top; }
th.write { width: 9rem; } .number { white-space: nowrap; }
"""


def folder():
    """Where the lists are written (SDV_DOWNTIME_FOLDER)."""
    return Path(settings.SDV_DOWNTIME_FOLDER)


def write(*, at, dry_run=False):
    """Writes every unit's page and an index. What was there of units that are no more is taken away. Returns how many
    pages were written, and how many patients stand on them."""
    units = list(CareUnit.objects.valid_on(local_date(at)).order_by("name"))
    shown = [(unit, contents(unit, at=at)) for unit in units]
    on_pages = {(unit.pk, patient) for unit, page in shown for patient in page["patients"]}
    if dry_run:
        return len(units), len(on_pages)
    log_job(job="reservlistor", name="Reservlistor (jobb)", shown=on_pages, what=WHAT, purpose=PURPOSE, at=at)
    place = folder()
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = {STYLE, INDEX}
    _put(place / STYLE, SHEET)
    pages = []
    for unit, page in shown:
        name = f"{unit.pk}.html"
        _put(place / name, render_to_string("downtime/unit.html", page))
        written.add(name)
        pages.append((unit.name, name, len(page["patients"])))
    _put(place / INDEX, render_to_string("downtime/index.html", {"pages": pages, "made_at": _stamp(at)}))
    for left in place.glob("*.html"):
        if left.name not in written:
            left.unlink()
    return len(units), len(on_pages)


def _put(path, text):
    """Beside and renamed, so that nobody prints half a page; readable by its owner alone."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def contents(unit, *, at):
    """What the unit's page shows."""
    today = local_date(at)
    days = [(day.isoformat(), _visits(unit, day)) for day in (today, today + timedelta(days=1))]
    here = list(
        unit.encounters.in_progress()
        .filter(type__in=[*HOLDS_A_PLACE, EMERGENCY, ONGOING_TREATMENT])
        .select_related("type", "contact_reason")
        .prefetch_related(
            _patients(),
            Prefetch("place_stays", PlaceStay.objects.going_on().select_related("place"), to_attr="present_places"),
        )
        .order_by("start", "id")
    )
    by_place = {stay.place_id: row for row in here for stay in row.present_places}
    places = unit.places.valid_on(today).holdable().order_by("name")
    beds = [(place.name, _lies(by_place[place.pk]) if place.pk in by_place else None) for place in places]
    without = [_lies(row) for row in here if not row.present_places]
    expected = [_expected(row) for row in _planned(unit, at)]
    lines = [*(row for _, rows in days for row in rows), *(row for _, row in beds if row), *without, *expected]
    return {
        "unit": unit.name,
        "made_at": _stamp(at),
        "days": days,
        "beds": beds,
        "without": without,
        "expected": expected,
        "patients": {row["patient"] for row in lines},
    }


def _patients():
    return Prefetch("patient", Patient.objects.with_primary_identity())


def _visits(unit, day):
    """The day's bookings that stand, with whom they are."""
    begins, ends = start_of_day(day), start_of_day(day + timedelta(days=1))
    rows = unit.appointments.living().filter(start__gte=begins, start__lt=ends)
    rows = rows.select_related("encounter__visit_type").prefetch_related(_patients(), "resources")
    return [
        {
            "time": f"{local(row.start):%H:%M}–{local(row.end):%H:%M}",
            **_who(row.patient, row.encounter),
            "visit": row.encounter.visit_type.name if row.encounter.visit_type else "",
            "with": ", ".join(resource.name for resource in row.resources.all()),
            "status": row.get_status_display(),
        }
        for row in rows.order_by("start", "id")
    ]


def _planned(unit, at):
    until = start_of_day(local_date(at) + timedelta(days=2))
    rows = unit.encounters.filter(
        type=ADMISSION_BOOKED, status=Status.PLANNED, cancelled_at__isnull=True, planned_start__lt=until
    )
    return rows.prefetch_related(_patients()).order_by("planned_start", "id")


def _who(patient, encounter):
    shown = {"patient": patient.pk, "name": presenters.shown_name(patient)}
    if patient.is_protected:
        return shown | {"identity": f"vårdhändelse {encounter.number}"}
    primary = next((row for row in presenters.identities_of(patient) if row.is_primary), None)
    return shown | {"identity": identities.display(primary.kind, primary.value) if primary else ""}


def _lies(encounter):
    expected = encounter.expected_discharge_on
    return {
        **_who(encounter.patient, encounter),
        "since": _stamp(encounter.start),
        "type": encounter.type.name,
        "expected": expected.isoformat() if expected else "",
    }


def _expected(encounter):
    return {**_who(encounter.patient, encounter), "since": _stamp(encounter.planned_start)}


def _stamp(moment):
    return local(moment).strftime("%Y-%m-%d %H:%M")
