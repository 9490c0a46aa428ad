"""The guard of every page: logged in, an assignment chosen, the permission held. The permission matrix test reads
`required_permission` from the view, so that no page can be without one."""

from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect

from sdv.common.requests import address_of, page_of

from .permissions import Permission

ANYONE = "anyone"
LOGGED_IN = "logged_in"


def _way_back(request):
    """Where to go after login: the page asked for. What was posted is not done again, so then the page it was on."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    return address_of(page_of(request)) or "/"


def permitted(permission):
    """Decorates a page's function: asks for login and assignment, raises NotPermitted without the permission."""
    permission = Permission(permission)

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if request.actor.user is None:
                return redirect_to_login(_way_back(request))
            if request.actor.assignment is None:
                return redirect("choose-assignment")
            request.actor.require(permission)
            return view(request, *args, **kwargs)

        guarded.required_permission = permission
        return guarded

    return decorate


def logged_in(view):
    """A page that any logged-in user may see: choice of assignment, own settings."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        if request.actor.user is None:
            return redirect_to_login(_way_back(request))
        return view(request, *args, **kwargs)

    guarded.required_permission = LOGGED_IN
    return guarded


def open_to_all(view):
    """A page without login: the login itself, health, error pages. Named so that the permission matrix shows it."""
    view.required_permission = ANYONE
    return view
