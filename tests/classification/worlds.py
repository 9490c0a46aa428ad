"""Small worlds for statistics and deliveries: contacts written as rows, so that each test says in one line what a contact
is. Types that no person can create (Historisk) are there too."""

from datetime import UTC, datetime

from registration.models import Encounter, Patient
from sdv.common.time import STOCKHOLM
from tests import factories

OPEN = "specialiserad-oppenvard"


def moment(text):
    """A moment on Stockholm's clock: "2026-10-05 09:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM).astimezone(UTC)


def person(*, sex="2", born="1980-06-01", **fields):
    """A patient with neither name nor identity: statistics read neither."""
    return Patient.objects.create(sex=sex, birth_date=born, **fields)


def contact(
    unit, who, type_code=OPEN, start="2026-10-05 09:00", end=None, *, status="ended", visit_type=None, **fields
):
    """A contact as it stands in the table, ended at 23:59 of its day unless something else is said."""
    start = moment(start)
    if status == "ended":
        end = moment(end) if end else moment(f"{start.astimezone(STOCKHOLM):%Y-%m-%d} 23:59")
    return Encounter.objects.create(
        patient=who,
        care_unit=unit,
        type_id=type_code,
        status=status,
        start=start,
        end=end,
        visit_type=factories.visit_type(visit_type) if visit_type else None,
        **fields,
    )
