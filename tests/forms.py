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
