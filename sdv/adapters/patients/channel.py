"""The outbox channel that speaks to patients: reminders to the SMS gateway, letters to 1177.

The message holds ids; number and words are read when it leaves. The same message has the same key at every try, so that one
whose answer was lost is not sent twice. A gateway of a region's own is another class behind the same setting."""

import json
from base64 import b64encode

import urllib3
from django.conf import settings

from scheduling import outgoing
from sdv.common.time import now

PATIENCE = urllib3.Timeout(connect=2, read=10)


class NotDelivered(Exception):
    """No receipt. The class alone is logged: another system's words may hold personal data."""


TOPICS = ("appointment-reminder", "letter-to-portal")


def address_of(topic):
    """Where messages of the topic go, or an empty text."""
    return settings.SDV_SMS_ADDRESS if topic == "appointment-reminder" else settings.SDV_PORTAL_ADDRESS


def told(message):
    """What the patient is told, as things are now. Raises NotTold where it is nothing any more."""
    if message.topic == "appointment-reminder":
        sms = outgoing.reminder(message.subject_id, at=now(), reminder_id=message.payload.get("reminder"))
        return {"to": sms.number, "text": sms.text}
    letter = outgoing.portal_letter(message.subject_id, at=now())
    return {
        "to": letter.identity,
        "heading": letter.heading,
        "body": letter.body,
        "date": letter.written_on,
        "files": [
            {"name": file.name, "sha256": file.sha256, "pdf": b64encode(file.pdf).decode("ascii")}
            for file in letter.files
        ],
    }


class PatientChannel:
    """Hands over what is still to be told."""

    def __init__(self):
        self.http = urllib3.PoolManager(retries=False)

    def hand_over(self, address, message, told):
        """Returns where the receiver has taken it; raises NotDelivered else."""
        body = json.dumps({"id": str(message.id), **told}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": str(message.id)}
        try:
            answer = self.http.request("POST", address, body=body, headers=headers, timeout=PATIENCE, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise NotDelivered(type(error).__name__) from None
        if not 200 <= answer.status < 300:
            raise NotDelivered(f"HTTP {answer.status}")
