"""Grupptillfällen: the unit's list, planning one, and its page with everybody on it (BO-02, PL-03, PL-06)."""

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from scheduling import rules
from scheduling.actions import sessions
from scheduling.models import RebookingItem, SessionStatus
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.time import local, local_date, now
from sdv.desk import repeats
from sdv.desk.answers import saved
from sdv.desk.forms.group_sessions import CancelSessionForm, SeatsForm, SessionForm, WhenForm
from sdv.desk.presenters import group_sessions as presenter
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.views.day import DayView

GET_AND_POST = ("GET", "HEAD", "POST")
WHAT = "grupptillfälle"
FIELD_OF = {"absent": "resources", "reason_not_linked": "contact_reason", "no_overbooking": "seats"}


def _session(request, pk):
    """A session of the session's own unit; another unit's is 404."""
    rows = request.actor.care_unit.sessions.select_related("visit_type", "contact_reason", "care_unit")
    return get_object_or_404(rows, pk=pk)


@permitted(Permission.VIEW_SCHEDULES)
@require_GET
def group_sessions(request):
    """The unit's sessions to come: when, what, who leads them, how many seats are left."""
    context = {
        "heading": "Grupptillfällen",
        "rows": presenter.coming(request.actor.care_unit, now()),
        "may_plan": request.actor.may(Permission.MAINTAIN_SCHEDULES),
    }
    return render(request, "group_sessions/list.html", context)


@permitted(Permission.MAINTAIN_SCHEDULES)
@require_http_methods(GET_AND_POST)
def plan(request):
    """Nytt tillfälle: what, when, who leads it, how many seats."""
    at, unit = now(), request.actor.care_unit
    form = SessionForm(request.POST if request.method == "POST" else None, care_unit=unit, today=local_date(at))
    if form.is_bound and form.is_valid():
        start, end = form.times
        try:
            session = sessions.plan(
                care_unit=unit,
                name=form.cleaned_data["name"],
                visit_type=form.chosen_type,
                contact_reason_id=form.cleaned_data["contact_reason"].pk,
                start=start,
                end=end,
                seats=form.cleaned_data["seats"],
                extra_seats=form.cleaned_data.get("extra_seats", 0),
                resource_ids=form.resource_ids,
                by=request.actor.user,
                at=at,
            )
        except RuleError as refused:
            form.add_error(FIELD_OF.get(refused.code, "from_time"), _told(refused))
        except InputError as wrong:
            form.add_error("resources", wrong.errors.get("resources", ["Rätta uppgifterna."]))
        else:
            clear_receipt(request)
            leave_receipt(request, at=at, text=f"{session.name} {rules.clock(session.start)} är planerat")
            return saved(request, reverse("group-session", args=[session.pk]))
    context = {"heading": "Nytt grupptillfälle", "form": form}
    return render(request, "group_sessions/plan.html", context, status=422 if form.is_bound else 200)


def _told(refused):
    return f"{refused.sentence} Regel {refused.rule}."


@never_cache
@permitted(Permission.VIEW_DAY)
@require_http_methods(GET_AND_POST)
def group_session(request, pk):
    """One session with everybody on it. A POST changes its name and seats, moves it, or cancels it."""
    session = _session(request, pk)
    forms = _forms(request, session)
    if request.method == "POST":
        request.actor.require(Permission.MAINTAIN_SCHEDULES)
        step = request.POST.get("step", "")
        act = {"seats": _change, "move": _move, "cancel": _cancel}.get(step)
        if act and forms[step].is_valid() and (where := act(request, session, forms[step])):
            return saved(request, where)
    bound = next((form for form in forms.values() if form.is_bound), None)
    context = _context(request, session) | {"forms": forms, "form": bound}
    return render(request, "group_sessions/session.html", context, status=422 if bound else 200)


def _forms(request, session):
    step = request.POST.get("step", "") if request.method == "POST" else ""
    start, end, unit = local(session.start), local(session.end), session.care_unit
    today = local_date(now())
    when = {
        "day": start.date(),
        "from_time": f"{start:%H:%M}",
        "to_time": f"{end:%H:%M}",
        "resources": session.resources.all(),
        "version": session.version,
    }
    seats = {
        "name": session.name,
        "seats": session.seats,
        "extra_seats": session.extra_seats,
        "version": session.version,
    }

    def made(form, name, **options):
        return form(request.POST if step == name else None, prefix=name, **options)

    return {
        "seats": made(SeatsForm, "seats", care_unit=unit, initial=seats),
        "move": made(WhenForm, "move", care_unit=unit, today=today, initial=when),
        "cancel": made(CancelSessionForm, "cancel", initial={"version": session.version}),
    }


def _context(request, session):
    at, actor = now(), request.actor
    row = presenter.session_row(presenter.rows(session.care_unit).get(pk=session.pk))
    view = DayView({"dag": local_date(session.start).isoformat()}, at)
    found = presenter.participants(session, at=at, actor=actor, select=view.with_row)
    log_access(actor=actor, patients=[each.patient_id for each in found], what=WHAT, at=at, resource_id=session.pk)
    to_rebook = RebookingItem.objects.open().filter(appointment__session=session, care_unit=session.care_unit).count()
    return {
        "heading": session.name,
        "session": session,
        "row": row,
        "facts": presenter.facts(session, row),
        "participants": found,
        "to_rebook": to_rebook,
        "day_url": view.url(),
        "may": presenter.may(actor, session, found, is_attended=sessions.is_attended(session), at=at),
        "hide_identities": request.session.get("preferences", {}).get("hide_identities", False),
    }


def _change(request, session, form):
    return _done(request, session, form, "seats", "Ändringen är sparad", sessions.change, **form.cleaned_data)


def _move(request, session, form):
    start, end = form.times
    told = f"{session.name} är flyttat till {rules.clock(start)} med alla deltagare"
    version = form.cleaned_data["version"]
    times = {"start": start, "end": end, "resource_ids": form.resource_ids, "version": version}
    return _done(request, session, form, "from_time", told, sessions.move, **times)


def _cancel(request, session, form):
    words = form.cleaned_data
    told = f"{session.name} är inställt. Deltagarna står i Ombokningar"
    return _done(
        request, session, form, "reason", told, sessions.cancel, reason=words["reason"], version=words["version"]
    )


def _done(request, session, form, field, told, act, **fields):
    """Makes the act, or tells in the form what refuses. Returns where to go on."""
    at = now()
    try:
        act(session_id=session.pk, by=request.actor.user, at=at, **fields)
    except RuleError as refused:
        if repeats.is_own_repeat(request, refused, refused.code == "already_done"):
            return reverse("group-session", args=[session.pk])
        form.add_error(field, _told(refused))
        return ""
    except StaleVersion as stale:
        session.refresh_from_db()
        if stale.user_id != request.actor.user.pk or not _is_so(session, **fields):
            raise
        return reverse("group-session", args=[session.pk])
    except InputError as wrong:
        form.add_error(None, [text for texts in wrong.errors.values() for text in texts])
        return ""
    clear_receipt(request)
    leave_receipt(request, at=at, text=told)
    return reverse("group-session", args=[session.pk])


def _is_so(session, *, version, reason=None, resource_ids=None, **fields):
    """Whether the session is what was asked for: one's own repeated click does nothing and says nothing (PL-27)."""
    if reason is not None:
        return session.status == SessionStatus.CANCELLED
    if resource_ids is not None and set(resource_ids) != set(session.resources.values_list("pk", flat=True)):
        return False
    return all(getattr(session, name) == value for name, value in fields.items())


@permitted(Permission.REGISTER_ARRIVAL)
@require_POST
def arrive_all(request, pk):
    """Alla har kommit: each by the ordinary act. Who cannot be is told, and stops nobody else."""
    session, at = _session(request, pk), now()
    arrived, refused = sessions.arrive_all(session_id=session.pk, by=request.actor.user, at=at)
    log_access(
        actor=request.actor,
        patients=[row.patient_id for row in arrived],
        what="ankomst till grupptillfälle",
        at=at,
        resource_id=session.pk,
        action=AccessAction.WRITE,
    )
    if arrived or refused:
        clear_receipt(request)
        text = f"Ankomst registrerad för {len(arrived)} deltagare"
        if refused:
            text += f". {len(refused)} kunde inte registreras: {refused[0][1].sentence}"
        leave_receipt(request, at=at, text=text)
    return saved(request, reverse("group-session", args=[session.pk]))
