"""A clinic whose ended contacts are told to 1177 and NPÖ, and a simulator of the engagement index, for tests."""

from contextlib import contextmanager

from django.test import Client, override_settings

from registration.actions import clock
from sdv.accounts import tokens
from sdv.accounts.permissions import Role
from sdv.adapters.rivta import care_contacts, engagement_index, schemas, soap
from sdv.adapters.rivta.simulator.index import OWNER, IndexSimulator
from sdv.outbox import delivery
from sdv.outbox.models import OutboxMessage
from tests.clinic import DAY, NOW

SYSTEM = "SE2321000255-SYS1"
PERSONNUMMER = "1.2.752.129.2.1.3.1"
ADDRESS = "/rivta/get-care-contacts/3/"


@contextmanager
def connected(**settings):
    """The simulator as the index that the product tells."""
    engagement_index._line.cache_clear()
    with (
        IndexSimulator() as index,
        override_settings(SDV_HSA_ID=SYSTEM, SDV_EI_ADDRESS=index.address, SDV_EI_LOGICAL_ADDRESS=OWNER, **settings),
    ):
        yield index
    engagement_index._line.cache_clear()


def ended(clinic, patient=None, start=NOW - DAY, **fields):
    """A visit that has come to its 23:59."""
    visit = clinic.arrived(patient or clinic.patient(), start, **fields)
    clock.auto_discharge(at=NOW)
    visit.encounter.refresh_from_db()
    assert visit.encounter.status == "ended"
    return visit.encounter


def deliver(at=NOW):
    """Everything that waits is delivered, however long it was to wait."""
    OutboxMessage.objects.filter(delivered_at=None).update(due_at=at)
    return delivery.deliver_due(at=at)


def key_of(clinic, role=Role.NATIONAL_SERVICES):
    return tokens.create(user=clinic.staff(role, username=f"nyckel-{role}"))


def post(body, key="", address=ADDRESS, **headers):
    """The answer to bytes posted as SOAP."""
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return Client(raise_request_exception=False).post(address, body, content_type="text/xml", headers=headers)


def ask(key, number="189001189811", kind=PERSONNUMMER, *, logical_address=SYSTEM, **filters):
    """The element of the answer about a number, asked and answered by the schema."""
    content = care_contacts.request(care_contacts.Asked(number, kind, **filters))
    assert schemas.is_valid(content)
    answer = post(soap.envelope(content, logical_address=logical_address), key)
    assert answer.status_code == 200, answer.content
    told = soap.opened(answer.content)[1]
    assert schemas.is_valid(told)
    return told


def contacts(told):
    """The contacts of an answer."""
    return told.findall(f"{{{care_contacts.GET_CARE_CONTACTS}}}careContact")


def ids(told):
    return [texts(row, "documentId")[0] for row in contacts(told)]


def texts(told, name, space=care_contacts.CORE):
    """The texts of all elements of the name."""
    return [part.text for part in told.iter(f"{{{space}}}{name}")]


def result(told):
    """(resultCode, errorCode) of an answer."""
    return texts(told, "resultCode")[0], (texts(told, "errorCode") or [None])[0]
