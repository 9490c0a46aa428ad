"""The acts on a stay and an emergency visit, each a form over the page it was opened from (VH-03, VH-09, VH-10, VH-23)."""

from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from registration import presenters, type_choice
from registration.actions import admissions, births, encounters, interpreters, participants, places, stays
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common.time import now
from sdv.desk import encounter_actions
from sdv.desk.forms import stays as forms
from sdv.desk.forms.participants import InterpreterForm, ParticipantsForm
from sdv.desk.presenters import realtime as realtime_presenter
from sdv.desk.presenters.patient import band_of
from sdv.desk.receipts import leave_receipt
from sdv.desk.repeats import insisted
from sdv.desk.views.encounter import GET_AND_POST, act_on, of_unit


def _sheet(permission, action, form_of, text):
    """A view of one act: `doing(request, row, words, form)` is what is done."""

    def decorate(doing):
        def view(request, pk):
            def act(row, form, at):
                doing(request, row, form.cleaned_data, form)

            return act_on(request, pk, action, act, text=text, form_of=form_of)

        view.__doc__ = doing.__doc__
        view.__name__ = doing.__name__
        return permitted(permission)(require_http_methods(GET_AND_POST)(view))

    return decorate


_REGISTER = Permission.REGISTER_ENCOUNTERS


@_sheet(_REGISTER, encounter_actions.PLACE, forms.PlaceForm, "Plats tilldelad för")
def place(request, row, words, form):
    """A place, or another one (VH-09)."""
    places.assign(encounter_id=row.pk, place_id=words["place"], by=request.actor.user, at=words["at"])


@_sheet(_REGISTER, encounter_actions.TRANSFER, forms.TransferForm, "Flyttad till annan avdelning:")
def transfer(request, row, words, form):
    """To another ward of the unit, without a place yet (VH-09)."""
    stays.transfer(encounter_id=row.pk, ward_id=words["ward"].pk, by=request.actor.user, at=words["at"])


@_sheet(_REGISTER, encounter_actions.LEAVE, forms.LeaveForm, "Permission registrerad för")
def leave(request, row, words, form):
    """Permission."""
    stays.leave(encounter_id=row.pk, expected_back=words["expected_back"], by=request.actor.user, at=words["at"])


@_sheet(_REGISTER, encounter_actions.RETURN, forms.TimeForm, "Åter från permission:")
def come_back(request, row, words, form):
    """Back from permission."""
    stays.come_back(encounter_id=row.pk, by=request.actor.user, at=words["at"])


@_sheet(_REGISTER, encounter_actions.ASSESS, forms.TimeForm, "Läkarbedömning registrerad för")
def assess(request, row, words, form):
    """The doctor's assessment at the emergency department."""
    stays.assess(encounter_id=row.pk, by=request.actor.user, at=words["at"])


@_sheet(_REGISTER, encounter_actions.COMPLETE, forms.WaysForm, "Vårdtillfället är kompletterat för")
def complete(request, row, words, form):
    """Insätt, utsätt, planned and expected discharge, also after the end (VH-21, VH-23)."""
    stays.complete(encounter_id=row.pk, by=request.actor.user, at=now(), reason=words.get("reason", ""), **form.facts())


@_sheet(Permission.REGISTER_ARRIVAL, encounter_actions.ADMIT, forms.AdmitForm, "Inskriven:")
def admit(request, row, words, form):
    """Inskrivning of who was planned (VH-07)."""
    admissions.admit(
        encounter_id=row.pk,
        by=request.actor.user,
        at=words["at"],
        identity_shown=words["identity_shown"],
        admitted_from=words["admitted_from"],
        place_id=words["place"] or None,
        **insisted(request),
    )


@_sheet(_REGISTER, encounter_actions.OBSERVE, forms.ObserveForm, "Observation påbörjad för")
def observe(request, row, words, form):
    """The emergency visit goes on as Observation (VH-03 k)."""
    admissions.continue_at(
        encounter_id=row.pk,
        care_unit=row.care_unit,
        situation=type_choice.OBSERVATION_PLACE,
        place_id=words["place"],
        by=request.actor.user,
        at=words["at"],
        **insisted(request),
    )


@_sheet(_REGISTER, encounter_actions.CONTINUE, forms.ContinueForm, "Inskriven på avdelning:")
def continue_at(request, row, words, form):
    """The care goes on at a ward, in a new linked vårdhändelse (VH-01, VH-03 g)."""
    admissions.continue_at(
        encounter_id=row.pk,
        care_unit=words["care_unit"],
        admitted_from=words.get("admitted_from", ""),
        by=request.actor.user,
        at=words["at"],
        **insisted(request),
    )


@_sheet(_REGISTER, encounter_actions.CONSULT, forms.ConsultForm, "Öppenvårdskonsult påbörjad för")
def consult(request, row, words, form):
    """Another speciality is engaged, and the patient goes there (VH-10)."""
    encounters.register_unbooked(
        patient_id=row.patient_id,
        care_unit=row.care_unit,
        situation=type_choice.CONSULT,
        during_id=row.pk,
        contact_reason=words["contact_reason"],
        by=request.actor.user,
        at=words["at"],
    )


@_sheet(_REGISTER, encounter_actions.PARTICIPANTS, ParticipantsForm, "Medverkande är angivna för")
def take_part(request, row, words, form):
    """The main responsible, and others who take part (BO-02); also after the end (VH-21)."""
    participants.register(
        encounter_id=row.pk, main=words["main"], others=form.others_chosen(), by=request.actor.user, at=now()
    )


@_sheet(_REGISTER, encounter_actions.INTERPRETER, InterpreterForm, "Tolk är angiven för")
def interpret(request, row, words, form):
    """Whether an interpreter was used (KL-04); also after the end (VH-21)."""
    interpreters.register(encounter_id=row.pk, used=words["used"], by=request.actor.user, at=now())


@_sheet(_REGISTER, encounter_actions.PREPARE_BIRTH, forms.ChildrenForm, "Barn förberett eller fött av")
def children(request, row, words, form):
    """Foster before the delivery, or a child that is born already; on the mother's page (VH-03 h, k, VH-13)."""
    act = {
        "mother_encounter_id": row.pk,
        "number": words["number"],
        "identity": words["identity"],
        "actor_hsa_id": request.actor.assignment.hsa_id,
        "by": request.actor.user,
        "at": now(),
    }
    if words["born_at"]:
        births.born_without_foetus(born_at=words["born_at"], sex=words["sex"], accept_warnings=_kept(request), **act)
    else:
        births.prepare(how_many=words["how_many"], **act)


@_sheet(_REGISTER, encounter_actions.BIRTH, forms.BirthForm, "Födelsen är registrerad:")
def birth(request, row, words, form):
    """The Foster becomes Nyfödd (VH-13)."""
    births.born(
        encounter_id=row.pk,
        born_at=words["at"],
        sex=words["sex"],
        place_id=words["place"] or None,
        accept_warnings=_kept(request),
        by=request.actor.user,
        at=now(),
    )


@_sheet(_REGISTER, encounter_actions.BIRTH_TIME, forms.BirthTimeForm, "Födelsetiden är rättad:")
def birth_time(request, row, words, form):
    """A time of birth that was registered wrong (VH-13, VH-21); also after the end."""
    births.correct_time(
        encounter_id=row.pk,
        born_at=words["at"],
        reason=words["reason"],
        accept_warnings=_kept(request),
        by=request.actor.user,
        at=now(),
    )


def _kept(request):
    """The warning about the time of birth that the person has kept (VH-13)."""
    return ("VH-13",) if request.POST.get("overrule") else ()


@_sheet(_REGISTER, encounter_actions.PERSONNUMMER, forms.PersonnummerForm, "Personnumret är registrerat för")
def personnummer(request, row, words, form):
    """The newborn's personnummer in place of the temporary identity (VH-13)."""
    births.give_personnummer(encounter_id=row.pk, identity=words["identity"], by=request.actor.user, at=now())


@permitted(Permission.VIEW_ENCOUNTERS)
@require_GET
def realtime(request, pk):
    """What is registered in real time for the care form, and who fills it (VH-23)."""
    at, row = now(), of_unit(request, pk)
    log_access(
        actor=request.actor,
        patients=[row.patient_id],
        what="realtidsregistrering",
        at=at,
        resource_id=row.pk,
        care_unit_id=row.care_unit_id,
    )
    context = {
        "heading": "Realtidsregistrering",
        "encounter": row,
        "band": band_of(request, presenters.load(row.patient_id), at=at),
        "rows": realtime_presenter.filled(row, at=at),
    }
    return render(request, "encounter/realtime.html", context)


@require_POST
@permitted(_REGISTER)
def cleaned(request, pk):
    """A place is ready for the next patient."""
    place, at = get_object_or_404(request.actor.care_unit.places, pk=pk), now()
    places.cleaned(place_id=place.pk, by=request.actor.user, at=at)
    leave_receipt(request, at=at, text=f"{place.name} är städad")
    return redirect("ward")
