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


def has_address(topic):
    """Whether messages of the topic go to patients, and there is somewhere to send them."""
    return bool(
        (topic == "appointment-reminder" and settings.SDV_SMS_ADDRESS)
        or (topic == "letter-to-portal" and settings.SDV_PORTAL_ADDRESS)
    )


class PatientChannel:
    """Hands over what is still to be told; what is not is done with."""

    def __init__(self):
        self.http = urllib3.PoolManager(retries=False)

    def deliver(self, message):
        if message.topic == "appointment-reminder":
            sms = outgoing.reminder(message.subject_id, at=now())
            if sms is not None:
                self._post(settings.SDV_SMS_ADDRESS, message, {"to": sms.number, "text": sms.text})
        else:
            letter = outgoing.portal_letter(message.subject_id)
            if letter is not None:
                told = {
                    "to": letter.identity,
                    "heading": letter.heading,
                    "body": letter.body,
                    "date": letter.written_on,
                    "files": [
                        {"name": file.name, "sha256": file.sha256, "pdf": b64encode(file.pdf).decode("ascii")}
                        for file in letter.files
                    ],
                }
                self._post(settings.SDV_PORTAL_ADDRESS, message, told)

    def _post(self, address, message, told):
        body = json.dumps({"id": str(message.id), **told}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": str(message.id)}
        try:
            answer = self.http.request("POST", address, body=body, headers=headers, timeout=PATIENCE, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise NotDelivered(type(error).__name__) from None
        if not 200 <= answer.status < 300:
            raise NotDelivered(f"HTTP {answer.status}")
