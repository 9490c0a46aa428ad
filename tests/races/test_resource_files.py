"""Files of resources and of extra times beside others who work with the same tidböcker (BO-01, PL-02)."""

from datetime import time
from functools import partial

import pytest
from django.urls import reverse

from scheduling.actions import hours_file, schedules
from scheduling.models import Appointment, ExtraHours, RebookingItem, Resource
from sdv.accounts.administration import site
from sdv.common.errors import RuleError
from tests.clinic import DAY, HALF_HOUR, NOW, TODAY, Clinic
from tests.races.together import numbers, one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)
START = NOW + 3 * DAY


@pytest.fixture
def centre():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


@pytest.fixture
def resources():
    reverse("admin:index")
    return site._registry[Resource].more_files["resurser"]


def ended(resources, centre):
    """The file with today as the nurse's last day, and what was seen of it."""
    nurse = f";Sara Norén;person;{centre.nurse_resource.practitioner.hsa_id};;"
    text = resources.written()
    assert f"{nurse};" in text
    text = text.replace(f"{nurse};", f"{nurse};{TODAY}")
    return {"text": text, "fingerprint": resources.compared(text, on=TODAY).fingerprint, "by": centre.doctor, "at": NOW}


@pytest.mark.parametrize("round_", range(3))
def test_whoever_comes_first_nobody_is_booked_unseen_after_a_last_day_by_the_file(centre, resources, round_):
    """PL-02: each booking is listed or refused, none is lost."""
    patients = [centre.patient(identity=number) for number in numbers(6)]
    acts = [partial(centre.book, patient, START + place * HALF_HOUR) for place, patient in enumerate(patients)]
    acts.insert(round_ * 2, partial(resources.take_effect, **ended(resources, centre)))
    answers = together(*acts)
    booked = {answer.pk for answer in answers if isinstance(answer, Appointment)}
    refused = [answer for answer in answers if isinstance(answer, RuleError)]
    assert len(booked) + len(refused) == 6, answers
    assert set(RebookingItem.objects.open().values_list("appointment_id", flat=True)) == booked
    centre.nurse_resource.refresh_from_db()
    assert centre.nurse_resource.valid_to == TODAY


def test_of_two_files_at_once_one_takes_effect(centre, resources):
    """BO-01: the other is asked to look again; also of extra times, where no row is there to wait for."""
    read = partial(resources.take_effect, **ended(resources, centre))
    _, (refused,) = one_winner(together(read, read))
    assert isinstance(refused, RuleError) and refused.code == "another_list"
    line = f"{centre.unit.hsa_id};Anna Holm;{TODAY + DAY};08:00;12:00;30;;ja"
    text = ";".join(hours_file.DAYS.headings) + f"\n{line}\n"
    seen = hours_file.DAYS.compared(text, on=TODAY).fingerprint
    read = partial(hours_file.DAYS.take_effect, text=text, fingerprint=seen, by=centre.doctor, at=NOW)
    _, (refused,) = one_winner(together(read, read))
    assert isinstance(refused, RuleError) and refused.code == "another_list"
    assert ExtraHours.objects.get().from_time == time(8)


def test_a_file_and_a_hand_on_the_same_resource_wait_for_each_other(centre, resources):
    """BO-01: the one who has locked the row writes it; the file then saw another list, or was first."""

    def by_hand():
        with schedules.changing(centre.nurse_resource.pk, by=centre.nurse, at=NOW) as resource:
            resource.valid_from = TODAY - DAY
            resource.save(update_fields=["valid_from"])

    for _ in range(4):
        Resource.objects.filter(pk=centre.nurse_resource.pk).update(valid_from=None, valid_to=None)
        answers = together(partial(resources.take_effect, **ended(resources, centre)), by_hand)
        assert answers[1] is None, answers
        row = Resource.objects.get(pk=centre.nurse_resource.pk)
        is_first = not isinstance(answers[0], Exception)
        assert (row.valid_from, row.valid_to) == (TODAY - DAY, TODAY if is_first else None)
        assert is_first or answers[0].code == "another_list", answers
