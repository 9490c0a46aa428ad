"""The page Klassificering as a person without scripts uses it."""

import re

from django.urls import reverse

from .. import factories


def ended(unit, **fields):
    return factories.ended_visit(care_unit=unit, resource=factories.ResourceFactory(care_unit=unit), **fields)


class Form:
    """The page's form as a person without scripts uses it: each step posts what the last answer carried."""

    def __init__(self, client, encounter):
        self.client, self.address = client, reverse("encounter-coding", args=[encounter.pk])
        self.read(client.get(self.address))

    def read(self, response):
        self.response, self.text = response, response.content.decode()
        form = self.text.split('aria-label="Koder"')[-1]
        self.carried = {
            "rad": re.findall(r'name="rad" value="([^"]+)"', form),
            "version": re.search(r'name="version" value="([^"]*)"', form)[1] if 'name="version"' in form else "",
        }
        self.is_complete = re.search(r'name="klar" value="1" checked', form) is not None
        return self

    def press(self, button, **typed):
        """Presses a button. `klar` unticks or ticks the box."""
        klar = typed.pop("klar", self.is_complete)
        data = self.carried | {"gor": button} | typed | ({"klar": "1"} if klar else {})
        response = self.client.post(self.address, data)
        return self.read(response) if response.status_code != 302 else response

    def add(self, text):
        return self.press("lagg-till", kod_text=text)

    @property
    def codes(self):
        return [token.split(":")[2] for token in self.carried["rad"]]
