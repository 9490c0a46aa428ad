"""Two people, or a person and the clock, make the same delivery at the same moment (PAR-01)."""

from functools import partial

import pytest

from classification.actions import deliveries
from classification.models import RegisterDelivery, RegisterFile, RegisterReporter
from classification.register.selection import period_due
from tests.clinic import NOW, Clinic
from tests.races.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_four_make_at_once_is_made_once():
    """PAR-01: the reporter is the queue; who comes second is answered with what is there."""
    clinic = Clinic()
    reporter = RegisterReporter.objects.create(care_provider=clinic.provider, file_code="12")
    make = partial(deliveries.deliver, reporter_id=reporter.pk, period=period_due(NOW.date()), by=clinic.doctor, at=NOW)
    answers = together(make, make, make, make)
    assert {answer.pk for answer in answers} == {RegisterDelivery.objects.get().pk}
    assert RegisterFile.objects.count() == 10
