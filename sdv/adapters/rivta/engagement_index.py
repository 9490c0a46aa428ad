"""The national engagement index (Engagemangsindex), Update 1.0: that there are contacts of a patient to fetch here, that
something has happened to them, and that there are none any longer (VH-20).

A message of the outbox is a reason to look: what the index should hold is read when it is delivered and held against what
it has been told. So a message that comes late, twice, or after another tells what is true."""

import logging
from functools import cache

from django.conf import settings
from lxml import etree

from registration import shared_contacts
from registration.actions import engagements
from sdv.outbox import delivery
from sdv.outbox.models import OF_AN_ENCOUNTER, OF_CONTACTS, OutboxMessage

from .care_contacts import DOMAIN, stamp
from .soap import NotUnderstood, envelope
from .transport import Breaker, CallFailed, Patience, Transport

logger = logging.getLogger(__name__)

INDEX = "urn:riv:itintegration:engagementindex:1"
UPDATE = "urn:riv:itintegration:engagementindex:UpdateResponder:1"
UPDATE_ACTION = f"{UPDATE}:Update"
# What the index knows the contract's content as. The domain's own text has no urn: before it, the index's example has.
SERVICE_DOMAIN = DOMAIN.removeprefix("urn:")
CATEGORIZATION = "vko"
NOT_APPLICABLE = "NA"
TOPICS = tuple(OF_CONTACTS)

PATIENCE = Patience(connect=2, answer=10)
SECONDS_TO_REST = 30


class NotTaken(Exception):
    """The index did not answer OK. The kind alone is logged: another system's words may hold personal data."""


# --- The channel --------------------------------------------------------------------------------------------------------


class EngagementIndexChannel:
    """Tells the index of the message's patient. Returns the other waiting messages that this told of too."""

    def deliver(self, message):
        # In this order: what is written after the first question is not in the second's answer, and waits.
        together = delivery.together_with(message)
        patient_id = (
            shared_contacts.patient_of(message.subject_id) if message.topic in OF_AN_ENCOUNTER else message.subject_id
        )
        state = shared_contacts.index_state(patient_id)
        told, withdrawn = _news(state, message, together)
        if told or withdrawn:
            self._send(update(told, withdrawn))
            engagements.note(told=told, withdrawn=withdrawn)
        return [row.pk for row in together if row.pk != message.id]

    def _send(self, content):
        transport, breaker = _line(settings.SDV_EI_ADDRESS, settings.SDV_EI_CERTIFICATE, settings.SDV_EI_KEY)
        if not breaker.let_through():
            raise NotTaken("resting after a failure")
        headers = {"x-rivta-original-serviceconsumer-hsaid": settings.SDV_HSA_ID}
        body = envelope(content, logical_address=settings.SDV_EI_LOGICAL_ADDRESS)
        try:
            answer = transport.call(body, action=UPDATE_ACTION, headers=headers, patience=PATIENCE)
            taken = is_taken(answer)
        except (CallFailed, NotUnderstood) as failure:
            breaker.tell(worked=False)
            logger.warning("engagement index not updated: %s", failure.why)
            raise NotTaken(failure.why) from None
        breaker.tell(worked=True)
        if not taken:
            raise NotTaken("ERROR")


def _news(state, message, together):
    """(entries to tell with the time of their latest event, entries to withdraw with theirs). An entry that the index has
    is told again where something happened to a contact of its vårdgivare, or to all of them."""
    rows = together or list(OutboxMessage.objects.filter(pk=message.id))
    latest = max([message.created_at, *(row.created_at for row in rows)])
    topics = {message.topic, *(row.topic for row in rows)}
    if topics <= set(OF_AN_ENCOUNTER):
        happened = shared_contacts.providers_of({message.subject_id, *(row.subject_id for row in rows)})
    else:
        happened = {engagement.care_provider for engagement in state.wanted}
    told = {
        engagement: max(latest, state.held.get(engagement, latest))
        for engagement in state.wanted
        if engagement not in state.held or engagement.care_provider in happened
    }
    withdrawn = {engagement: latest for engagement in state.held if engagement not in state.wanted}
    return told, withdrawn


@cache
def _line(address, certificate, key):
    """Connections and breaker of one address, shared by the process."""
    transport = Transport(address, certificate=certificate, key=key, authorities=settings.SDV_EI_AUTHORITIES)
    return transport, Breaker(SECONDS_TO_REST)


# --- The messages -------------------------------------------------------------------------------------------------------


def update(told, withdrawn):
    """Update: entries that there are, and entries that there are no longer, each with the time of its latest event."""
    root = etree.Element(f"{{{UPDATE}}}Update", nsmap={"r": UPDATE, "e": INDEX})
    for is_gone, entries in ((False, told), (True, withdrawn)):
        for engagement, latest in _in_order(entries):
            transaction = etree.SubElement(root, f"{{{UPDATE}}}engagementTransaction")
            _add(transaction, "deleteFlag", "true" if is_gone else "false")
            _entry(transaction, engagement, latest)
    return root


def _entry(transaction, engagement, latest):
    entry = _add(transaction, "engagement")
    _add(entry, "registeredResidentIdentification", engagement.identity.value)
    _add(entry, "serviceDomain", settings.SDV_EI_SERVICE_DOMAIN)
    _add(entry, "categorization", CATEGORIZATION)
    _add(entry, "logicalAddress", settings.SDV_HSA_ID)
    _add(entry, "businessObjectInstanceIdentifier", NOT_APPLICABLE)
    _add(entry, "clinicalProcessInterestId", NOT_APPLICABLE)
    _add(entry, "mostRecentContent", stamp(latest))
    _add(entry, "sourceSystem", settings.SDV_HSA_ID)
    _add(entry, "dataController", engagement.care_provider.hsa_id)


def is_taken(answer):
    """Whether the index took what it was told: OK, or OK with a remark. Raises NotUnderstood for another message."""
    if answer.tag != f"{{{UPDATE}}}UpdateResponse":
        raise NotUnderstood("another message")
    return (answer.findtext(f"{{{UPDATE}}}ResultCode") or "").strip() in ("OK", "INFO")


def _in_order(entries):
    return sorted(entries.items(), key=lambda each: (each[0].identity.value, each[0].care_provider.hsa_id))


def _add(parent, name, text=None):
    child = etree.SubElement(parent, f"{{{INDEX}}}{name}")
    if text is not None:
        child.text = text
    return child
