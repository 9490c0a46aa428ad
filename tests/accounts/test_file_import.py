"""Every catalogue of the administration that goes out and comes in as a file does so in the same way."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from sdv.accounts.administration import MaintainedAdmin, site
from sdv.accounts.file_import import ImportedByFile
from sdv.accounts.permissions import Role
from tests import factories
from tests.desk.signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]
NAMES = [
    "accounts_practitioner",
    "accounts_profession",
    "classification_blockedcode",
    "classification_checksetting",
    "classification_favouritecode",
    "organisation_branch",
    "organisation_carearea",
    "organisation_careprovider",
    "organisation_careunit",
    "organisation_facility",
    "organisation_place",
    "organisation_reception",
    "organisation_sharedlist",
    "organisation_sharedlistunit",
    "organisation_ward",
    "registration_addon",
    "registration_addoncategory",
    "registration_addresskind",
    "registration_contactreason",
    "registration_feerate",
    "registration_guaranteelimit",
    "registration_problemcode",
    "registration_referralreviewer",
    "registration_visitkind",
    "registration_visittype",
    "registration_visittypereason",
    "scheduling_lettertext",
    "scheduling_outcomereason",
    "scheduling_resource",
]
# Its file is a zip, with tests of its own (tests/scheduling/test_attachment_file.py).
ZIPPED = "scheduling_letterattachment"


@pytest.fixture
def unit():
    return factories.CareUnitFactory()


@pytest.fixture
def client(unit):
    return signed_in(factories.staff(Role.CATALOGUE_ADMIN, unit))


# Maintained by hand and in no file: accounts, what they may and secrets; and the register's own layout and reporters.
BY_HAND = {
    "accounts_user",
    "accounts_staffassignment",
    "registration_waitingscreen",
    "classification_registercode",
    "classification_registerreporter",
    "classification_registerlayout",
    "classification_reportingunit",
}


def test_these_are_all():
    """KA-03: what is maintained by hand goes out and comes in as a file, or is named here with why not."""
    reverse("admin:index")
    found = {True: set(), False: set()}
    for model, admin in site._registry.items():
        if isinstance(admin, MaintainedAdmin):
            found[isinstance(admin, ImportedByFile)].add(f"{model._meta.app_label}_{model._meta.model_name}")
    assert found == {True: {*NAMES, ZIPPED}, False: BY_HAND}


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_out_comes_in_and_changes_nothing(client, name):
    """Its list leads there; the file is compared; the yes is to what was seen."""
    listed = client.get(reverse(f"admin:{name}_changelist")).content.decode()
    address, out = reverse(f"admin:{name}_import"), reverse(f"admin:{name}_export")
    assert f'href="{address}"' in listed and f'href="{out}"' in listed
    assert 'name="file"' in client.get(address).content.decode()
    content = client.get(out).content
    sent = client.post(address, {"file": SimpleUploadedFile("lista.csv", content)})
    page = sent.content.decode()
    assert sent.status_code == 200 and "0 nya, 0 ändrade, 0 upphör," in page
    fingerprint = page.split('name="fingerprint" value="')[1].split('"')[0]
    yes = {"rows": content.decode("utf-8-sig"), "fingerprint": fingerprint}
    answer = client.post(address, yes)
    assert answer.status_code == 302 and answer["Location"] == reverse(f"admin:{name}_changelist")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Välj en fil."),
        ({"file": SimpleUploadedFile("a.csv", "å".encode("latin-1"))}, "Filen är inte i UTF-8."),
        ({"file": SimpleUploadedFile("a.csv", b"x" * (2 * 1024 * 1024 + 1))}, "Filen är större än 2 MB"),
        ({"file": SimpleUploadedFile("a.csv", b"fel;rubriker\n")}, "Ingenting har lästs in."),
        ({"rows": "fel;rubriker\n", "fingerprint": "påhittad"}, "Ingenting har lästs in."),
    ],
)
def test_what_cannot_be_read_is_said(client, name, data, sentence):
    for file in data.values():
        if hasattr(file, "seek"):
            file.seek(0)
    answer = client.post(reverse(f"admin:{name}_import"), data)
    assert answer.status_code == 422 and sentence in answer.content.decode()


@pytest.mark.parametrize("name", NAMES)
def test_nobody_else_reads_in(unit, name):
    other = signed_in(factories.staff(Role.CODER, unit))
    assert other.get(reverse(f"admin:{name}_import")).status_code == 403
    assert other.get(reverse(f"admin:{name}_export")).status_code == 403
