"""The coding list and the coding of one contact, as their pages show them (KL-01…KL-06)."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Prefetch
from django.urls import reverse

from classification import rules
from classification.browsing import parents_of
from classification.derived import Part
from classification.deriving import derived_of
from classification.judging import body_of_coding, coding_date, findings_for, normalise, resolved
from classification.models import Code, CodedDiagnosis, CodedProcedure, CodeLevel, EncounterCoding, FavouriteCode
from classification.near import near
from classification.presenters import history
from classification.waiting import mine, with_coder
from registration.encounter_types import TYPES
from registration.lifecycle import Status
from registration.models import Encounter, EncounterParticipant
from sdv.common.presenting import Option, OptionGroup, Tag
from sdv.common.time import local_date
from sdv.desk import coding_draft
from sdv.desk.presenters.rows import Cell, RowButton, WorkList, row_of, with_identities

# Searched together, in the order they are shown; KSH97-P is for old records only.
SYSTEMS = (rules.ICD, rules.KVA, rules.REGIONAL, rules.ATC)
GROUPS = {rules.KVA: "Åtgärder (KVÅ)", rules.REGIONAL: "Regionala koder", rules.ATC: "Läkemedel (ATC)"}
MOST_HITS = 20
FAVOURITES = 6
# What an external cause or a substance may be put under.
OWNERS = ("Huvuddiagnos", "Bidiagnos", "Åtgärd")
FAVOURITE_DAYS = timedelta(days=30)
CATEGORY = re.compile(r"[A-Z]\d\d")


# --- The list -------------------------------------------------------------------------------------------------------


MINE = "mina"
# The list as somebody looks at it is kept through the coding of one contact and on to the next.
KEPT = f"?visa={MINE}"


def row(encounter, actor, at, *, kept=""):
    """The contact as a row of the list; `kept` is how the list is looked at."""
    today = local_date(at)
    url = reverse("encounter-coding", args=[encounter.pk]) + kept
    waited = (today - local_date(encounter.end)).days
    return row_of(
        encounter,
        on=today,
        url=url,
        cells=[
            Cell(local_date(encounter.end).isoformat(), Tag("warn", "clock", _days(waited)) if waited else None, True),
            Cell(encounter.visit_type.name if encounter.visit_type else encounter.type.name, grow=True),
            Cell(encounter.contact_reason.name if encounter.contact_reason else "", grow=True),
            Cell(_who(encounter)),
            Cell(encounter.coder_name or "", _begun(encounter)),
        ],
        buttons=[RowButton("Klassificera", url, "K")],
        version=encounter.version,
    )


def _who(encounter):
    """The main responsible vårdgivare, and how many more took part (BO-02)."""
    parts = sorted(encounter.participants.all(), key=lambda part: not part.is_main_responsible)
    if not parts:
        return ""
    return str(parts[0].practitioner) + (f" och {len(parts) - 1} till" if len(parts) > 1 else "")


def _begun(encounter):
    if encounter.coder_name or hasattr(encounter, "coding"):
        return Tag("busy", "busy", "Påbörjad")
    return Tag("warn", "warn", "Ej klassificerad")


def _days(count):
    return "1 dag" if count == 1 else f"{count} dagar"


LIST = WorkList(
    "coding",
    "Klassificering",
    "Avslutade kontakter som inte är klassificerade, äldst först.",
    "Allt är klassificerat.",
    "end",
    ("Avslutad", "Besökstyp", "Vårdkontaktsorsak", "Vårdgivare", "Kodas av"),
    lambda unit, at: Encounter.objects.to_code().filter(care_unit=unit),
    row,
    owner="coder",
)


def rows_of(unit, *, at, owner=None):
    """The list's rows at the unit, with all that a row shows; `owner` keeps one user's own."""
    rows = with_coder(LIST.rows(unit, at))
    return (
        (mine(rows, owner) if owner else rows)
        .select_related("patient", "type", "visit_type", "contact_reason", "coding")
        .prefetch_related(
            with_identities(),
            Prefetch("participants", queryset=EncounterParticipant.objects.select_related("practitioner")),
        )
    )


def next_after(encounter, unit, *, owner=None):
    """The contact to code after this one: the next in the list, from its beginning where this was the last; `owner`
    keeps to one user's own."""
    others = with_coder(unit.encounters.to_code().exclude(pk=encounter.pk))
    others = (mine(others, owner) if owner else others).order_by("end", "pk")
    if encounter.end:
        later = others.filter(end__gte=encounter.end).exclude(end=encounter.end, pk__lt=encounter.pk).first()
        if later:
            return later
    return others.first()


# --- One contact ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CodeRow:
    """A code of the draft: where it stands (`place`, how the form names it), how it reads, what there is to say."""

    place: str
    kind: str
    tone: str
    key: str
    system: str
    code: str
    display: str
    title: str
    findings: tuple
    is_unsaved: bool = False
    can_move: bool = False
    is_first: bool = False
    is_last: bool = False
    is_under: bool = False
    is_injury: bool = False
    is_favourite: bool = False
    number: int | None = None
    date: object = None


@dataclass(frozen=True)
class Overtaken:
    """Somebody saved the coding while the draft was worked with (PL-27): who, when, and what came and went."""

    by: str
    at: datetime
    version: int
    added: tuple
    removed: tuple


def overtaken(coding):
    """What the latest change of the coding did."""
    last = coding.history.select_related("by").order_by("-id").first()
    told = history(last)
    return Overtaken(told["by"], last.registered_at, coding.version, tuple(told["added"]), tuple(told["removed"]))


def panel(
    encounter,
    body,
    saved_body,
    *,
    titles,
    version,
    is_complete,
    said="",
    refused=None,
    guide=None,
    overtaken=None,
    user=None,
):
    """What the panel shows of a draft: its codes in order, the findings under each, and whether it may be klar. `titles`
    are those that saved codes were chosen with (KL-05)."""
    findings, codes = findings_for(encounter, body)
    saved = coding_draft.all_keys(saved_body)
    by_code = {}
    for finding in findings:
        by_code.setdefault(finding.about, []).append(finding)
    told, places = set(), Counter()
    own = set(user.favourite_codes.values_list("system_id", "code")) if user else set()

    def shown(place, kind, tone, system, code, **more):
        known = codes.get((system, code))
        # A finding about a code that stands twice is said once.
        here = () if code in told else tuple(by_code.get(code, ()))
        told.add(code)
        places[system, code] += 1
        again = f"-{places[system, code]}" if places[system, code] > 1 else ""
        return CodeRow(
            place=place,
            kind=kind,
            tone=tone,
            key=f"{system}-{code}{again}",
            system=system,
            code=code,
            display=known.display if known else code,
            title=titles.get(known.pk, known.title) if known else "Okänd kod",
            findings=here,
            is_unsaved=(system, code) not in saved,
            is_favourite=(system, code) in own,
            **more,
        )

    diagnoses, last = [], len(body["diagnoses"]) - 1
    for place, row in enumerate(body["diagnoses"]):
        kind, tone = ("Huvuddiagnos", "info") if place == 0 else ("Bidiagnos", "")
        diagnoses.append(
            shown(
                f"d:{place}", kind, tone, row["system"], row["code"],
                can_move=last > 0, is_first=place == 0, is_last=place == last,
                is_injury=bool(rules.INJURY.match(row["code"])),
            )
        )  # fmt: skip
        for position, code in enumerate(row["external_causes"]):
            diagnoses.append(shown(f"d:{place}:x:{position}", "Yttre orsak", "", rules.ICD, code, is_under=True))
        for position, code in enumerate(row["atc"]):
            diagnoses.append(shown(f"d:{place}:a:{position}", "Läkemedel", "", rules.ATC, code, is_under=True))
    procedures = []
    for place, row in enumerate(body["procedures"]):
        procedures.append(shown(f"p:{place}", "Åtgärd", "", row["system"], row["code"], number=place, date=row["date"]))
        for position, code in enumerate(row["atc"]):
            procedures.append(shown(f"p:{place}:a:{position}", "Läkemedel", "", rules.ATC, code, is_under=True))
    procedures += [shown(f"k:{place}", "Läkemedel", "", rules.ATC, code) for place, code in enumerate(body["atc"])]
    errors = [finding for finding in findings if finding.severity == rules.Severity.ERROR]
    return {
        "diagnoses": diagnoses,
        "procedures": procedures,
        # That the main diagnosis is missing is no news before anything is written.
        "general": [finding for finding in findings if finding.about not in told and (told or refused)],
        "tokens": coding_draft.tokens(body),
        "version": version,
        "is_complete": is_complete,
        "may_be_complete": encounter.status == Status.ENDED,
        "has_errors": bool(errors),
        "is_unsaved": body != saved_body,
        "said": said,
        "refused": refused,
        "guide": guide,
        "overtaken": overtaken,
        "owners": [row for row in (*diagnoses, *procedures) if row.kind in OWNERS],
    }


def display_of(code, found):
    """A code as it is written, from codes that were looked up."""
    return next((row.display for (_, key), row in found.items() if key == code), code)


def additions(encounter):
    """What reporting adds by itself and why (PS-04, DI-05, DI-08); never the XS codes, which are not shown (KL-04)."""
    told = derived_of(encounter).of(Part.ADDITION)
    return ", ".join(f"{code.code} {code.title} ({code.reason})" for code in told)


def taking_part(encounter):
    """Who took part, the main responsible first: all of them may code (BO-02)."""
    parts = encounter.participants.select_related("practitioner", "profession").order_by("-is_main_responsible", "id")
    told = [f"{part.practitioner}, {part.profession.name.lower()}" for part in parts]
    if len(told) > 1:
        told[0] += " (huvudansvarig)"
    return "; ".join(told)


def refusal(encounter):
    """Why the contact may not be coded now (VH-20, KL-01), or None."""
    return rules.refusal(TYPES[encounter.type_id], encounter.status)


def previous_coding(encounter):
    """The latest earlier contact of the patient at the unit that has codes: its day and its codes, or None."""
    coding = (
        EncounterCoding.objects.filter(
            encounter__patient_id=encounter.patient_id,
            encounter__care_unit_id=encounter.care_unit_id,
            encounter__start__lt=encounter.start,
            diagnoses__isnull=False,
        )
        .select_related("encounter")
        .prefetch_related(
            "diagnoses__code", "diagnoses__external_causes__code", "diagnoses__atc__code",
            "procedures__code", "procedures__atc__code", "atc__code",
        )
        .order_by("-encounter__start", "-encounter_id")
        .first()
    )  # fmt: skip
    return (local_date(coding.encounter.start), body_of_coding(coding)) if coding else None


# --- Search -----------------------------------------------------------------------------------------------------------


def found_code(text, encounter):
    """The code that a typed text means: `system:code` from the list, a code as written, else the likeliest hit that
    begins as typed. None where nothing is meant."""
    on, text = coding_date(encounter), _readable(text)
    system, separator, code = text.partition(":")
    if separator and system in SYSTEMS:
        return resolved([(system, code)], on).get((system, code))
    hits = Code.objects.search(text, SYSTEMS, on, 1, registrable=True)
    return hits[0] if hits else None


def _readable(text):
    """What was typed, without characters that nobody types."""
    return "".join(sign for sign in text if sign.isprintable()).strip()


def options(text, encounter, user, unit, *, at):
    """The groups of the combobox: what the text may mean, or the usual codes where nothing is typed."""
    on, text = coding_date(encounter), _readable(text)
    if not text:
        return favourites(user, unit, on, at=at)
    groups = {}
    nearest = near(encounter, user, at=at)
    for code in Code.objects.search(text, SYSTEMS, on, MOST_HITS, near=nearest, registrable=True):
        label = GROUPS.get(code.system_id) or ("Yttre orsaker" if code.is_external_cause else "Diagnoser (ICD-10-SE)")
        groups.setdefault(label, []).append(_option(code))
    return [OptionGroup(label, tuple(rows)) for label, rows in groups.items()]


def nearest_heading(text, encounter):
    """Where to look when no code was found: the heading that the words name, or the category that the code begins as;
    with the chapter it lies in. An empty text where there is none."""
    on, text = coding_date(encounter), _readable(text)
    found = None
    if text and not (found := next(iter(Code.objects.search(text, SYSTEMS, on, 1)), None)):
        found = _category_of(normalise(text), on)
    if found is None:
        return ""
    above = [row for row in parents_of(found) if row.level == CodeLevel.CHAPTER]
    return " i ".join(f"{row.display} {row.title}" for row in (found, *above))


def _category_of(code, on):
    """The ICD-10-SE category that a typed code begins as; without the category itself, the one before it."""
    if not CATEGORY.match(code):
        return None
    rows = Code.objects.valid_on(on).filter(system_id=rules.ICD, level=CodeLevel.CATEGORY, code__startswith=code[:1])
    return rows.filter(code__lte=code[:3]).order_by("-code").first() or rows.order_by("code").first()


def _option(code, hint=""):
    term = getattr(code, "matched_term", "")
    words = [hint or (f"sökord: {term}" if term else "")]
    words += [f"ej giltig från {(code.valid_to + timedelta(days=1)).isoformat()}"] if code.valid_to else []
    tag = None
    if code.system_id == rules.ICD and not code.may_be_main and not code.is_external_cause:
        tag = Tag("", "info", "Ej huvuddiagnos")
    return Option(
        text=code.title,
        value=f"{code.system_id}:{code.code}",
        code=code.display,
        hint=", ".join(word for word in words if word),
        tag=tag,
    )


def favourites(user, unit, on, *, at):
    """The first suggestions: chosen favourites, one's own and the unit's, then the codes most used the last month, one's
    own and the unit's, with how often. Each code once."""
    counts = {}
    groups = [
        ("Mina favoriter", _chosen_by(user=user)),
        ("Enhetens favoriter", _chosen_by(care_unit=unit)),
        ("Mina vanliga", _most_used({"coding__encounter__care_unit": unit, "coding__completed_by": user}, at, counts)),
        ("Enhetens vanliga", _most_used({"coding__encounter__care_unit": unit}, at, counts)),
    ]
    codes = resolved([key for _, keys in groups for key in keys], on)
    shown, seen = [], set()
    for label, keys in groups:
        usable = [key for key in keys if key in codes and codes[key].is_valid and key not in seen]
        seen |= set(usable)
        if usable:
            shown.append(OptionGroup(label, tuple(_option(codes[key], _times(counts.get(key))) for key in usable)))
    return shown


def _times(count):
    return "" if count is None else "1 gång" if count == 1 else f"{count} gånger"


def _chosen_by(**owner):
    rows = FavouriteCode.objects.filter(is_active=True, **owner).order_by("system_id", "code")
    return list(rows.values_list("system_id", "code"))


def _most_used(where, at, counts):
    counted = []
    for model in (CodedDiagnosis, CodedProcedure):
        rows = (
            model.objects.filter(coding__encounter__start__gte=at - FAVOURITE_DAYS, **where)
            .values_list("code__system_id", "code__code")
            .annotate(used=Count("pk"))
            .order_by("-used", "code__code")[:FAVOURITES]
        )
        counted += [((system, code), used) for system, code, used in rows]
    most = sorted(counted, key=lambda row: -row[1])[:FAVOURITES]
    for key, used in most:
        counts.setdefault(key, used)
    return [key for key, _ in most]
