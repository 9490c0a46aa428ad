"""Two say yes in the administration at the same moment: the one is saved, the other is told of it (PL-27)."""

from functools import partial

import pytest

import sdv.urls  # noqa: F401  each app's administration is registered by it
from registration.models import ContactReason
from sdv.accounts.permissions import Role
from tests import factories
from tests.accounts.test_admin import address, form_of
from tests.desk.signed_in import signed_in
from tests.forms import fields
from tests.races.together import together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 5


def test_of_two_changes_at_once_one_is_saved_and_the_other_told():
    """PL-27: both have seen the row as it was; nothing of the second is saved."""
    unit = factories.CareUnitFactory()
    people = [factories.staff(Role.CATALOGUE_ADMIN, unit) for _ in range(2)]
    clients = [signed_in(person) for person in people]
    row = ContactReason.objects.get(name="minne")
    page = address(ContactReason, "change", row.pk)
    for number in range(ROUNDS):
        yes = []
        for client, person in zip(clients, people, strict=True):
            values = form_of(client.get(page)) | {"alias": f"{person.pk} {number}"}
            yes.append(partial(client.post, page, fields(client.post(page, values).content.decode())))
        answers = together(*yes)
        assert sorted(answer.status_code for answer in answers) == [302, 409]
        won = next(person for person, answer in zip(people, answers, strict=True) if answer.status_code == 302)
        told = next(answer for answer in answers if answer.status_code == 409)
        assert f"Ändrad av {won.name}" in told.content.decode()
        row.refresh_from_db()
        assert row.alias == f"{won.pk} {number}"
