"""An afternoon on the ward: two hundred patients through twelve beds by several clerks at once. No place is held twice,
nobody is in two places, every refusal is a rule's, and the vårddygn are those that the registered dates give (VH-09,
VH-23, ST-01, PL-27)."""

import itertools
import random
import threading
from collections import deque
from datetime import timedelta

import pytest
from django.db import connection

from classification.production import stay_days
from registration.actions import admissions, encounters, places, stays
from registration.models import Encounter, PlaceStay, WardStay
from registration.type_choice import DIRECT_ADMISSION, EMERGENCY_ARRIVAL
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.time import local_date
from sdv.flows import invariants
from tests import factories as make
from tests.clinic import NOW
from tests.races.together import numbers, together

CLERKS, PATIENTS, BEDS = 4, 200, 12

OVERLAPPING = """
SELECT count(*) FROM registration_placestay a JOIN registration_placestay b
ON a.id < b.id AND a.period && b.period AND (a.place_id = b.place_id OR a.encounter_id = b.encounter_id)
"""


class Afternoon:
    """The ward, the emergency department, and a clock that every act moves on: eight minutes for each, so that the
    afternoon goes on over several midnights."""

    def __init__(self):
        self.user = make.UserFactory()
        self.emergency = make.EmergencyDepartmentFactory()
        self.unit = make.InpatientUnitFactory()
        wards = [make.WardFactory(care_unit=self.unit, name=f"Avdelning {number}") for number in (1, 2)]
        self.beds = [
            make.PlaceFactory(care_unit=self.unit, ward=wards[number % 2], kind="bed", name=f"Säng {number:02d}")
            for number in range(BEDS)
        ]
        self.wards = wards
        self.waiting = deque(make.patient(identity=number).pk for number in numbers(PATIENTS))
        self.here = deque()
        self.ticks = itertools.count(1)
        self.lock = threading.Lock()
        self.faults = []

    def now(self):
        with self.lock:
            return NOW + next(self.ticks) * timedelta(minutes=8)

    def work(self, seed):
        """One clerk, until nobody waits and nobody is left."""
        chance = random.Random(seed)
        while True:
            with self.lock:
                patient = self.waiting.popleft() if self.waiting and len(self.here) < BEDS + 3 else None
                stay = self.here.popleft() if patient is None and self.here else None
                if patient is None and stay is None and not self.waiting:
                    return
            try:
                if patient is not None:
                    self.admit(chance, patient)
                elif stay is not None:
                    self.care_for(chance, stay)
            except (InputError, StaleVersion) as error:
                self.faults.append(error)

    def admit(self, chance, patient):
        """Directly or over the emergency department, to a bed that is perhaps just being taken: then without one."""
        bed = chance.choice(self.beds).pk
        if chance.random() < 0.5:
            visit = encounters.register_unbooked(
                patient_id=patient, care_unit=self.emergency, situation=EMERGENCY_ARRIVAL, by=self.user, at=self.now()
            )

            def begin(place_id):
                return admissions.continue_at(
                    encounter_id=visit.pk,
                    care_unit=self.unit,
                    admitted_from="home",
                    place_id=place_id,
                    by=self.user,
                    at=self.now(),
                )
        else:

            def begin(place_id):
                return admissions.begin(
                    patient_id=patient,
                    care_unit=self.unit,
                    situation=DIRECT_ADMISSION,
                    admitted_from="home",
                    place_id=place_id,
                    by=self.user,
                    at=self.now(),
                )

        try:
            stay = begin(bed)
        except RuleError as refused:
            assert refused.rule == "VH-09", refused
            stay = begin(None)
        self.here.append(stay.pk)

    def care_for(self, chance, stay):
        """A bed, another ward, permission and back, or home."""
        act = chance.choice(["move", "move", "ward", "leave", "home", "home"])
        try:
            if act == "move":
                places.assign(encounter_id=stay, place_id=chance.choice(self.beds).pk, by=self.user, at=self.now())
            elif act == "ward":
                stays.transfer(encounter_id=stay, ward_id=chance.choice(self.wards).pk, by=self.user, at=self.now())
            elif act == "leave":
                stays.leave(encounter_id=stay, by=self.user, at=self.now())
                stays.come_back(encounter_id=stay, by=self.user, at=self.now())
            else:
                encounters.discharge(encounter_id=stay, discharged_to="home", by=self.user, at=self.now())
                return
        except RuleError as refused:
            assert refused.rule == "VH-09", refused
        self.here.append(stay)


@pytest.mark.django_db(transaction=True)
def test_an_afternoon_on_the_ward():
    """VH-09: no place held twice, whoever presses first; ST-01: every vårddygn accounted for."""
    afternoon = Afternoon()
    answers = together(
        *[lambda seed=seed: afternoon.work(seed) for seed in range(CLERKS)], longest_wait=timedelta(seconds=20)
    )
    assert answers == [None] * CLERKS
    assert afternoon.faults == []
    rows = Encounter.objects.filter(type="slutenvard")
    assert rows.count() == PATIENTS
    assert set(rows.values_list("status", flat=True)) == {"ended"}
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPPING)
        assert cursor.fetchone() == (0,)
    assert not PlaceStay.objects.filter(period__upper_inf=True).exists()
    assert not WardStay.objects.filter(period__upper_inf=True).exists()
    registered = sum(stay_days(local_date(row.start), local_date(row.end)) for row in rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum((\"end\" AT TIME ZONE 'Europe/Stockholm')::date - (start AT TIME ZONE 'Europe/Stockholm')::date)"
            " FROM registration_encounter WHERE type_id = 'slutenvard'"
        )
        assert cursor.fetchone()[0] == registered
    assert registered > 0
    at = NOW + timedelta(days=30)
    broken = {each.name: each.rows(at).count() for each in invariants.INVARIANTS if not each.is_work}
    assert {name: count for name, count in broken.items() if count} == {}
