"""The tab Logg: who has read and changed the patient, and the extract for the patient to take home (PDL)."""

from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_POST

from registration import presenters
from sdv.accounts.models import AccessAction, AccessLogEntry
from sdv.accounts.permissions import Permission
from sdv.common.time import local_date, now

from ..forms.log import LogFilter
from ..patient_access import patient_page
from ..presenters import log as presenter
from .patient_tabs import page_of_patient

PAGE = 100
LONGEST_EXTRACT = 5000


@patient_page(Permission.VIEW_ACCESS_LOG, what="åtkomstlogg", asks_for_reason=False)
def log(request, patient):
    """The access log as filtered, newest first; the patient's history with what was undone; which fields changed."""
    records = patient.record_ids()
    sent = {name: value for name, value in request.GET.items() if name != "fore"}
    form = LogFilter(sent or {}, choices=presenter.choices_of(records))
    rows, older = [], ""
    if form.is_valid():
        entries = _entries(records, form)
        if before := request.GET.get("fore", ""):
            try:
                entries = entries.filter(pk__lt=before)
            except ValidationError:
                raise Http404 from None
        page = list(entries[: PAGE + 1])
        rows = page[:PAGE]
        older = f"?{urlencode({**sent, 'fore': rows[-1].pk})}" if len(page) > PAGE else ""
    return page_of_patient(
        request,
        patient,
        "patients/log.html",
        "patient-log",
        "Logg",
        now(),
        status=422 if form.errors else 200,
        form=form,
        rows=rows,
        older=older,
        events=presenter.history_of(records, most=PAGE),
        changes=presenter.changes_of(records, most=PAGE),
    )


def _entries(records, form):
    return AccessLogEntry.objects.about(records).narrowed(**form.asked)


@require_POST
@patient_page(Permission.VIEW_ACCESS_LOG, what="loggutdrag", asks_for_reason=False, post=AccessAction.PRINT)
def extract(request, patient):
    """The register of who has read, to print and hand over; that it was made stands in the log. A POST, because it is
    an act: a reload asks first."""
    at, records = now(), patient.record_ids()
    form = LogFilter(request.POST, choices=presenter.choices_of(records))
    rows = list(_entries(records, form)[: LONGEST_EXTRACT + 1]) if form.is_valid() else []
    seen = presenters.shown(patient, on=local_date(at))
    context = {
        "heading": "Utdrag ur åtkomstloggen",
        "patient_id": patient.pk,
        "seen": seen,
        "form": form,
        "made_at": at,
        "lines": presenter.lines_for_patient(rows[:LONGEST_EXTRACT]),
        "is_cut": len(rows) > LONGEST_EXTRACT,
        "first": form.cleaned_data.get("from_day") if not form.errors else None,
        "last": form.cleaned_data.get("to_day") if not form.errors else None,
        "unit": request.actor.care_unit,
    }
    return render(request, "patients/log_extract.html", context, status=422 if form.errors else 200)
