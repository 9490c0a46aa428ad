"""The tree of a code system (KL-03, KL-05): what lies under a heading, and what a code lies under.

Some lists come without headings (KVÅ's workbook, KSH97-P): their codes are then kept together by the letters that they
begin with, and nobody makes up titles for those."""

from typing import NamedTuple

from django.db.models import Count, Q
from django.db.models.functions import Left

from classification.models import Code, CodeRelease

SURGICAL = "KKA-"
MANY = 60


class Letters(NamedTuple):
    """Codes without heading that begin with the same letters."""

    key: str
    letters: str
    count: int


class Branch(NamedTuple):
    """What lies at a place of the tree."""

    codes: list
    letters: list


def release_on(system, day):
    """The release of the system that is valid on the day, or None."""
    return CodeRelease.objects.select_related("system").ready_on(day).filter(system=system).first()


def _valid(release, day):
    return Code.objects.filter(
        Q(valid_from__isnull=True) | Q(valid_from__lte=day),
        Q(valid_to__isnull=True) | Q(valid_to__gte=day),
        release=release,
        is_derived=False,
    )


def branch(release, day, key=""):
    """What lies directly under the code or the letters, or topmost where no key is given."""
    codes = _valid(release, day)
    children = codes.filter(parent_code=key).order_by("code")
    if key == "":
        loose = children.filter(is_registrable=True)
        if loose.count() > MANY:
            return Branch(list(children.filter(is_registrable=False)), _letters(loose, "chapter"))
        return Branch(list(children), [])
    found = list(children)
    if found or Code.objects.filter(release=release, code=key).exists():
        return Branch(found, [])
    is_surgical = key.startswith(SURGICAL)
    begins = key.removeprefix(SURGICAL)
    loose = codes.filter(parent_code="", is_registrable=True, code__startswith=begins)
    if is_surgical or release.system_id == "kva":
        chapter = f"{SURGICAL if is_surgical else ''}{begins[:1]}"
        loose = loose.filter(chapter=chapter)
    if len(begins) == 1 and loose.count() > MANY:
        return Branch([], _letters(loose, 3 if is_surgical or release.system_id != "kva" else 2))
    return Branch(list(loose.order_by("code")), [])


def _letters(loose, by):
    """Grouped by chapter, or by so many letters within one."""
    if by == "chapter":
        rows = loose.values_list("chapter").annotate(count=Count("pk")).order_by("chapter")
        return [Letters(chapter, chapter.removeprefix(SURGICAL), count) for chapter, count in rows]
    rows = loose.annotate(begins=Left("code", by)).values_list("chapter", "begins").annotate(count=Count("pk"))
    return [
        Letters(f"{SURGICAL if chapter.startswith(SURGICAL) else ''}{begins}", begins, count)
        for chapter, begins, count in sorted(rows)
    ]


_ABOVE = """
WITH RECURSIVE above AS (
    SELECT c.id, c.release_id, c.parent_code, 0 AS steps FROM classification_code c WHERE c.id = %s
    UNION ALL
    SELECT c.id, c.release_id, c.parent_code, above.steps + 1
    FROM above JOIN classification_code c ON c.release_id = above.release_id AND c.code = above.parent_code
    WHERE above.parent_code <> '' AND above.steps < 12
)
SELECT c.* FROM above JOIN classification_code c USING (id) WHERE above.steps > 0 ORDER BY above.steps DESC
"""


def parents_of(code):
    """The headings above a code, the topmost first. One statement."""
    return list(Code.objects.raw(_ABOVE, [code.pk]))


def chapters_of(release, day):
    """The topmost headings of a release, for the chapter filter."""
    return list(_valid(release, day).filter(parent_code="", is_registrable=False).order_by("code"))
