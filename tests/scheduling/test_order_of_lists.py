"""Every list of those who wait is in one order, whichever the door: by days over the target, then by the wait (BO-04,
PL-01, UT-07)."""

from datetime import timedelta
from itertools import chain

import pytest
from django.urls import reverse

from registration.models import Referral, ReferralStatus
from scheduling import freed
from sdv.accounts import tokens
from sdv.common import keyset
from sdv.common.time import local_date, now
from sdv.desk.api import work_lists as rest
from sdv.desk.presenters import work
from tests import factories as make
from tests.desk.signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]

DAY = timedelta(days=1)


@pytest.fixture
def clinic():
    return make.SpecialisedClinicFactory()


@pytest.fixture
def user(clinic):
    return make.coordinator(clinic)


def waiting(clinic, *, target, waited, arrived=1):
    """An accepted remiss: days to its target (None where it has none), days waited, days since it came."""
    row = make.accepted_referral(care_unit=clinic)
    today = local_date(now())
    Referral.objects.filter(pk=row.pk).update(
        medical_target_date=None if target is None else today + target * DAY,
        decision_date=today - waited * DAY,
        arrival_date=today - arrived * DAY,
    )
    return row


@pytest.fixture
def rows(clinic):
    """In the order of the list, made in another: by target, by the wait where the targets are the same, by neither what came
    first nor what is oldest."""
    made = {
        "not urgent, but has waited long": waiting(clinic, target=20, waited=90, arrived=80),
        "no target, short wait": waiting(clinic, target=None, waited=5),
        "over the target": waiting(clinic, target=-3, waited=4),
        "no target, long wait": waiting(clinic, target=None, waited=60, arrived=2),
        "same target, short wait": waiting(clinic, target=2, waited=6, arrived=6),
        "same target, long wait": waiting(clinic, target=2, waited=30, arrived=1),
    }
    order = (
        "over the target",
        "same target, long wait",
        "same target, short wait",
        "not urgent, but has waited long",
        "no target, long wait",
        "no target, short wait",
    )
    return [str(made[name].pk) for name in order]


def in_page(client, address, rows):
    text = client.get(address).content.decode()
    return sorted(rows, key=text.index)


def in_answer(client, user, address):
    token = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    found = []
    while address:
        answer = client.get(address.removeprefix("http://testserver"), headers=token).json()
        found += [row["id"] for row in answer["results"]]
        address = answer["next"]
    return found


def test_remisser_are_in_one_order_on_the_pages_by_rest_and_for_a_freed_time(client, clinic, user, rows):
    """Sorted by days over target: Att boka, Remisser, REST over several pages, and who is offered a freed time."""
    desk = signed_in(user)
    assert in_page(desk, reverse("work-list", args=["to-book"]), rows) == rows
    assert in_page(desk, reverse("referrals") + "?visa=boka", rows) == rows
    assert in_answer(client, user, "/api/v1/work-lists/to-book/?page_size=2") == rows
    visit_type, start = make.visit_type("Sp Läk Nybesök"), make.in_days(1)
    resource = make.ResourceFactory(care_unit=clinic)
    offered = freed.candidates(care_unit=clinic, resource=resource, start=start, at=now(), visit_type=visit_type).rows
    assert [str(each.row.pk) for each in offered] == rows
    Referral.objects.update(status=ReferralStatus.RECEIVED)
    assert in_page(desk, reverse("referrals"), rows) == rows
    assert in_answer(client, user, "/api/v1/work-lists/referrals/?page_size=4") == rows


def test_pages_by_two_columns_go_both_ways_and_lose_nobody(rows):
    """Equals in the first column are told apart by the second, then by the key."""
    Referral.objects.filter(pk__in=rows[4:]).update(decision_date=local_date(now()) - 9 * DAY)
    expected = [str(row.pk) for row in Referral.objects.most_urgent_first()]
    pages, cursor = [], ""
    for _ in range(3):
        page = keyset.page(Referral.objects.all(), field=Referral.URGENCY, cursor=cursor, size=2)
        pages.append([str(row.pk) for row in page.rows])
        cursor = page.next
    assert list(chain(*pages)) == expected and not cursor
    back = keyset.page(Referral.objects.all(), field=Referral.URGENCY, cursor=page.previous, size=2)
    assert [str(row.pk) for row in back.rows] == pages[1]


def test_every_other_list_has_the_same_order_on_its_page_and_by_rest():
    """UT-07"""
    both = work.LISTS.keys() & rest.LISTS.keys()
    assert len(both) == 10
    assert {name: work.LISTS[name].field for name in both} == {name: rest.LISTS[name]["field"] for name in both}
