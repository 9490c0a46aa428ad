"""The start page: where the assignment leads, and whether the unit keeps its promises (UT-07)."""

from django.shortcuts import redirect, render

from scheduling import promises
from sdv.accounts.doors import logged_in
from sdv.accounts.permissions import Permission
from sdv.common.time import local_date, now
from sdv.desk.context import address
from sdv.desk.presenters import day


@logged_in
def start(request):
    """Shown to every role; what is counted depends on what the assignment may see."""
    actor, at = request.actor, now()
    if actor.assignment is None:
        return redirect("choose-assignment")
    breakers = today = None
    if actor.may(Permission.VIEW_WORK_LISTS):
        breakers = promises.broken(at=at).filter(care_unit=actor.care_unit).count()
    if actor.may(Permission.VIEW_DAY):
        today = day.summary(actor.care_unit, day=local_date(at))
    context = {
        "heading": "Start",
        "breakers": breakers,
        "breakers_url": address("work-lists") if actor.may(Permission.VIEW_WORK_LISTS) else "",
        "today": today,
    }
    return render(request, "sessions/start.html", context)
