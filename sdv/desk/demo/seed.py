"""Fills an empty system with the invented region, its patients, their past, a day around now and what is planned."""

import random

from django.db import transaction

from registration.actions import clock
from registration.models import Encounter, Patient
from scheduling.models import Appointment, BookingRequest
from sdv.organisation.models import CareProvider, CareUnit

from . import deaths, examples, kinds, letters, orders, people, planning, region, schedules, stays, teams
from .story import Story

PATIENTS, CONTACTS = 2000, 1500
SEED = 20261121


def is_done():
    """Whether the demo's region is in."""
    return CareProvider.objects.filter(hsa_id=region.PROVIDER_HSA_ID).exists()


@transaction.atomic
def seed(*, at, patients=PATIENTS, contacts=CONTACTS, tell=print):
    """All of it or nothing. The same seed and moment make the same story. `tell` is given a line for each part."""
    rng = random.Random(SEED)
    place = region.build(rng=rng, at=at)
    tell(f"enheter: {CareUnit.objects.count()}")
    rows, shown = people.make(how_many=patients, region=place, rng=rng, at=at)
    tell(f"patienter: {Patient.objects.count()}")
    story = Story(region=place, patients=rows, contacts=contacts, rng=rng, at=at)
    story.tell_the_past()
    tell(f"avslutade vårdhändelser: {Encounter.objects.filter(status='ended').count()}")
    tell(f"varav klassificerade: {story.code_the_ended()}")
    story.fill_the_lists()
    orders.fill(story)
    story.plan_ahead()
    examples.plan(story, shown)
    planning.hang_up_a_screen(story)
    story.live_today()
    stays.fill(story)
    kinds.fill(story)
    teams.fill(story)
    schedules.fill(story)
    deaths.fill(story)
    letters.fill(story)
    planning.fill(story)
    planning.share_a_list(story)
    clock.auto_discharge(at=at)
    tell(f"bokningar: {Appointment.objects.count()}")
    tell(f"bokningsbegäran som väntar: {BookingRequest.objects.waiting().count()}")
