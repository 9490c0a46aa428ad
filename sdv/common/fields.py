"""Form fields that read what people write: dates and times in Swedish shorthand. Used by every app's forms."""

from django import forms
from django.core.exceptions import ValidationError

from .dates import DATE_HELP, TIME_HELP, parse_date, parse_time
from .time import local_date, now


class ShorthandInput(forms.TextInput):
    """A text field that static/js/fields.js knows by its data attribute."""

    def __init__(self, kind, attrs=None):
        super().__init__({f"data-{kind}": True, "autocomplete": "off", "spellcheck": "false"} | (attrs or {}))


class SwedishDateField(forms.Field):
    """A date: `2026-12-01`, `1/12`, `1 dec`, `+14d`, `+3v`, `+2m`, `idag`. `today` is for tests and for forms that
    count from another day than the present."""

    def __init__(self, *, today=None, **kwargs):
        kwargs.setdefault("widget", ShorthandInput("date"))
        kwargs.setdefault("help_text", DATE_HELP)
        super().__init__(**kwargs)
        self._today = today

    @property
    def today(self):
        return self._today or local_date(now())

    def to_python(self, value):
        if value in self.empty_values:
            return None
        if not isinstance(value, str):
            return value
        try:
            return parse_date(value, self.today)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from None

    def prepare_value(self, value):
        return value.isoformat() if hasattr(value, "isoformat") else value

    def has_changed(self, initial, data):
        try:
            return self.to_python(data) != self.to_python(initial)
        except ValidationError:
            return True


class SwedishTimeField(forms.Field):
    """A time of day: `945`, `9.45`, `09:45`, `9`."""

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", ShorthandInput("time"))
        kwargs.setdefault("help_text", TIME_HELP)
        super().__init__(**kwargs)

    def to_python(self, value):
        if value in self.empty_values:
            return None
        if not isinstance(value, str):
            return value
        try:
            return parse_time(value)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from None

    def prepare_value(self, value):
        return value.strftime("%H:%M") if hasattr(value, "strftime") else value

    def has_changed(self, initial, data):
        try:
            return self.to_python(data) != self.to_python(initial)
        except ValidationError:
            return True
