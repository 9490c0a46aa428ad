"""Ties a request to who acts: `request.actor`, the change log's context, and the idle end of a session."""

import time

import pghistory
from django.contrib.auth import logout
from django.utils.functional import SimpleLazyObject

from sdv.common.requests import REQUEST_ID
from sdv.common.time import local_date, now

from .actor import Actor
from .models import StaffAssignment

ASSIGNMENT_KEY = "assignment"
SEEN_KEY = "seen"


class ActorMiddleware:
    """Sets `request.actor` lazily from the session. Ends a session idle longer than SESSION_IDLE_SECONDS."""

    def __init__(self, get_response):
        self.get_response = get_response
        from django.conf import settings

        self.idle_seconds = settings.SESSION_IDLE_SECONDS

    def __call__(self, request):
        user_id = request.session.get("_auth_user_id")
        if user_id:
            self._watch_idle(request)
            user_id = request.session.get("_auth_user_id")
        request.actor = SimpleLazyObject(lambda: actor_of_session(request))
        if not user_id:
            return self.get_response(request)
        with pghistory.context(actor=str(user_id), request=REQUEST_ID.get()):
            return self.get_response(request)

    def _watch_idle(self, request):
        """Polling is not activity: the day list's timer must not keep an abandoned screen open."""
        present = int(time.time())
        seen = request.session.get(SEEN_KEY, present)
        if present - seen > self.idle_seconds:
            logout(request)
            request.session["ended"] = True
            return
        is_poll = request.headers.get("X-Poll") == "1"
        if (not is_poll and present - seen >= 60) or SEEN_KEY not in request.session:
            request.session[SEEN_KEY] = present


def actor_of_session(request):
    """The logged-in user with the assignment chosen in this session; without one it may nothing."""
    user = request.user
    if not user.is_authenticated:
        return Actor(user=None)
    chosen = request.session.get(ASSIGNMENT_KEY)
    assignment = None
    if chosen:
        assignment = StaffAssignment.objects.usable(local_date(now())).filter(pk=chosen, user=user).first()
    return Actor(user=user, assignments=[assignment] if assignment else [])
