"""Väntrummet: the call from Dagens besök, and the screen that shows it. A screen has no login: a code of its own, typed once,
that may read whom its unit calls and nothing else (PL-17)."""

import hashlib
from datetime import timedelta

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from registration.actions import waiting_room
from registration.models import QueueTicket
from registration.presenters import called_as
from scheduling.models import ResourceKind
from sdv.accounts.access import log_access
from sdv.accounts.doors import open_to_all, permitted
from sdv.accounts.models import AccessAction
from sdv.accounts.permissions import Permission
from sdv.common.errors import RuleError
from sdv.common.time import local, now
from sdv.desk.forms.waiting_room import ROOM_KEY, CallForm, CodeForm
from sdv.desk.receipts import clear_receipt, leave_receipt
from sdv.desk.refusals import is_scripted
from sdv.desk.repeats import is_own_repeat

COOKIE, COOKIE_PATH, COOKIE_AGE = "screen", "/skarm/", 400 * 24 * 3600
# So long a call stands on the screen, and so many at once: what can be read across a room.
SHOWN_FOR, MOST = timedelta(minutes=10), 5


@require_POST
@permitted(Permission.REGISTER_ARRIVAL)
def call(request, pk):
    """Ropar in with one key; the room is that of the session, or of the booking."""
    at = now()
    encounter = get_object_or_404(request.actor.care_unit.encounters.select_related("patient"), pk=pk)
    form = CallForm(request.POST)
    form.is_valid()
    words = form.cleaned_data
    chooses = "val" in request.POST
    if chooses:
        request.session[ROOM_KEY] = words.get("room", "")
    room = request.session.get(ROOM_KEY, "") or _room_of(encounter)
    again = "igen" in request.POST
    try:
        by_name = words["by_name"] if chooses and not encounter.patient.is_protected else None
        told = {"room": room, "again": again, "by_name": by_name, "by": request.actor.user, "at": at}
        ticket = waiting_room.call(encounter_id=pk, **told)
    except RuleError as refused:
        if not is_own_repeat(request, refused, refused.code == "already_done"):
            raise
    else:
        log_access(
            actor=request.actor,
            patients=[encounter.patient_id],
            what="inropad",
            at=at,
            resource_id=encounter.pk,
            action=AccessAction.WRITE,
        )
        clear_receipt(request)
        to = f" till {ticket.room}" if ticket.room else ""
        leave_receipt(request, at=at, text=f"{called_as(ticket)} inropad{to}:", whom=encounter.patient)
    return HttpResponseRedirect(f"{reverse('day')}?vald={encounter.pk}")


def _room_of(encounter):
    booking = getattr(encounter, "appointment", None)
    room = booking.resources.filter(kind=ResourceKind.ROOM).order_by("name").first() if booking else None
    return room.name if room else ""


# --- The screen --------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@open_to_all
def screen(request):
    """Whom the unit calls, large. Until the code is typed, a form for it."""
    if request.method == "POST":
        form = CodeForm(request.POST)
        code = waiting_room.read_code(request.POST.get("code", ""))
        if form.is_valid() and waiting_room.find_screen(code) is None:
            form.add_error("code", "Koden gäller inte. Skriv den som den visades, eller lägg upp skärmen på nytt.")
        if form.errors:
            return render(request, "waiting_room/connect.html", {"heading": "Väntrumsskärm", "form": form}, status=422)
        answer = HttpResponseRedirect(reverse("waiting-screen"))
        answer.set_cookie(
            COOKIE,
            code,
            max_age=COOKIE_AGE,
            path=COOKIE_PATH,
            httponly=True,
            secure=request.is_secure(),
            samesite="Strict",
        )
        return answer
    found = waiting_room.find_screen(request.COOKIES.get(COOKIE, ""))
    if found is None:
        return render(request, "waiting_room/connect.html", {"heading": "Väntrumsskärm", "form": CodeForm()})
    return render(request, "waiting_room/screen.html", {"heading": "Väntrum", "screen": found, **_calls(found)})


@never_cache
@require_GET
@open_to_all
def rows(request):
    """The calls again, for the live screen: 204 while nothing has changed; once the screen has been
    taken away the page is led to its code."""
    found = waiting_room.find_screen(request.COOKIES.get(COOKIE, ""))
    if found is None:
        return HttpResponseRedirect(reverse("waiting-screen"))
    calls = _calls(found)
    if request.GET.get("version") == calls["version"]:
        return HttpResponse(status=204)
    if not is_scripted(request):
        return HttpResponseRedirect(reverse("waiting-screen"))
    return render(request, "waiting_room/screen.html#rows", calls)


def _calls(found):
    """The last called, and a word that changes when anything shown does. Nothing but number or first name, and where."""
    tickets = QueueTicket.objects.shown_on(found, since=now() - SHOWN_FOR)[:MOST]
    calls = [
        (ticket.pk, called_as(ticket), ticket.room, local(ticket.called_at).strftime("%H:%M")) for ticket in tickets
    ]
    times = [ticket.times_called for ticket in tickets]
    version = hashlib.blake2b(repr((calls, times)).encode(), digest_size=9).hexdigest()
    return {"calls": calls, "version": version}
