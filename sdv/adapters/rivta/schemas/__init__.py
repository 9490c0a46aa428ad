"""The contracts' own schemas: what the producer and the simulators accept, and what tests hold every message against."""

from functools import cache
from pathlib import Path

from lxml import etree

FOLDER = Path(__file__).parent
RESPONDERS = {
    "GetCareContacts": "interactions/GetCareContactsInteraction/GetCareContactsResponder_3.0.xsd",
    "GetPersonsForProfile": "interactions/GetPersonsForProfileInteraction/GetPersonsForProfileResponder_5.0.xsd",
    "ProcessNotification": "interactions/ProcessNotificationInteraction/ProcessNotificationResponder_1.0.xsd",
    "Update": "interactions/UpdateInteraction/UpdateResponder_1.0.xsd",
    "UpdatePerson": "interactions/UpdatePersonInteraction/UpdatePersonResponder_5.0.xsd",
}


@cache
def _schema(contract):
    return etree.XMLSchema(etree.parse(FOLDER / RESPONDERS[contract], etree.XMLParser(no_network=True)))


def is_valid(content):
    """Whether an element of the body is valid by its contract's schema; False for a contract that is not here."""
    contract = etree.QName(content).localname.removesuffix("Response")
    return contract in RESPONDERS and _schema(contract).validate(content)
