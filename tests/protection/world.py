"""The world of the leak walk, and the ways through it."""

import json

from django.db import transaction
from django.test import Client
from django.urls import reverse

from registration.actions import births
from registration.models import Patient
from registration.type_choice import OBSERVATION_PLACE
from scheduling.actions import letters
from sdv.accounts import tokens
from sdv.accounts.administration import site
from sdv.accounts.permissions import Role
from sdv.desk.demo.identities import personnummer
from sdv.flows import protection
from tests import factories
from tests.clinic import NOW, Clinic
from tests.registers import connected
from tests.test_permissions import (
    ADMINISTRATION,
    ANONYMOUS,
    ENDPOINTS,
    PAGES,
    api_path,
    clinic_with_everything,
    may,
    of,
    path_of,
    session_of,
)

from .canaries import TOLD, Canaries, fill, one_of_each, read

ELSEWHERE = "receptionist elsewhere"


class World:
    """A clinic whose patients are full of canaries, and everybody who may ask."""

    def __init__(self):
        self.here = clinic_with_everything("Ortopedmottagningen", iter(personnummer()))
        self.clinic = self.here.clinic
        self.canaries = Canaries()
        self._decide_letters()
        for patient in Patient.objects.all():
            one_of_each(patient, self.clinic.nurse)
        fill(self.canaries)
        self.child = self._child_of(self.here.patient.pk)
        users = {role: self.clinic.staff(role, username=f"prov-{role}") for role in Role}
        users[ELSEWHERE] = Clinic(name="Kirurgmottagningen").staff(username="annan")
        self.sessions = {actor: session_of(user) for actor, user in users.items()} | {ANONYMOUS: {}}
        self.keys = {actor: tokens.create(user=user) for actor, user in users.items()}

    def _decide_letters(self):
        """One letter printed, one stopped, one that waits."""
        written = {
            "patient_id": self.here.letter.patient_id,
            "care_unit": self.clinic.unit,
            "name": "x",
            "address": "x",
        }
        written |= {"heading": "x", "body": "x", "reason": "x", "by": self.clinic.nurse, "at": NOW}
        printed, stopped = (letters.write_to_relatives(**written) for _ in range(2))
        letters.confirm_printed(letter_id=printed.pk, by=self.clinic.nurse, at=NOW)
        letters.stop(letter_id=stopped.pk, reason="x", by=self.clinic.nurse, at=NOW)

    def _child_of(self, mother_id):
        """A child on its way, named after a mother who is marked later on: nobody is to find her by it. The child itself
        has no protection."""
        mother, unit = Patient.objects.get(pk=mother_id), factories.MaternityUnitFactory()
        stay = factories.unbooked_visit(care_unit=unit, patient=mother, situation=OBSERVATION_PLACE, at=NOW)
        with connected():
            (birth,) = births.prepare(
                mother_encounter_id=stay.pk, by=self.clinic.nurse, at=NOW, actor_hsa_id="SE0000000000-U1"
            )
        child = birth.encounter.patient
        assert self.canaries.met_in(child.surname) == {"registration.Patient.surname"}
        return child

    def client(self, actor):
        client = Client()
        client.cookies.update(self.sessions[actor])
        return client

    def page(self, actor, method, path, data=None):
        """The answer as text; what the request did is undone."""
        client = self.client(actor)
        with transaction.atomic():
            text = read((client.post if method == "POST" else client.get)(path, data or {}))
            transaction.set_rollback(True)
        return text

    def call(self, actor, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.keys[actor]}"}
        content = b"" if method in ("GET", "DELETE") else json.dumps(body or {}).encode()
        with transaction.atomic():
            text = read(Client().generic(method, path, content, "application/json", headers=headers))
            transaction.set_rollback(True)
        return text

    def mark(self):
        """The marking alone, with everything still there: what is hidden now is hidden by the presenter."""
        Patient.objects.update(protection="sekretessmarkering")

    def protect(self):
        """The real thing, for each; a child named after a protected mother is not protected itself."""
        for patient in Patient.objects.filter(merged_into=None, protection="").exclude(pk=self.child.pk):
            protection.set_by_hand(patient_id=patient.pk, ground="threat", by=self.clinic.nurse, at=NOW)

    def leaks(self, walked):
        """ "where: fields" of each text with a canary that SK-02 does not leave."""
        found = {where: self.canaries.met_in(text) - TOLD.keys() for where, text in walked}
        return [f"{where}: {', '.join(sorted(labels))}" for where, labels in found.items() if labels]

    def value_of(self, label):
        """The canaries of a field."""
        return [token for token, of_label in self.canaries.field_of.items() if of_label == label]


# --- Where there is anything to see -----------------------------------------------------------------------------------


def actors(needed):
    """Everybody who may, and one who may not: a refusal tells nothing either."""
    return [role for role in Role if may(role, needed)], [role for role in Role if not may(role, needed)][:1]


def pages(world, *, everybody):
    for name, page in PAGES.items():
        path = path_of(name, world.here)
        for method, needed in page.methods.items():
            those, other = actors(needed)
            for actor in [*those, *other] if everybody and method == "GET" else those[:1]:
                yield f"{method} {name} som {actor}", world.page(actor, method, path)


def answers(world, *, everybody):
    """What an endpoint answers is the same to all who may."""
    for route, (permissions, thing) in ENDPOINTS.items():
        path = api_path(route, thing and getattr(world.here, thing))
        for method, needed in permissions.items():
            those, other = actors(needed)
            for actor in [those[0], *other] if everybody and method == "GET" else those[:1]:
                yield f"{method} {route} som {actor}", world.call(actor, method, path)


def administration(world):
    """The lists, and the rows of the logs: those that tell of patients are there."""
    for model in site._registry:
        needed = ADMINISTRATION[model._meta.model_name]
        actor = next(role for role in Role if any(may(role, permission) for permission in needed))
        yield f"admin {model._meta.model_name}", world.page(actor, "GET", reverse(f"admin:{of(model)}_changelist"))
        if actor == Role.AUDITOR:
            for row in model.objects.order_by("-pk")[:40]:
                path = reverse(f"admin:{of(model)}_change", args=[row.pk])
                yield f"admin {model._meta.model_name} {row.pk}", world.page(actor, "GET", path)


def elsewhere(world):
    """A unit that has nothing to do with the patient (PL-24)."""
    for name in ("patient", "patient-relations", "patient-encounters", "patient-commitments", "patient-appointments"):
        yield f"{name} från en annan enhet", world.page(ELSEWHERE, "GET", path_of(name, world.here))


def walk(world, *, everybody=True):
    yield from pages(world, everybody=everybody)
    yield from answers(world, everybody=everybody)
    yield from administration(world)
    yield from elsewhere(world)
