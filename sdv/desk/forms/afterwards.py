"""When something was: now, where nothing else is written; what was noted on paper is entered with its true time (PL-15)."""

from sdv.common.fields import SwedishDateField, SwedishTimeField
from sdv.common.time import at_local, minute

AFTERWARDS = "Tomt: nu. Efterregistrering: den verkliga tiden."


def time_fields(*, day_help="Tomt: i dag."):
    """The two fields, by name."""
    return {
        "clock": SwedishTimeField(label="Klockslag", required=False, help_text=AFTERWARDS),
        "day": SwedishDateField(label="Datum", required=False, help_text=day_help),
    }


def true_time(form, words, *, at, day):
    """The moment that the form's `clock` and `day` say, or None where they say nothing; `day` is the day that is meant
    where none is written. What has not come yet is an error of the form."""
    clock, given = words.get("clock"), words.get("day")
    if given and not clock and "clock" not in form.errors:
        form.add_error("clock", "Skriv också klockslaget.")
    if not clock:
        return None
    when = minute(at_local(given or day, clock))
    if when > at:
        form.add_error("clock", "Tiden har inte kommit än. Skriv en tid till och med nu.")
    return when
