"""Platser: who lies where, as a list and as a map; and inskrivning of somebody at the unit (VH-03, VH-09)."""

from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from registration import presenters, type_choice
from registration.actions import admissions
from registration.type_choice import DIRECT_ADMISSION
from scheduling.actions import first_contacts
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.presenting import Key, Link
from sdv.common.time import local, local_date, now
from sdv.desk.forms.day import IDENTITY_SHOWN
from sdv.desk.forms.stays import AdmissionForm
from sdv.desk.presenters import wards as presenter
from sdv.desk.receipts import leave_receipt
from sdv.desk.recent import remember_patient
from sdv.desk.repeats import insisted, is_own_arrival_again
from sdv.desk.views.unbooked import named_patient

MAP = "karta"
KEYS = (
    Key(("↑", "↓"), "byt rad"),
    Key(("P",), "byt plats"),
    Key(("U",), "skriv ut"),
    Key(("M",), "permission"),
    Key(("S",), "städad"),
    Key(("F",), "född"),
    Key(("I",), "skriv in väntad"),
    Key(("N",), "skriv in"),
)


@never_cache
@require_GET
@permitted(Permission.VIEW_ENCOUNTERS)
def ward(request):
    """The board of the session's unit."""
    at, unit = now(), request.actor.care_unit
    board = presenter.board(unit, request.actor, at=at, back=request.get_full_path())
    log_access(actor=request.actor, patients=sorted(map(str, board.patients)), what="platser", at=at)
    shown = request.GET.get("visa", "")
    chips = [
        Link("Lista", reverse("ward"), current=shown != MAP),
        Link("Karta", f"{reverse('ward')}?visa={MAP}", current=shown == MAP),
    ]
    context = {
        "heading": "Platser",
        "clock": local(at).strftime("%H:%M"),
        "board": board,
        "is_map": shown == MAP,
        "chips": chips,
        "figures": [
            ("Platser", len(board.spots)),
            ("Upptagna", board.count(presenter.TAKEN) + board.count(presenter.ON_LEAVE)),
            ("Lediga", board.count(presenter.FREE)),
            ("Ska städas", board.count(presenter.TO_CLEAN)),
            ("Utan plats", len(board.waiting)),
            ("Väntade", len(board.expected) + board.more_expected),
        ],
        "admits": type_choice.registers(unit.kind, DIRECT_ADMISSION),
        "may_register": request.actor.may(Permission.REGISTER_ENCOUNTERS),
        "keys": KEYS,
    }
    return render(request, "stays/ward.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@permitted(Permission.REGISTER_ENCOUNTERS)
def admission(request):
    """Inskrivning now, to a place or not yet; or planned for a day (VH-03 f, g)."""
    at, unit = now(), request.actor.care_unit
    patient, identity_error = named_patient(request, local_date(at))
    initial = {"place": request.GET.get("plats", ""), "identity_shown": IDENTITY_SHOWN[0]}
    form = AdmissionForm(
        request.POST if request.method == "POST" else None,
        care_unit=unit,
        at=at,
        patient=patient if _is_given(request) else None,
        initial=initial,
    )
    if request.method == "POST":
        if identity_error and "identity" in form.fields and request.POST.get("identity"):
            form.add_error("identity", identity_error)
        if form.is_valid() and patient:
            log_access(actor=request.actor, patients=[patient.pk], what="inskrivning", at=at, action="write")
            return _admitted(request, unit, patient, form.cleaned_data, at)
    context = {
        "heading": "Skriv in",
        "form": form,
        "patient": patient if _is_given(request) else None,
        "band": presenters.band(patient, at=at) if patient and _is_given(request) else None,
        "back": reverse("ward"),
        "button": "Spara inskrivning",
    }
    return render(request, "stays/who.html", context, status=422 if form.errors else 200)


def _is_given(request):
    return bool(request.POST.get("patient") or request.GET.get("patient"))


def _admitted(request, unit, patient, words, at):
    try:
        text = _admit(request, unit, patient, words, at)
    except RuleError as refused:
        if not is_own_arrival_again(request, refused, at=at):
            raise
        return redirect("ward")
    remember_patient(request, patient)
    leave_receipt(request, at=at, text=text, whom=patient)
    return redirect("ward")


def _admit(request, unit, patient, words, at):
    by, admitted_from = request.actor.user, words["admitted_from"]
    if words["expected_start"]:
        admissions.plan_admission(
            patient_id=patient.pk,
            care_unit=unit,
            expected_start=words["expected_start"],
            expected_discharge_on=words["expected_discharge_on"],
            admitted_from=admitted_from,
            by=by,
            at=at,
        )
        return "Inskrivning planerad för"
    first_contacts.begin(
        patient_id=patient.pk,
        care_unit=unit,
        situation=DIRECT_ADMISSION,
        requires_place=True,
        admitted_from=admitted_from,
        expected_discharge_on=words["expected_discharge_on"],
        place_id=words["place"] or None,
        identity_shown=words["identity_shown"],
        by=by,
        at=words["at"],
        **insisted(request),
    )
    return "Inskriven:"
