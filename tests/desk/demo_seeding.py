"""Seeding at a given moment, and what a live day is: shared by the demo's tests."""

from collections import defaultdict
from io import StringIO

import time_machine
from django.core.management import call_command

from registration.models import Encounter
from scheduling.models import Appointment
from sdv.common.time import local_date
from sdv.desk.demo import region
from sdv.flows import invariants


def seed(at, patients=220, contacts=100):
    out = StringIO()
    with time_machine.travel(at, tick=False):
        call_command("load_codes", stdout=StringIO())
        call_command("seed_demo", patienter=patients, kontakter=contacts, stdout=out)
    return out.getvalue()


def assert_alive(at):
    states = defaultdict(set)
    today = Appointment.objects.on_day(local_date(at)).select_related("care_unit", "encounter")
    for appointment in today:
        is_arrived = appointment.status == "arrived"
        states[appointment.care_unit.name].add(appointment.encounter.status if is_arrived else appointment.status)
    booked = {plan.name for plan in region.UNITS if plan.key in region.BOOKED_UNITS}
    assert set(states) == booked
    for unit, found in states.items():
        assert found == {"booked", "in_progress", "checked_out", "no_show", "cancelled"}, unit
    for key in ("akut", "avdelning"):
        name = next(plan.name for plan in region.UNITS if plan.key == key)
        assert Encounter.objects.in_progress().filter(care_unit__name=name).exists()
    broken = {invariant.name: invariant.rows(at).count() for invariant in invariants.INVARIANTS}
    assert set(broken.values()) == {0}, broken
