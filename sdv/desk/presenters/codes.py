"""The code catalogue in the words of the page *Koder* (KL-03, KL-05)."""

from typing import NamedTuple

from django.urls import reverse
from django.utils.http import urlencode

from classification import browsing
from classification.models import CodeRelease, System
from sdv.common.presenting import Link, Tag

REMARKS = {"†": "etiologi", "*": "manifestation"}


class Row(NamedTuple):
    """A code, a heading or letters in the list."""

    key: str
    code: str
    title: str
    url: str
    level: str
    tags: tuple
    hint: str = ""


def row(code):
    """A code in a list: what must be known before choosing it."""
    hint = getattr(code, "matched_term", "")
    return Row(
        key=str(code.pk),
        code=code.display,
        title=code.title,
        url=reverse("code", args=[code.system_id, code.code]),
        level=code.get_level_display(),
        tags=tags(code),
        hint=f"sökord: {hint}" if hint else "",
    )


def link(code):
    """A heading above a code."""
    return Link(f"{code.display} {code.title}", reverse("code", args=[code.system_id, code.code]))


def tags(code):
    """Markings with words: never only a sign."""
    found = []
    if code.mark:
        found.append(Tag("info", "", f"{code.mark} {REMARKS[code.mark]}"))
    if code.system_id == System.ICD_10_SE and not code.may_be_main and not code.is_external_cause:
        found.append(Tag("info", "", "Ej huvuddiagnos"))
    if code.is_external_cause and code.is_registrable:
        found.append(Tag("plain", "", "Yttre orsak"))
    if code.is_derived:
        found.append(Tag("plain", "", "Härleds, skrivs inte in"))
    if code.valid_to:
        found.append(Tag("warn", "", f"Gäller till {code.valid_to.isoformat()}"))
    return tuple(found)


def letters_row(system, letters, day):
    """Codes without heading: the letters they begin with, and how many they are."""
    query = urlencode({"kodsystem": system, "bokstaver": letters.key, "datum": day.isoformat()})
    part = "KKÅ, koder" if letters.key.startswith(browsing.SURGICAL) else "Koder"
    return Row(
        key=letters.key,
        code=letters.letters,
        title=f"{part} som börjar på {letters.letters} ({letters.count} st, rubrik saknas i filen)",
        url=f"{reverse('code-catalogue')}?{query}",
        level="bokstäver",
        tags=(),
    )


def system_rows(day):
    """The systems with the release that is valid on the day."""
    valid = {release.system_id: release for release in CodeRelease.objects.ready_on(day)}
    rows = []
    for system in System:
        release = valid.get(system.value)
        query = urlencode({"kodsystem": system.value, "datum": day.isoformat()})
        rows.append(
            (
                Link(system.label, f"{reverse('code-catalogue')}?{query}"),
                release,
                f"{release.valid_from.isoformat()}–{release.valid_to.isoformat() if release.valid_to else 'tills vidare'}"
                if release
                else "",
            )
        )
    return rows


def facts(code):
    """What is known of one code."""
    release = code.release
    ends = code.valid_to or release.valid_to
    return [
        ("Kodsystem", code.system.name),
        ("Nivå", code.get_level_display()),
        ("Kan registreras", "Ja" if code.is_registrable else "Nej, välj en kod under den"),
        ("Utgåva", release.version),
        ("Giltig från", (code.valid_from or release.valid_from).isoformat()),
        ("Giltig till", ends.isoformat() if ends else "Tills vidare"),
    ]


def other_releases(code):
    """The same code in the system's other releases: titles change while codes stay."""
    rows = (
        type(code)
        .objects.filter(system=code.system_id, code=code.code, release__state="ready")
        .exclude(pk=code.pk)
        .select_related("release")
        .order_by("-release__valid_from")
    )
    return [
        (row.release.version, row.title, row.release.valid_from, row.valid_to or row.release.valid_to) for row in rows
    ]
