"""What a browser would post of a form: read from the page's HTML, so that tests post what people are shown."""

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self):
        super().__init__()
        self.values, self.select, self.option = {}, None, None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "input" and given.get("name") and "disabled" not in given:
            self._input(given)
        elif tag == "select":
            self.select, self.option = given.get("name"), None
        elif tag == "option" and self.select:
            value = given.get("value", "")
            if self.option is None or "selected" in given:
                self.option = value

    def _input(self, given):
        kind, value = given.get("type", "text"), given.get("value", "on")
        if kind in ("radio", "checkbox"):
            if "checked" in given:
                self.values.setdefault(given["name"], []).append(value)
        elif kind == "hidden" and given["name"] in self.values:
            # Several values of one name, as a page carries them on.
            was = self.values[given["name"]]
            self.values[given["name"]] = [*(was if isinstance(was, list) else [was]), given.get("value", "")]
        elif kind not in ("submit", "button"):
            self.values[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag):
        if tag == "select" and self.select:
            self.values[self.select] = self.option or ""
            self.select = None


def fields(html):
    """Names and values of everything in the HTML that a browser would send."""
    parser = _Fields()
    parser.feed(html)
    return parser.values


def save(client, address, values, **more):
    """A change in the administration: what it does is seen, and said yes to. The answer to the yes."""
    seen = client.post(address, values)
    page = seen.content.decode()
    assert seen.status_code == 200 and "Det här ändras" in page, page
    return client.post(address, fields(page), **more)
