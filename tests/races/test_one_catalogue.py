"""Two read in the same catalogue at the same moment: the one takes effect, the other is asked to look again (KA-03)."""

from functools import partial

import pytest
from django.urls import reverse

from registration.models import GuaranteeLimit
from sdv.accounts.administration import site
from sdv.common.errors import RuleError
from tests.clinic import NOW, TODAY
from tests.races.together import one_winner, together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 5


def test_of_two_files_at_once_one_takes_effect():
    """KA-03: also where both only add, and no row is there to wait for."""
    reverse("admin:index")
    catalogue = site._registry[GuaranteeLimit].file_import
    GuaranteeLimit.objects.all().delete()
    for number in range(ROUNDS):
        text = (
            catalogue.written()
            + f"prov-{number};Prov;assessment;3;Prov;{2020 + number}-01-01;{2020 + number}-12-31\r\n"
        )
        seen = catalogue.compared(text, on=TODAY).fingerprint
        read = partial(catalogue.take_effect, text=text, fingerprint=seen, by=None, at=NOW)
        won, (refused,) = one_winner(together(read, read))
        assert len(won.added) == 1
        assert isinstance(refused, RuleError) and (refused.rule, refused.code) == ("BO-04", "another_list")
        assert GuaranteeLimit.objects.count() == number + 1
