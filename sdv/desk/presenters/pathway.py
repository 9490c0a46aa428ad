"""A vårdåtagande's line as the patient's page reads it: a list of steps, the idle gaps among them (PL-11)."""

from scheduling.pathway import Gap
from sdv.common.presenting import Step, Tag

from .rows import days_in_words


def steps_of(line):
    """The steps of the timeline; a gap is marked and says its days."""
    return [_gap(each) if isinstance(each, Gap) else _point(each) for each in line]


def _gap(gap):
    words = f"{days_in_words(gap.days)} utan händelse"
    return Step(words, (f"{gap.first.isoformat()} – {gap.last.isoformat()}",), "done", Tag("warn", "clock", "Väntan"))


def _point(point):
    return Step(point.what, (point.day.isoformat(),), "next" if point.is_ahead else "done")
