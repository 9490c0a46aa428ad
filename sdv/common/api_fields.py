"""What the API reads: bodies and queries whose unknown fields are refused, and fields with Swedish sentences.

A misspelt filter that was passed in silence would answer with everything; a misspelt field would lose what was meant."""

import re
from datetime import UTC, date

from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from .time import minute

EARLIEST, LATEST = date(1850, 1, 1), date(2200, 12, 31)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

serializers.Field.default_error_messages |= {
    "required": "Uppgiften saknas.",
    "null": "Uppgiften får inte vara null.",
}

_TEXT = {
    "invalid": "Skriv en text.",
    "blank": "Uppgiften får inte vara tom.",
    "max_length": "Texten får ha högst {max_length} tecken.",
}
_ID = {"invalid": "Ange ett id (UUID).", "unknown": "Det finns ingen post med detta id här."}


class Text(serializers.CharField):
    """Text, kept as it was typed (PL-16)."""

    default_error_messages = _TEXT

    def __init__(self, *, max_length, **options):
        options.setdefault("trim_whitespace", False)
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            raise serializers.ValidationError("Texten har tecken som inte går att läsa.")
        return text


class Moment(serializers.DateTimeField):
    """A time with its offset, cut to the whole minute. One without offset is refused: nobody knows what it means."""

    default_error_messages = {
        "invalid": "Skriv en tid som 2026-11-21T09:45:00+01:00.",
        "naive": "Tiden saknar tidszon. Skriv den med förskjutning, till exempel +01:00.",
        "range": "Tiden ligger utanför åren 1850–2200.",
    }

    def to_internal_value(self, value):
        try:
            moment = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None:
            self.fail("invalid")
        if moment.tzinfo is None:
            self.fail("naive")
        if not EARLIEST < moment.date() < LATEST:
            self.fail("range")
        return minute(moment.astimezone(UTC))


class Day(serializers.DateField):
    """A date, YYYY-MM-DD."""

    default_error_messages = {
        "invalid": "Skriv ett datum som 2026-11-21.",
        "range": "Datumet ligger utanför åren 1850–2200.",
    }

    def to_internal_value(self, value):
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and DAY.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None:
            self.fail("invalid")
        if not EARLIEST < day < LATEST:
            self.fail("range")
        return day


class Flag(serializers.BooleanField):
    """true or false."""

    default_error_messages = {"invalid": "Skriv true eller false."}


class Number(serializers.IntegerField):
    """A whole number within limits."""

    default_error_messages = {
        "invalid": "Skriv ett heltal.",
        "max_value": "Talet får vara högst {max_value}.",
        "min_value": "Talet får vara lägst {min_value}.",
        "max_string_length": "Talet är för långt.",
    }

    def to_internal_value(self, data):
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Amount(serializers.DecimalField):
    """An amount in kronor, with at most two decimals."""

    default_error_messages = {
        "invalid": "Skriv ett belopp som 250.00.",
        "max_digits": "Beloppet har för många siffror.",
        "max_decimal_places": "Beloppet får ha högst {max_decimal_places} decimaler.",
        "max_whole_digits": "Beloppet är för stort.",
        "max_string_length": "Beloppet är för långt.",
    }

    def __init__(self, **options):
        super().__init__(max_digits=9, decimal_places=2, **options)

    def to_internal_value(self, data):
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of some codes."""

    default_error_messages = {"invalid_choice": "Okänt värde. Välj något av: {known}."}

    def to_internal_value(self, data):
        if not isinstance(data, str) or data not in self.choice_strings_to_values:
            self.fail("invalid_choice", known=", ".join(str(key) for key in self.choices if key != ""))
        return super().to_internal_value(data)


class Id(serializers.UUIDField):
    """An id."""

    default_error_messages = _ID

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Listed(serializers.ListField):
    """A list of things of one kind."""

    default_error_messages = {
        "not_a_list": "Skriv en lista.",
        "empty": "Listan får inte vara tom.",
        "max_length": "Listan får ha högst {max_length} delar.",
        "min_length": "Listan ska ha minst {min_length} delar.",
    }

    def __init__(self, child, **options):
        options.setdefault("max_length", 100)
        super().__init__(child=child, **options)


class Parts(serializers.ListSerializer):
    """A list of parts."""

    default_error_messages = {
        "not_a_list": "Skriv en lista.",
        "max_length": "Listan får ha högst {max_length} delar.",
    }


class Fields(serializers.Serializer):
    """A body, or a part of one. What is not named is refused."""

    default_error_messages = {"invalid": "Skriv ett JSON-objekt."}

    class Meta:
        list_serializer_class = Parts

    def to_internal_value(self, data):
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            known = ", ".join(self.fields) or "inga alls"
            raise serializers.ValidationError(
                {str(name)[:80]: [f"Okänt fält. Fälten är: {known}."] for name in unknown[:10]}
            )
        return super().to_internal_value(data)


class Query(Fields):
    """Filters of a list. An empty one is not asked for."""

    def to_internal_value(self, data):
        return super().to_internal_value({name: value for name, value in data.items() if value != ""})


class Answer(serializers.Serializer):
    """The shape of an answer, for the schema only: answers are built by plain functions."""
