"""A delivery in the words of its pages (PAR-01). Contacts are told by the vårdhändelse's number, never by who it is."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from classification.register import review
from classification.register.fields import SUBSETS
from sdv.desk.context import address
from sdv.organisation.models import CareUnit

MOST_SHOWN = 50
# What each kind of finding is called where they are counted.
KINDS = {
    "identity_missing": "Personidentitet saknas",
    "hospital_missing": "Sjukhuskod saknas",
    "hospital_unknown": "Okänd sjukhuskod",
    "mvo_missing": "MVO saknas",
    "mvo_unknown": "Okänt MVO",
    "dead_before": "Avliden före kontakten",
    "way_out_missing": "Utsätt saknas",
    "main_diagnosis_missing": "Huvuddiagnos saknas",
    "code_not_valid": "Koden gällde inte",
    "procedure_date_missing": "Åtgärd utan datum",
    "not_writable": "Ryms inte i layouten",
    "not_complete": "Klassificeringen är inte klar",
    "external_cause_missing": "Yttre orsak saknas",
    "coercion_form": "Tvångsåtgärd utan psykiatrisk vårdform",
    "not_derived": "Kod kunde inte härledas",
    "emergency_unknown": "Akutmottagningens slag saknas",
    "overlapping_stay": "Vårdtillfällen som går i varandra",
    "gone": "Var med förra gången",
}


@dataclass
class Told:
    """What is said of a contact of one's own unit."""

    number: int
    url: str
    detail: str
    is_error: bool


@dataclass
class Summary:
    """Findings counted by kind, and those of one's own unit to open."""

    errors: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    own: list = field(default_factory=list)
    own_count: int = 0


def summary(findings, care_unit):
    """`findings` are (is_error, code, detail, encounter id, number, unit id), as made or as kept. One's own are told one
    contact a line."""
    counted = {True: Counter(), False: Counter()}
    told, lines = Summary(), {}
    for is_error, code, detail, pk, number, unit in findings:
        counted[is_error][code] += 1
        if unit == care_unit.pk:
            line = lines.setdefault(number, Told(number, address("encounter", pk), "", False))
            line.detail, line.is_error = f"{line.detail} {detail}".strip(), line.is_error or is_error
    told.own, told.own_count = list(lines.values())[:MOST_SHOWN], len(lines)
    for is_error, rows in ((True, told.errors), (False, told.warnings)):
        rows += [(KINDS.get(code, code), count) for code, count in counted[is_error].most_common()]
    return told


@dataclass
class Review:
    """The delivery as a whole: shares of what is missing, one's own unit's months, and months of any that stand out."""

    shares: list
    months: list
    far: list


def review_of(told, care_unit):
    """What was kept or would be, in words (PAR-01). Other units are named where they stand out; nobody is."""
    shares, volumes = review.read(told)
    names = dict(CareUnit.objects.filter(pk__in={each.unit for each in volumes}).values_list("pk", "name"))
    own = str(care_unit.pk)
    return Review(
        shares=[
            {
                "words": f"{review.WORDS[share.measure]}, {SUBSETS[share.subset].lower()}",
                "count": f"{share.missing} av {share.of}",
                "percent": _percent(share.percent),
                "usual": "inget publicerat" if share.usual is None else _percent(share.usual),
                "is_far": share.is_far,
            }
            for share in shares
        ],
        months=[_month(each, names) for each in volumes if each.unit == own],
        far=[_month(each, names) for each in volumes if each.is_far and each.unit != own],
    )


def _month(volume, names):
    return {
        "unit": names.get(UUID(volume.unit), "okänd enhet"),
        "month": f"{volume.month:%Y-%m}",
        "count": volume.count,
        "usual": "–" if volume.usual is None else f"{volume.usual:.0f}",
        "is_far": volume.is_far,
    }


def _percent(number):
    return f"{number:.1f} %".replace(".", ",")


def prepared_findings(prepared):
    """The findings of a delivery that would be made now."""
    for who, finding in prepared.findings:
        yield finding.is_error, finding.code, finding.detail, who.pk, who.number, who.care_unit_id


def kept_findings(delivery):
    """The findings that were kept with a delivery."""
    return delivery.findings.values_list(
        "is_error", "code", "detail", "encounter_id", "encounter__number", "encounter__care_unit_id"
    )


def own_left_out(prepared, care_unit):
    """One's own contacts that are not delivered, each with why not; and how many there are."""
    own = [
        Told(who.number, address("encounter", who.pk), sentence, False)
        for who, sentence in prepared.left_out
        if who.care_unit_id == care_unit.pk
    ]
    return own[:MOST_SHOWN], len(own)


def refused_rows(prepared):
    """(why not, how many), the most usual first."""
    by_sentence = Counter()
    for (_, sentence), count in prepared.refused.items():
        by_sentence[sentence] += count
    return by_sentence.most_common()
