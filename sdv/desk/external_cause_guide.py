"""The guided choice of an external cause (KL-03, R04): what happened, then place (or role) and activity. The lists are
the release's own codes, so that what can be chosen exists; what is put together is looked up once more."""

from dataclasses import dataclass

from classification import rules
from classification.importing.rows import dotted
from classification.judging import coding_date, normalise
from classification.models import Code, CodeLevel
from sdv.common.errors import RuleError

START, CHOOSE, ADD = "yttre", "yttre-val", "yttre-lagg"


@dataclass(frozen=True)
class Guide:
    """A step of the choice for the diagnosis at `place`: first `categories`, then what the category's codes need. Nothing
    is chosen beforehand; `fourth` and `fifth` are what a person had chosen when something was refused."""

    place: int
    diagnosis: str
    key: str
    categories: tuple = ()
    category: str = ""
    title: str = ""
    places: tuple = ()
    activities: tuple = ()
    fourth: str = ""
    fifth: str = ""


def first_step(body, place, encounter):
    """The events to choose among, as the release has them."""
    found = _codes(encounter).filter(level=CodeLevel.CATEGORY).order_by("code").values_list("code", "title")
    return _guide(body, place, categories=tuple((code, f"{code} {title}") for code, title in found))


def second_step(body, place, category, encounter, fourth="", fifth=""):
    """Fourth and fifth character of the category's codes: place (in transport accidents role) and activity."""
    category = normalise(category)
    titles = dict(_codes(encounter).filter(code__startswith=category).values_list("code", "title"))
    if len(category) != 3 or category not in titles:
        raise RuleError("KL-03", "Välj först vad som hände.", code="no_event")
    fourths, fifths = {}, {}
    for code, title in sorted(titles.items()):
        if len(code) > 3:
            parts = title.removeprefix(titles[category]).strip(" -,").split(" - ")
            fourths.setdefault(code[3], parts[0])
            if len(code) == rules.COMPLETE_EXTERNAL_CAUSE:
                fifths.setdefault(code[4], parts[-1])
    return _guide(
        body, place, category=category, title=titles[category], fourth=fourth, fifth=fifth,
        places=tuple((sign, f"{sign} {title}") for sign, title in fourths.items()),
        activities=tuple((sign, f"{sign} {title}") for sign, title in sorted(fifths.items())),
    )  # fmt: skip


def composed(category, fourth, fifth, encounter):
    """The code that the choices make, known to the release and complete. Raises RuleError (KL-03, R04)."""
    base = normalise(category)[:3] + normalise(fourth)[:1]
    wanted = [base + normalise(fifth)[:1], base]
    found = {code.code: code for code in _codes(encounter).filter(code__in=wanted, is_registrable=True)}
    # A code that is complete with four characters takes no activity: the choice of one does not matter there.
    code = found.get(wanted[0]) or found.get(base)
    if code is None and not (normalise(fourth) and normalise(fifth)):
        raise RuleError("KL-03", "Välj plats och aktivitet.", code="no_place")
    if code is None:
        raise RuleError(
            "KL-03", f"{category[:3]} finns inte med den platsen och aktiviteten. Välj en annan.", code="no_such_cause"
        )
    return code


def _codes(encounter):
    return Code.objects.valid_on(coding_date(encounter)).filter(system_id=rules.ICD, is_external_cause=True)


def _guide(body, place, **step):
    rows = body["diagnoses"]
    if not 0 <= place < len(rows):
        raise RuleError("KL-03", "Diagnosen finns inte längre i listan. Läs in sidan igen.", code="gone")
    code = rows[place]["code"]
    return Guide(place, dotted(code), f"{rows[place]['system']}-{code}", **step)
