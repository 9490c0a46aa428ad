"""API tokens by command: shown once, stored as a digest."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from sdv.accounts import tokens
from sdv.accounts.models import ApiToken
from sdv.common.time import now
from tests import factories

pytestmark = pytest.mark.django_db


def create(*arguments):
    out = StringIO()
    call_command("create_token", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_token_is_printed_once_and_kept_only_as_a_digest():
    user = factories.UserFactory(username="integration")
    token = create("integration", "--label", "Journalen")
    row = ApiToken.objects.get()
    assert tokens.find(token, at=now()).user == user
    assert (row.label, row.expires_at) == ("Journalen", None)
    assert token not in str(row.__dict__)


def test_a_token_can_have_a_last_day():
    factories.UserFactory(username="integration")
    token = create("integration", "--days", "30")
    assert tokens.find(token, at=now() + timedelta(days=29)) is not None
    assert tokens.find(token, at=now() + timedelta(days=30, minutes=1)) is None


@pytest.mark.parametrize("arguments", [["ingen"], ["avslutad"], ["integration", "--days", "0"]])
def test_no_token_for_the_unknown_the_inactive_or_no_days(arguments):
    factories.UserFactory(username="integration")
    factories.UserFactory(username="avslutad", is_active=False)
    with pytest.raises(CommandError):
        create(*arguments)
    assert not ApiToken.objects.exists()
