"""Statistik: production per unit and period as figures, charts, tables and files (ST-01), and who cancels (PL-09). The
page, the CSV and the workbook are made of the same report. Nothing of a single patient is shown, so no reading of one is logged."""

from django.shortcuts import render
from django.views.decorators.http import require_GET

from classification import statistics
from classification.quality import quality as judge
from scheduling.cancellations import of_units
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError
from sdv.common.time import local, local_date, now
from sdv.desk import downloads
from sdv.desk.forms.statistics import PeriodForm, StatisticsForm
from sdv.desk.presenters import cancellations as cancelled
from sdv.desk.presenters import statistics as presenter
from sdv.desk.presenters import waiting as waiting_words
from sdv.desk.views.waiting import units_of


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def production(request):
    """Filter row, figures, charts with their tables, and every breakdown."""
    at, care_unit = now(), request.actor.care_unit
    form = StatisticsForm(request.GET, today=local_date(at), visit_types=presenter.visit_types_of(care_unit))
    context = {
        "heading": "Statistik",
        "form": form,
        "pages": presenter.pages("statistics", request.actor),
        "query": request.GET.urlencode(),
        "at": at,
        "definitions": presenter.DEFINITIONS,
    }
    if not form.is_valid():
        return render(request, "statistics/production.html", context, status=422)
    report = statistics.production(form.asked(care_unit))
    context |= {"report": report}
    if report.total is not None and not report.is_empty:
        context |= {
            "charts": presenter.production_charts(report),
            "columns": presenter.COLUMNS,
            "total": presenter.cells(report.total),
            "breakdowns": [
                (what, [(group.label, presenter.cells(group.figures)) for group in groups])
                for what, groups in report.breakdowns
                if groups
            ],
        }
    return render(request, "statistics/production.html", context)


def _report(request, at):
    """The report of a file's address; what cannot be read is refused as a form is."""
    care_unit = request.actor.care_unit
    form = StatisticsForm(request.GET, today=local_date(at), visit_types=presenter.visit_types_of(care_unit))
    if not form.is_valid():
        raise InputError(**{name: " ".join(words) for name, words in form.errors.items()})
    return statistics.production(form.asked(care_unit))


def _name(report):
    return f"produktion-{report.asked.first.isoformat()}--{report.asked.last.isoformat()}"


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def production_csv(request):
    """Every number of the page, one group a line."""
    report = _report(request, now())
    return downloads.csv_file(_name(report), presenter.rows(report))


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def production_workbook(request):
    """The same lines in a workbook, with what they mean on a sheet of their own."""
    at = now()
    report = _report(request, at)
    said = presenter.notes(report, request.actor.care_unit, f"{local(at):%Y-%m-%d %H.%M}")
    return downloads.workbook(_name(report), [("Produktion", presenter.rows(report)), ("Så räknas det", said)])


# --- Coding quality -----------------------------------------------------------------------------------------------------


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def quality(request):
    """How much of the unit's care is coded, how soon and how well (ST-01, KL-06)."""
    at = now()
    form = PeriodForm(request.GET, today=local_date(at))
    context = {
        "heading": "Statistik: kodningskvalitet",
        "form": form,
        "pages": presenter.pages("coding-quality", request.actor),
        "query": request.GET.urlencode(),
        "at": at,
        "definitions": presenter.QUALITY_DEFINITIONS,
    }
    if not form.is_valid():
        return render(request, "statistics/quality.html", context, status=422)
    found = judge(request.actor.care_unit, form.cleaned_data["fran"], form.cleaned_data["till"], at=at)
    context |= {
        "found": found,
        "charts": presenter.quality_charts(found) if found.ended else [],
        "rows": list(presenter.quality_rows(found))[1:],
    }
    return render(request, "statistics/quality.html", context)


def _quality(request, at):
    """The quality of a file's address and what the file is called; what cannot be read is refused as a form is."""
    form = PeriodForm(request.GET, today=local_date(at))
    if not form.is_valid():
        raise InputError(**{name: " ".join(words) for name, words in form.errors.items()})
    first, last = form.cleaned_data["fran"], form.cleaned_data["till"]
    found = judge(request.actor.care_unit, first, last, at=at)
    return found, (first, last), f"kodningskvalitet-{first.isoformat()}--{last.isoformat()}"


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def quality_csv(request):
    """Every number of the page."""
    found, _, name = _quality(request, now())
    return downloads.csv_file(name, presenter.quality_rows(found))


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def quality_workbook(request):
    """The same lines in a workbook, with what they mean on a sheet of their own."""
    at = now()
    found, period, name = _quality(request, at)
    said = presenter.quality_notes(request.actor.care_unit, *period, f"{local(at):%Y-%m-%d %H.%M}")
    return downloads.workbook(name, [("Kodningskvalitet", presenter.quality_rows(found)), ("Så räknas det", said)])


# --- Who cancels --------------------------------------------------------------------------------------------------------


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def cancellations(request):
    """Bookings of the period at the units where one reads statistics: cancelled by whom, how late, and how many were not
    kept though nobody cancelled (PL-09, VH-11)."""
    at = now()
    form = PeriodForm(request.GET, today=local_date(at))
    context = {
        "heading": "Statistik: avbokningar",
        "form": form,
        "pages": presenter.pages("cancellations", request.actor),
        "page": "cancellations",
        "workbook": "cancellations-workbook",
        "query": request.GET.urlencode(),
        "at": at,
        "definitions": cancelled.DEFINITIONS,
        "columns": cancelled.COLUMNS,
        "is_read": form.is_valid(),
    }
    if form.is_valid():
        found = of_units(units_of(request.actor, at), first=form.cleaned_data["fran"], last=form.cleaned_data["till"])
        context |= {"sections": [cancelled.section(found)]}
    return render(request, "statistics/units.html", context, status=200 if form.is_valid() else 422)


@permitted(Permission.VIEW_STATISTICS)
@require_GET
def cancellations_workbook(request):
    """The page's numbers in a workbook, with what they mean on a sheet of their own."""
    at = now()
    form = PeriodForm(request.GET, today=local_date(at))
    if not form.is_valid():
        raise InputError(**{name: " ".join(words) for name, words in form.errors.items()})
    first, last = form.cleaned_data["fran"], form.cleaned_data["till"]
    found = of_units(units_of(request.actor, at), first=first, last=last)
    said = waiting_words.notes(first, last, f"{local(at):%Y-%m-%d %H.%M}", cancelled.DEFINITIONS)
    sheets = [("Avbokningar", cancelled.rows(found)), ("Så räknas det", said)]
    return downloads.workbook(f"avbokningar-{first.isoformat()}--{last.isoformat()}", sheets)
