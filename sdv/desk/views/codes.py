"""Koder: searching and browsing the code systems by themselves (KL-03, KL-05). No patient is read here."""

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from classification import browsing
from classification.judging import normalise
from classification.models import Code, System
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.time import local_date, now
from sdv.desk.forms.codes import SYSTEMS, CodeSearchForm
from sdv.desk.presenters import codes as presenter

MOST_HITS = 100


@permitted(Permission.VIEW_CATALOGUES)
@require_GET
def catalogue(request):
    """Search, or what lies topmost in a system, or the systems."""
    today = local_date(now())
    system = request.GET.get("kodsystem", "")
    release = browsing.release_on(system, today) if system in System.values else None
    chapters = browsing.chapters_of(release, today) if release else []
    form = CodeSearchForm(request.GET, chapters=[(code.code, f"{code.display} {code.title}") for code in chapters])
    if not form.is_valid():
        return render(request, "codes/list.html", {"heading": "Koder", "form": form}, status=422)
    asked = form.cleaned_data
    day = asked["datum"] or today
    context = {"heading": "Koder", "form": form, "day": day, "text": asked["sok"]}
    if asked["sok"].strip():
        found = Code.objects.search(
            asked["sok"], SYSTEMS[asked["kodsystem"]] if asked["kodsystem"] else SYSTEMS["diagnoser-atgarder"], day,
            MOST_HITS + 1, chapter=asked["kapitel"],
        )  # fmt: skip
        context |= {"rows": [presenter.row(code) for code in found[:MOST_HITS]], "more": len(found) > MOST_HITS}
    elif system in System.values:
        release = browsing.release_on(system, day)
        key = asked["kapitel"] or request.GET.get("bokstaver", "")[:12]
        branch = browsing.branch(release, day, key) if release else browsing.Branch([], [])
        rows = [presenter.row(code) for code in branch.codes]
        rows += [presenter.letters_row(system, letters, day) for letters in branch.letters]
        context |= {"rows": rows, "release": release, "system": System(system).label}
    else:
        context |= {"systems": presenter.system_rows(day)}
    return render(request, "codes/list.html", context)


@permitted(Permission.VIEW_CATALOGUES)
@require_GET
def code(request, system, code):
    """One code: where it stands, what the official text says, what lies under it."""
    if system not in System.values:
        raise Http404
    form = CodeSearchForm(request.GET)
    form.is_valid()
    day = form.cleaned_data.get("datum") or local_date(now())
    row = (
        Code.objects.select_related("release", "system")
        .valid_on(day)
        .filter(system=system, code=normalise(code))
        .first()
    )
    if row is None:
        raise Http404
    parents = browsing.parents_of(row)
    context = {
        "heading": f"{row.display} {row.title}",
        "code": row,
        "tags": presenter.tags(row),
        "facts": presenter.facts(row),
        "parents": [presenter.link(parent) for parent in parents],
        "rows": [presenter.row(child) for child in browsing.branch(row.release, day, row.code).codes],
        "relations": row.relations.all(),
        "terms": row.synonyms.exclude(source__in=("Innefattar", "Exempel", "Latin")),
        "others": presenter.other_releases(row),
        "top": f"{reverse('code-catalogue')}?{urlencode({'kodsystem': system})}",
    }
    return render(request, "codes/code.html", context)
