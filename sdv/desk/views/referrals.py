"""Remisshantering: the unit's inbox and the decisions on each remiss, and what the unit has sent to others (VA-02…04)."""

from dataclasses import replace

from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from registration import lifecycle, waiting
from registration.actions import referrals as writes
from registration.models import Patient, Referral, ReferralAct, ReferralKind, ReferralStatus
from registration.referral_rules import DECISIONS, UNDECIDED, correctable
from registration.waiting import with_waits
from scheduling import first_bookings
from scheduling.actions import letters, referral_undo
from scheduling.reviewers import Turn
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common import keyset
from sdv.common.errors import InputError, RuleError
from sdv.common.presenting import Link
from sdv.common.time import local_date, now

from ..forms.patients import add_errors
from ..forms.referrals import (
    AcceptForm,
    CompleteForm,
    CorrectForm,
    DecideForm,
    OutsideReceiptForm,
    ReferralForm,
    ReviewForm,
    SendReferralForm,
)
from ..patient_access import find, patient_page
from ..presenters import patient as presenter
from ..presenters.referral import (
    book_url_of,
    booked_tag,
    letters_of,
    referral_facts,
    referral_row,
    referral_trail,
    sent_row,
)
from ..receipts import leave_receipt
from ..repeats import is_own_repeat
from ..return_to_list import ReturnToList, came_back
from .letter_list import told
from .patient_tabs import page_of_patient

DONE = {
    "review": "Granskning sparad för",
    "accept": "Remiss accepterad för",
    "return": "Remiss returnerad för",
    "forward": "Remiss vidaresänd för",
    "outside": "Remiss sänd utanför regionen för",
    "reject": "Remiss avvisad för",
    "complete": "Remiss kompletterad för",
    "confirm": "Remiss bekräftad mottagen för",
    "confirm_outside": "Mottagarens bekräftelse sparad för",
    "correct": "Remissens uppgifter rättade för",
}
# Those that can be taken back from the receipt (PL-13).
UNDOABLE = ("accept", "return", "forward", "outside", "reject")
# Who registers remisser also says that they have come, takes in what completes them, and puts right what was registered.
REGISTRARS = ("complete", "confirm", "confirm_outside", "correct")
# Those that its sender makes too.
BY_EITHER_END = ("complete", "confirm_outside", "correct")


def _with_details(rows):
    return rows.select_related(
        "problem_code", "commitment__problem_code", "addressed_to", "sender_unit"
    ).prefetch_related(Prefetch("patient", queryset=Patient.objects.with_primary_identity()))


@permitted(Permission.VIEW_REFERRALS)
def referrals(request):
    """What waits for a decision, whose turn it is, and what is accepted and to be booked; the most urgent first (UT-07,
    BO-04). While the one a remiss is addressed to is away, the list names who is in turn (VA-03)."""
    at, unit = now(), request.actor.care_unit
    shown = request.GET.get("visa", "")
    to_book, mine = shown == "boka", shown == "mina"
    turn = Turn([unit.pk], at=at)
    chosen = first_bookings.with_booking(unit.referrals.to_book()) if to_book else unit.referrals.undecided()
    if mine:
        person = getattr(request.actor.user, "practitioner", None)
        chosen = chosen.filter(turn.is_of(person.pk if person else None))
    page = keyset.page(_with_details(with_waits(chosen)), field=Referral.URGENCY, cursor=request.GET.get("cursor", ""))
    log_access(actor=request.actor, patients=[row.patient_id for row in page.rows], what="remisser", at=at)
    back, may_book = ReturnToList(request, [row.pk for row in page.rows]), request.actor.may(Permission.BOOK)
    address = reverse("referrals")
    here = f"{address}?visa={shown}&cursor=" if shown in ("boka", "mina") else f"{address}?cursor="
    context = {
        "heading": "Remisser",
        "chips": [
            Link("Att besluta", address, count=unit.referrals.undecided().count(), current=not (to_book or mine)),
            Link("Mina", f"{address}?visa=mina", current=mine),
            Link("Att boka", f"{address}?visa=boka", count=unit.referrals.to_book().count(), current=to_book),
            Link("Skickade", reverse("referrals-sent")),
        ],
        "rows": [
            replace(
                referral_row(row, on=local_date(at), turn=None if to_book else turn),
                book_url=back.from_row(book_url_of(row), row.pk) if to_book and may_book else "",
            )
            for row in page.rows
        ],
        "next": f"{here}{page.next}" if page.next else "",
        "previous": f"{here}{page.previous}" if page.previous else "",
        "to_book": to_book,
        "mine": mine,
        "may_book": may_book,
        "may_review": request.actor.may(Permission.REVIEW_REFERRALS),
        **came_back(request),
    }
    return render(request, "referrals/list.html", context)


@permitted(Permission.VIEW_REFERRALS)
def sent(request):
    """What the unit has sent to other units: come or not, where it is now, and what was decided (VA-03)."""
    at, unit = now(), request.actor.care_unit
    rows = Referral.objects.sent_by(unit).at_its_place().exclude(care_unit=unit, forwarded_outside="")
    page = keyset.page(
        _with_details(rows).select_related("care_unit"),
        field="arrival_date",
        cursor=request.GET.get("cursor", ""),
        newest_first=True,
    )
    log_access(actor=request.actor, patients=[row.patient_id for row in page.rows], what="sända remisser", at=at)
    here = f"{reverse('referrals-sent')}?cursor="
    context = {
        "heading": "Skickade remisser",
        "chips": [
            Link("Att besluta", reverse("referrals")),
            Link("Att boka", f"{reverse('referrals')}?visa=boka"),
            Link("Skickade", reverse("referrals-sent"), current=True),
        ],
        "rows": [sent_row(row, on=local_date(at)) for row in page.rows],
        "next": f"{here}{page.next}" if page.next else "",
        "previous": f"{here}{page.previous}" if page.previous else "",
    }
    return render(request, "referrals/sent.html", context)


@permitted(Permission.VIEW_REFERRALS)
def referral(request, pk):
    """One remiss: confirmed, reviewed, accepted with a problem, returned, forwarded or rejected; its sender reads it and
    completes it (VA-03)."""
    at, unit = now(), request.actor.care_unit
    row = _found(unit, pk)
    is_own = row.care_unit_id == unit.pk
    patient = find(row.patient_id)
    action = AccessAction.WRITE if request.method == "POST" else AccessAction.READ
    log_access(actor=request.actor, patients=[patient.pk], what="remiss", at=at, resource_id=row.pk, action=action)
    step = request.POST.get("step", "")
    if request.method == "POST":
        request.actor.require(Permission.REGISTER_REFERRALS if step in REGISTRARS else Permission.REVIEW_REFERRALS)
        if not is_own and step not in BY_EITHER_END:
            raise Http404
    forms = _forms(row, unit, request.POST if request.method == "POST" else None, step, local_date(at))
    if request.method == "POST" and step == "confirm":
        writes.confirm(referral_id=row.pk, by=request.actor.user, at=at)
        leave_receipt(request, at=at, text=DONE[step], whom=patient)
        return redirect("referral", pk=row.pk)
    if (chosen := forms.get(step)) and chosen.is_valid() and (done := _written(request, row, step, chosen, at)):
        if done in DONE:
            text = f"{told(chosen.letters)} {DONE[done]}".strip()
            undo_url = reverse("referral-undo", args=[row.pk]) if done in UNDOABLE else ""
            leave_receipt(request, at=at, text=text, whom=patient, undo_url=undo_url)
        return redirect("referral", pk=row.pk)
    has_errors = any(form.errors for form in forms.values())
    wait = waiting.wait_of(row, on=local_date(at), limits=waiting.limits())
    may_review = is_own and request.actor.may(Permission.REVIEW_REFERRALS)
    booking = first_bookings.of(row.pk) if is_own and row.status == ReferralStatus.ACCEPTED else None
    row.booked_id, row.booked_start = (booking.pk, booking.start) if booking else (None, None)
    context = {
        "heading": "Remiss",
        "form": next((form for form in forms.values() if form.errors), None),
        "row": row,
        "forms": forms,
        "facts": referral_facts(
            row, wait=wait, turn=Turn([unit.pk], at=at) if is_own and row.status in UNDECIDED else None
        ),
        "steps": referral_trail(row),
        "band": presenter.band_of(request, patient, at=at),
        "patient_id": patient.pk,
        "is_own": is_own,
        "is_undecided": row.status in UNDECIDED,
        "is_to_book": row.status == ReferralStatus.ACCEPTED,
        "may": {name: may_review and row.status in sources for name, (sources, _, _) in DECISIONS.items()},
        "may_register": request.actor.may(Permission.REGISTER_REFERRALS),
        "is_correctable": row.status in DECISIONS["correct"][0] and bool(correctable(row, {unit.pk})),
        "may_book": is_own and request.actor.may(Permission.BOOK),
        "book_url": book_url_of(row),
        "booked": booked_tag(row),
        "may_undo": may_review and _may_undo(request, row, at),
        "may_write": is_own and request.actor.may(Permission.WRITE_LETTERS),
        "letters": letters_of(row) if is_own else [],
    }
    return render(request, "referrals/referral.html", context, status=422 if has_errors else 200)


def _may_undo(request, row, at):
    """Whether the page offers to take the decision back later than the receipt does (PL-13)."""
    facts = {"done_by": row.decided_by, "done_at": row.decided_at, "by": request.actor.user, "at": at}
    if row.decided_at is None or referral_undo.refusal_of(row):
        return False
    return lifecycle.correction_refusal(**facts, may_correct=request.actor.may(Permission.CORRECT)) is None


@permitted(Permission.REVIEW_REFERRALS)
@require_POST
def undo(request, pk):
    """Ångra: the decision is taken back, and the remiss is as it was before (PL-13)."""
    at, by = now(), request.actor.user
    row = get_object_or_404(request.actor.care_unit.referrals.select_related("patient"), pk=pk)
    last = row.events.last()
    if not (last and last.act == ReferralAct.UNDONE and last.by_id == by.pk):
        referral_undo.undo(
            referral_id=pk,
            reason=request.POST.get("reason", "").replace("\0", ""),
            by=by,
            at=at,
            may_correct=request.actor.may(Permission.CORRECT),
        )
        log_access(
            actor=request.actor,
            patients=[row.patient_id],
            what="remiss",
            at=at,
            resource_id=pk,
            action=AccessAction.WRITE,
        )
        leave_receipt(request, at=at, text="Beslutet om remissen är ångrat för", whom=row.patient)
    return redirect("referral", pk=pk)


def _found(unit, pk):
    """A remiss in the unit's inbox, or one that it has sent; any other is 404."""
    details = (
        "problem_code", "commitment__problem_code", "decided_by", "receipt_by", "addressed_to", "sender_unit",
        "care_unit", "forwarded_from__care_unit",
    )  # fmt: skip
    for rows in (unit.referrals, unit.sent_referrals):
        if row := rows.select_related(*details).filter(pk=pk).first():
            return row
    raise Http404


def _forms(row, unit, data, step, today):
    """The page's forms; only the one that was sent is bound."""

    def sent_as(name):
        return data if step == name else None

    version = {"version": row.version}
    review = {
        "review_date": row.review_date or today,
        "medical_target_date": row.medical_target_date,
        "days_to_first_contact": row.days_to_first_contact,
    }
    problem = {"problem_code": row.problem_code_id}
    here = {"today": today, "care_unit": unit}
    return {
        "review": ReviewForm(sent_as("review"), initial=review | version, auto_id="review_%s"),
        "accept": AcceptForm(sent_as("accept"), **here, initial=version | problem, auto_id="accept_%s"),
        "decide": DecideForm(sent_as("decide"), **here, initial=version, auto_id="decide_%s"),
        "complete": CompleteForm(sent_as("complete"), initial=version, auto_id="complete_%s"),
        "confirm_outside": OutsideReceiptForm(sent_as("confirm_outside"), initial=version, auto_id="outside_%s"),
        "correct": CorrectForm(
            sent_as("correct"), referral=row, fields=correctable(row, {unit.pk}), today=today, auto_id="correct_%s"
        ),
    }


def _written(request, row, step, form, at):
    """Makes the decision; its name, or None where the form says why not. One's own repeat says nothing (PL-27)."""
    common = {"referral_id": row.pk, "by": request.actor.user, "at": at}
    given = dict(form.cleaned_data)
    if step == "correct":
        given["units"] = {request.actor.care_unit.pk}
    wants_letter, form.letters = given.pop("letter", False), []
    try:
        with transaction.atomic():
            done = _decided(step, given, common)
            if wants_letter:
                form.letters = letters.write_of_referral(**common)
        return done
    except RuleError as refused:
        if is_own_repeat(request, refused, refused.code == "wrong_status"):
            return "repeat"
        if refused.rule not in ("VA-02", "PL-13"):
            raise
        form.add_error(None, refused.sentence)
    except InputError as wrong:
        add_errors(form, wrong)
    return None


def _decided(step, given, common):
    """One decision, by what the form says; its name."""
    if step != "decide":
        getattr(writes, step)(**given, **common)
        return step
    decision, to_unit = given.pop("decision"), given.pop("to_unit")
    outside = {"receiver": given.pop("receiver"), "sent_on": given.pop("sent_on")}
    if decision == "forward":
        writes.forward(to_unit=to_unit, **given, **common)
    elif decision == "outside":
        writes.forward_outside(**outside, **given, **common)
    else:
        writes.decide(decision=decision, **given, **common)
    return decision


@patient_page(Permission.REGISTER_REFERRALS, what="remiss")
def create(request, patient):
    """Registers a remiss, an egen vårdbegäran, research or what is already in care, as it comes to the unit (VA-02)."""
    at = now()
    today = local_date(at)
    initial = {"kind": ReferralKind.REFERRAL, "arrival_date": today}
    form = ReferralForm(request.POST or None, today=today, care_unit=request.actor.care_unit, initial=initial)
    if request.method == "POST" and form.is_valid():
        made = _registered(request, patient, form, at, care_unit=request.actor.care_unit, **form.cleaned_data)
        if made:
            leave_receipt(request, at=at, text="Remiss registrerad för", whom=patient)
            return redirect("referral", pk=made.pk)
    return _form_page(
        request,
        patient,
        form,
        at,
        heading="Registrera remiss",
        hint="Remissen hamnar i enhetens remisshantering tills någon beslutar.",
        button="Registrera remiss",
    )


@patient_page(Permission.REGISTER_REFERRALS, what="remiss")
def send(request, patient):
    """Sends a remiss to another of the region's units; it can be followed under Skickade (VA-03)."""
    at = now()
    today = local_date(at)
    form = SendReferralForm(
        request.POST or None, today=today, care_unit=request.actor.care_unit, initial={"decision_date": today}
    )
    if request.method == "POST" and form.is_valid():
        fields = {"kind": ReferralKind.REFERRAL, "arrival_date": today, "sender_unit": request.actor.care_unit}
        if _registered(request, patient, form, at, **fields, **form.cleaned_data):
            leave_receipt(request, at=at, text="Remiss skickad för", whom=patient)
            return redirect("referrals-sent")
    return _form_page(
        request,
        patient,
        form,
        at,
        heading="Skicka remiss",
        hint="Remissen kommer i den andra enhetens remisshantering. Under Skickade syns när den är mottagen.",
        button="Skicka remiss",
    )


def _registered(request, patient, form, at, **fields):
    """The registered remiss, or None where the form says why not."""
    try:
        return writes.register(patient_id=patient.pk, by=request.actor.user, at=at, **fields)
    except InputError as error:
        add_errors(form, error)
    except RuleError as refused:
        if refused.rule != "VA-02":
            raise
        form.add_error(None, refused.sentence)
    return None


def _form_page(request, patient, form, at, *, heading, **words):
    return page_of_patient(
        request,
        patient,
        "patients/commitment_form.html",
        "patient-commitments",
        heading,
        at,
        status=422 if form.errors else 200,
        form=form,
        **words,
    )
