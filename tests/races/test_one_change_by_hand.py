"""Two say yes in the administration at the same moment: the one is saved, the other is told of it (PL-27)."""

from functools import partial

import pytest

import sdv.urls  # noqa: F401  each app's administration is registered by it
from registration.models import ContactReason
from sdv.accounts.administration import site
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from tests import factories
from tests.accounts.test_admin import address, form_of
from tests.clinic import NOW, TODAY
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


def test_a_change_by_hand_and_a_file_at_once_wait_for_each_other():
    """KA-03, PL-27: whichever is first takes effect, the other is told to look again; neither ends the other."""
    client = signed_in(factories.staff(Role.CATALOGUE_ADMIN, factories.CareUnitFactory()))
    row, catalogue = ContactReason.objects.get(name="minne"), site._registry[ContactReason].file_import
    page = address(ContactReason, "change", row.pk)
    for number in range(ROUNDS):
        was = f";minne;{row.alias};"
        text = catalogue.written().replace(was, f";minne;filens {number};")
        assert f"filens {number}" in text
        seen = catalogue.compared(text, on=TODAY).fingerprint
        read = partial(catalogue.take_effect, text=text, fingerprint=seen, by=None, at=NOW)
        values = form_of(client.get(page)) | {"alias": f"handens {number}"}
        yes = partial(client.post, page, fields(client.post(page, values).content.decode()))
        by_file, by_hand = together(read, yes)
        row.refresh_from_db()
        if by_hand.status_code == 302:
            assert isinstance(by_file, RuleError) and by_file.code == "another_list"
            assert row.alias == f"handens {number}"
        else:
            assert by_hand.status_code == 409 and not isinstance(by_file, Exception)
            assert row.alias == f"filens {number}"
