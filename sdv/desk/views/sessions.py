"""Login, logout, choice and switch of assignment, personal settings (ui.md 4.1)."""

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from sdv.accounts.doors import logged_in, open_to_all
from sdv.accounts.permissions import Permission, allowed
from sdv.accounts.sessions import PREFERENCES_KEY, act_as, load_preferences, save_preferences, usable_assignments
from sdv.common.presenting import Choice, Key
from sdv.common.requests import address_of, page_of
from sdv.common.time import now
from sdv.desk.context import address
from sdv.desk.forms.sessions import LoginForm, PreferencesForm
from sdv.desk.receipts import clear_receipt

# Pages about patients, who are shared by all units (PA-08); every other page with an id belongs to one unit.
SHARED_BY_UNITS = "/patienter/"
DEMO_USERS = [
    ("reception", "tar emot patienter på en vårdcentral"),
    ("kliniker", "checkar ut besök på en specialistmottagning"),
    ("koordinator", "har hand om arbetslistor och tidböcker"),
    ("kodare", "klassificerar"),
    ("katalog", "underhåller kataloger"),
    ("chef", "läser listor och statistik"),
    ("support", "rättar i efterhand"),
    ("granskare", "läser åtkomstloggen"),
]


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@open_to_all
def login(request):
    """Login with name and password; the session gets a new key. Who has one assignment goes straight to work."""
    wanted = safe_address(request, request.POST.get("next") or request.GET.get("next"))
    if request.user.is_authenticated and request.method == "GET":
        return HttpResponseRedirect(wanted or address("start"))
    form = LoginForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        auth.login(request, form.user)
        load_preferences(request, form.user)
        return _to_work(request, form.user, wanted)
    context = {
        "heading": "Logga in",
        "form": form,
        "next": wanted,
        "demo_users": DEMO_USERS if settings.SDV_DEMO else [],
        "has_ended": request.session.pop("ended", False),
    }
    return render(request, "sessions/login.html", context, status=422 if form.errors else 200)


def _to_work(request, user, wanted):
    assignments = usable_assignments(user, at=now())
    if len(assignments) == 1:
        act_as(request, assignments[0])
        return HttpResponseRedirect(_page_for(assignments[0], wanted))
    return _choose_first(wanted)


def _choose_first(wanted):
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return HttpResponseRedirect(address("choose-assignment") + query)


@never_cache
@require_POST
@open_to_all
def logout(request):
    """Ends the session: nothing of it is left in the browser."""
    auth.logout(request)
    messages.success(request, "Du är utloggad.")
    return redirect("login")


@never_cache
@require_http_methods(["GET", "POST"])
@logged_in
def choose_assignment(request):
    """Välj uppdrag, after login and from the bar. The page one came from is kept if the new unit may see it."""
    user = request.actor.user
    assignments = usable_assignments(user, at=now())
    wanted = safe_address(request, request.POST.get("next") or request.GET.get("next") or address_of(page_of(request)))
    if request.method == "POST":
        chosen = next((each for each in assignments if str(each.pk) == request.POST.get("assignment")), None)
        if chosen:
            return _switch(request, chosen, wanted)
    current = request.actor.assignment
    preselected = current or (assignments[0] if assignments else None)
    context = {
        "heading": "Välj uppdrag",
        "assignments": assignments,
        "choices": [_choice(each) for each in assignments],
        "selected": str(preselected.pk) if preselected else "",
        "keys": [Key(("↑", "↓"), "byt rad"), Key(("1", "–", "9"), "välj"), Key(("Enter",), "fortsätt")],
        "error": "Välj ett av uppdragen." if request.method == "POST" else "",
        "next": wanted,
        "stay": (wanted or address("start")) if current else "",
    }
    return render(request, "sessions/choose_assignment.html", context, status=422 if context["error"] else 200)


def _choice(assignment):
    facility = assignment.care_unit.facility
    hint = " · ".join([assignment.get_role_display(), assignment.purpose, facility.care_provider.name])
    return Choice(str(assignment.pk), assignment.care_unit.name, hint)


def _switch(request, assignment, wanted):
    changed_unit = request.actor.care_unit and request.actor.care_unit.pk != assignment.care_unit_id
    act_as(request, assignment)
    clear_receipt(request)
    return HttpResponseRedirect(_page_for(assignment, wanted, changed_unit=changed_unit))


def _page_for(assignment, wanted, *, changed_unit=False):
    """The page wanted if the assignment may see it, else Dagen, else the start page."""
    if wanted and _may_see(assignment, wanted, changed_unit=changed_unit):
        return wanted
    return address("day") if assignment.may(Permission.VIEW_DAY) and address("day") else address("start")


def _may_see(assignment, wanted, *, changed_unit):
    path = urlsplit(wanted).path
    try:
        match = resolve(path)
    except Resolver404:
        return False
    required = getattr(match.func, "required_permission", None)
    if required in set(Permission) and not allowed(assignment.role, Permission(required)):
        return False
    return not (changed_unit and match.kwargs and not path.startswith(SHARED_BY_UNITS))


def safe_address(request, wanted):
    """The address if it is a page of this site, else an empty text: a login never sends anyone elsewhere."""
    if not wanted or not wanted.startswith("/") or not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return ""
    path = urlsplit(wanted).path
    return "" if path in {address("login"), address("logout"), address("choose-assignment")} else wanted


@never_cache
@require_http_methods(["GET", "POST"])
@logged_in
def preferences(request):
    """Mina inställningar: row height, letters as shortcuts (WCAG 2.1.4), hidden identity numbers."""
    kept = request.session.get(PREFERENCES_KEY, {})
    form = PreferencesForm(
        request.POST or None,
        initial={
            "density": kept.get("density", "normal"),
            "shortcuts": kept.get("shortcuts", True),
            "hide_identities": kept.get("hide_identities", False),
        },
    )
    if request.method == "POST" and form.is_valid():
        save_preferences(request, request.actor.user, **form.cleaned_data)
        messages.success(request, "Inställningarna är sparade.")
        return redirect("preferences")
    context = {"heading": "Mina inställningar", "form": form}
    return render(request, "sessions/preferences.html", context, status=422 if form.errors else 200)


@require_POST
@logged_in
def hide_identities(request):
    """Dölj personnummer: one press, back to the same list."""
    hidden = request.session.get(PREFERENCES_KEY, {}).get("hide_identities", False)
    save_preferences(request, request.actor.user, hide_identities=not hidden)
    return HttpResponseRedirect(safe_address(request, request.POST.get("next")) or address("start"))
