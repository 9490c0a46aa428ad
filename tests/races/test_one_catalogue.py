"""Two read in the same catalogue at the same moment: the one takes effect, the other is asked to look again (KA-03)."""

import hashlib
import io
import zipfile
from functools import partial

import pytest
from django.urls import reverse

from registration.models import GuaranteeLimit
from scheduling.actions import attachment_file
from scheduling.models import LetterAttachment
from sdv.accounts.administration import site
from sdv.common.errors import RuleError
from sdv.desk.demo.planning import pdf_of
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


def test_of_two_zips_at_once_one_takes_effect():
    """KA-03: the same PDF is not put in the catalogue twice."""
    content, files = pdf_of(["Karta"]), []
    sha256 = hashlib.sha256(content).hexdigest()
    for _ in range(2):
        files.append(io.BytesIO())
        with zipfile.ZipFile(files[-1], "w") as archive:
            archive.writestr(attachment_file.LIST, attachment_file.CATALOGUE.written() + f"Karta;;{sha256};Prov;;\r\n")
            archive.writestr(f"{sha256}.pdf", content)
    seen = attachment_file.compared(files[0], on=TODAY).fingerprint
    read = partial(attachment_file.take_effect, fingerprint=seen, by=None, at=NOW)
    _, (refused,) = one_winner(together(*(partial(read, text=file) for file in files)))
    assert isinstance(refused, RuleError) and (refused.rule, refused.code) == ("KA-03", "another_list")
    assert LetterAttachment.objects.get().sha256 == sha256
