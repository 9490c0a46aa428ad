"""A vårdhändelse: its page, and the acts that end, correct or take back (VH-16, VH-12, PL-13)."""

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from registration.actions import encounters
from registration.lifecycle import Status
from registration.presenters import encounter_relations, load
from scheduling.actions import check_out
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.errors import NotPermitted, RuleError
from sdv.common.time import local_date, now
from sdv.desk import encounter_actions, repeats
from sdv.desk.answers import saved, sheet, way_back
from sdv.desk.forms.encounter import ReasonForm, TypeForm
from sdv.desk.forms.stays import DischargeForm
from sdv.desk.presenters import encounter as presenter
from sdv.desk.presenters.patient import band_of, frame_of
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.flows import cancellation, correction

GET_AND_POST = ("GET", "HEAD", "POST")


def of_unit(request, pk):
    """The encounter of the session's unit, with what its page shows; another unit's is 404."""
    rows = request.actor.care_unit.encounters.with_details().select_related("appointment", "commitment__problem_code")
    return get_object_or_404(rows, pk=pk)


def _log(request, encounter, what, at):
    log_access(
        actor=request.actor,
        patients=[encounter.patient_id],
        what=what,
        at=at,
        resource_id=encounter.pk,
        care_unit_id=encounter.care_unit_id,
    )


@permitted(Permission.VIEW_ENCOUNTERS)
@require_GET
def encounter(request, pk):
    """The page of one vårdhändelse (ui.md 4.9)."""
    at = now()
    row = of_unit(request, pk)
    context = frame_of(request, load(row.patient_id), at=at, tab="patient-encounters")
    context |= presenter.page(row, request.actor, at=at)
    context["relations"] = encounter_relations(row, on=local_date(at))
    may_edit = request.actor.may(Permission.EDIT_PATIENTS) and request.actor.may(Permission.REGISTER_ENCOUNTERS)
    context["may_edit_relations"] = may_edit and not row.patient.is_protected
    _log(request, row, "vårdhändelse", at)
    return render(request, "encounter/page.html", context)


# --- Acts: a form that asks for the reason where one is needed, then the act ------------------------------------------


@permitted(Permission.REGISTER_ENCOUNTERS)
@require_http_methods(GET_AND_POST)
def discharge(request, pk):
    """Utskrivning by hand, also of a cancelled or unused pre-registration (VH-16, VH-22); of a stay with its ways in and
    out (VH-23)."""

    def act(row, form, at):
        cancellation.end_by_hand(encounter_id=row.pk, by=request.actor.user, at=form.cleaned_data["at"], **form.ways())

    return act_on(
        request, pk, encounter_actions.DISCHARGE, act, text="Vårdhändelsen är avslutad för", form_of=DischargeForm
    )


@permitted(Permission.ANNUL)
@require_http_methods(GET_AND_POST)
def annul(request, pk):
    """Annullering of what was made by mistake, with its reason (VH-12)."""

    def act(row, form, at):
        cancellation.annul(encounter_id=row.pk, reason=form.cleaned_data["reason"], by=request.actor.user, at=at)

    return act_on(request, pk, encounter_actions.ANNUL, act, text="Vårdhändelsen är annullerad för")


@permitted(Permission.CORRECT)
@require_http_methods(GET_AND_POST)
def reopen(request, pk):
    """Opens an ended vårdhändelse for correction (PL-13)."""

    def act(row, form, at):
        correction.reopen(encounter_id=row.pk, reason=form.cleaned_data["reason"], by=request.actor.user, at=at)

    return act_on(request, pk, encounter_actions.REOPEN, act, text="Vårdhändelsen är öppnad igen för")


@permitted(Permission.REGISTER_ENCOUNTERS)
@require_http_methods(GET_AND_POST)
def change_type(request, pk):
    """A change of type by hand (VH-13, VH-24)."""

    def act(row, form, at):
        encounters.change_type(
            encounter_id=row.pk,
            new_type_code=form.cleaned_data["new_type"],
            reason=form.cleaned_data["reason"],
            by=request.actor.user,
            at=at,
        )

    return act_on(request, pk, encounter_actions.CHANGE_TYPE, act, text="Typen är ändrad för")


@permitted(Permission.VIEW_ENCOUNTERS)
@require_http_methods(GET_AND_POST)
def undo(request, pk, action):
    """Takes back an arrival, a no-show or a check-out: one's own within five minutes, else by those who may correct,
    with a reason (PL-13)."""
    name = action.replace("-", "_")
    if name not in encounter_actions.UNDOES:
        raise Http404

    def act(row, form, at):
        by, reason = request.actor.user, form.cleaned_data["reason"]
        if name == encounter_actions.UNDO_CHECK_OUT:
            check_out.undo(encounter_id=row.pk, by=by, at=at, reason=reason)
        elif not hasattr(row, "appointment"):
            correction.undo_admission(encounter_id=row.pk, by=by, at=at, reason=reason)
        else:
            correction.undo_appointment(appointment_id=row.appointment.pk, by=by, at=at, reason=reason)

    texts = {
        encounter_actions.UNDO_ARRIVAL: "Ankomsten är ångrad för",
        encounter_actions.UNDO_NO_SHOW: "Utebliven är ångrad för",
        encounter_actions.UNDO_CHECK_OUT: "Utcheckningen är ångrad för",
    }
    return act_on(request, pk, name, act, text=texts[name])


def act_on(request, pk, action, act, *, text, form_of=None):
    """The one way of all acts: judged as the button was, asked for what is missing, done, told in the receipt. `form_of`
    makes the form of an act that asks for more than a reason: form_of(data, row=…, at=…)."""
    at = now()
    row = of_unit(request, pk)
    facts = encounter_actions.facts_of(row)
    permission = encounter_actions.OFFERED[action][1]
    if not request.actor.may(permission, row.care_unit_id):
        raise NotPermitted(permission)
    needs_reason = encounter_actions.needs_reason(action, facts, by=request.actor.user, at=at)
    data = request.POST if request.method == "POST" else None
    form = form_of(data, row=row, at=at) if form_of else _form(data, action, facts, needs_reason)
    back = way_back(request, reverse("encounter", args=[row.pk]))
    if request.method != "POST" or not form.is_valid():
        _log(request, row, "vårdhändelse", at)
        context = {
            "heading": _heading(action, row),
            "subtitle": presenter.heading(row),
            "form": form,
            "band": band_of(request, load(row.patient_id), at=at),
            "consequences": _consequences(action, row),
            "close": back,
        }
        return sheet(request, "encounter/act.html", context, status=422 if form.is_bound else 200)
    if refused := _refusal_of(action, facts, request, row, at):
        raise refused
    try:
        act(row, form, at)
    except RuleError as refused:
        if not _is_own_repeat(request, row, action, refused):
            raise
    else:
        clear_receipt(request)
        leave_receipt(request, at=at, text=text, whom=row.patient)
    return saved(request, back)


def _is_own_repeat(request, row, action, refused):
    """PL-27: one's own repeated click does nothing and says nothing."""
    last = row.history.order_by("-id").first()
    return repeats.is_own_repeat(request, refused, last is not None and last.move == action)


def _refusal_of(action, facts, request, row, at):
    """The refusal that only the doors know: whose act is undone, and how late (PL-13). The rest the actions raise."""
    if action not in encounter_actions.UNDOES:
        return None
    judged = encounter_actions.judged(
        facts, may=lambda wanted: request.actor.may(wanted, row.care_unit_id), by=request.actor.user, at=at
    )
    found = next((one for one in judged if one.action == action), None)
    if found is None:
        return RuleError("PL-13", "Det finns inget att ångra. Läs in sidan igen.", code="nothing_to_undo")
    # A wrong status is told by the action, which knows who was first (PL-27).
    return None if found.refusal and found.refusal.code == "wrong_status" else found.refusal


def _form(data, action, facts, needs_reason):
    if action == encounter_actions.CHANGE_TYPE:
        return TypeForm(data, types=facts.new_types)
    return ReasonForm(data, is_required=needs_reason)


def _heading(action, row):
    if action == encounter_actions.DISCHARGE and row.status == Status.PLANNED:
        return "Avsluta"
    return encounter_actions.OFFERED[action][0]


def _consequences(action, row):
    """What the form says will happen."""
    if action == encounter_actions.DISCHARGE and row.status == Status.PLANNED:
        return _OF_UNUSED
    return _CONSEQUENCES.get(action, CONSEQUENCES_OF_STAYS.get(action, ()))


# Of the acts on stays and emergency visits (sdv.desk.views.stays).
CONSEQUENCES_OF_STAYS = {
    encounter_actions.ASSESS: ["Väntan räknas till bedömningens tid. En ny tid rättar den förra."],
    encounter_actions.PLACE: ["Den förra platsen lämnas i samma minut och ska städas."],
    encounter_actions.TRANSFER: ["Tiden på avdelningen byts i samma minut. Platsen lämnas och ska städas."],
    encounter_actions.LEAVE: ["Platsen behålls, och dygnen räknas."],
    encounter_actions.RETURN: ["Permissionen är slut."],
    encounter_actions.COMPLETE: ["Ändringen syns i förloppet. Efter utskrivning berättas den vidare igen."],
    encounter_actions.CONTINUE: [
        "Den här vårdhändelsen avslutas, och en ny börjar i samma minut på den andra enheten, länkad till den.",
        "Den andra enheten ger patienten en plats.",
    ],
    encounter_actions.OBSERVE: ["Akutbesöket avslutas, och en observation börjar i samma minut."],
    encounter_actions.ADMIT: ["Förhandsregistreringen blir Slutenvård. Huvudman och listning låses som de är nu."],
    encounter_actions.PREPARE_BIRTH: [
        "Varje barn får en journal på tillfällig identitet, kopplad till modern.",
        "Är barnet redan fött: ange födelsetid och kön, så blir det Nyfödd med födelseanmälan.",
    ],
    encounter_actions.BIRTH: [
        "Fostret blir Nyfödd med sin födelsetid, och födelseanmälan skickas.",
        "Ett friskt nyfött barn är inte inskrivet. Är det sjukt: skriv in det på avdelning sedan.",
    ],
    encounter_actions.BIRTH_TIME: [
        "Vårdhändelsen börjar vid födelsen, och så gör avdelning och plats som barnet hade från början.",
        "Födelsedatum följer med, och födelseanmälan skickas igen.",
    ],
    encounter_actions.PERSONNUMMER: ["Det tillfälliga numret finns kvar och hittar barnet."],
    encounter_actions.PARTICIPANTS: [
        "Kontakten registreras på den huvudansvariga. Flera yrkeskategorier gör den till ett teambesök.",
        "Var och en antecknas med sin yrkeskategori. Efter avslut berättas ändringen vidare.",
    ],
    encounter_actions.INTERPRETER: [
        "Med tolk läggs ZV020 till vid rapporteringen. Efter avslut berättas ändringen vidare.",
    ],
    encounter_actions.CONSULT: ["En Öppenvårdskonsult börjar, som hör till den här vården. Den avslutas av sig själv."],
}
_OF_UNUSED = [
    "Förhandsregistreringen avslutas utan att besöket blev av.",
    "En bokning som finns kvar avbokas, tiden blir ledig och patienten väntar på en ny tid.",
]
_CONSEQUENCES = {
    encounter_actions.DISCHARGE: [
        "Vårdhändelsen får slut nu och blir klar att klassificera.",
        "Platsen som hålls släpps.",
    ],
    encounter_actions.ANNUL: [
        "Vårdhändelsen avslutas som Annullerad och räknas inte.",
        "En bokning som finns kvar avbokas, och tiden blir ledig.",
    ],
    encounter_actions.REOPEN: [
        "Vårdhändelsen blir pågående eller utcheckad igen och avslutas inte av sig själv.",
        "Klassificeringen står kvar men är inte längre klar.",
    ],
    encounter_actions.CHANGE_TYPE: ["Typen ändras. Tider och klassificering står kvar."],
    encounter_actions.UNDO_ARRIVAL: ["Besöket är bokat igen, som om patienten inte kommit."],
    encounter_actions.UNDO_NO_SHOW: ["Besöket är bokat igen, om tiden fortfarande är ledig."],
    encounter_actions.UNDO_CHECK_OUT: [
        "Besöket pågår igen.",
        "Det som utfallet ledde till tas tillbaka: begäran, bevakning och avslutat vårdåtagande.",
    ],
}
