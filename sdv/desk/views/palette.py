"""The palette (Ctrl+K, F2): patients, pages and actions from one field, always by POST (ui.md 3.4)."""

from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from registration import identities, presenters
from registration.models import Patient
from registration.names import fold, search_words
from sdv.accounts.access import log_access
from sdv.accounts.doors import logged_in
from sdv.accounts.permissions import Permission
from sdv.common.presenting import Option, OptionGroup, Tag
from sdv.common.time import local_date, now
from sdv.desk.context import Frame, address
from sdv.desk.recent import recent_patients
from sdv.flows import register

HITS = 8
# A misspelt name is looked for only when nothing begins as it was typed.
SHORTEST_MISSPELT = 4
ACTIONS = (
    ("Registrera oplanerat besök", "drop-in", Permission.REGISTER_ENCOUNTERS, "N"),
    ("Vilken kontakt ska registreras? Vägledning", "contact-guide", Permission.REGISTER_ENCOUNTERS, ""),
    ("Lägg upp patient", "patient-create", Permission.EDIT_PATIENTS, ""),
    ("Byt uppdrag", "choose-assignment", None, ""),
    ("Ändra mina inställningar", "preferences", None, ""),
)


@never_cache
@require_http_methods(["GET", "POST"])
@logged_in
def palette(request):
    """Answers what was typed. Nothing is done from here that cannot be undone: every option leads to a page."""
    typed = request.POST.get("q", "").strip()[:100]
    groups = _groups(request, typed, patients_only=request.POST.get("mode") == "patient")
    context = {"heading": "Sök", "typed": typed, "groups": groups, "has_searched": request.method == "POST"}
    is_fragment = request.headers.get("HX-Request") == "true"
    return render(request, "palette/page.html#options" if is_fragment else "palette/page.html", context)


def _groups(request, typed, *, patients_only):
    found = []
    only_actions = typed.startswith(">")
    words = typed.lstrip("> ")
    if not only_actions and request.actor.may(Permission.VIEW_PATIENTS):
        found.append(OptionGroup("Patienter" if words else "Senaste patienter", _patients(request, words)))
    if not patients_only:
        if not only_actions:
            found.append(OptionGroup("Gå till", _pages(request, words)))
        found.append(OptionGroup("Gör nu", _actions(request, words)))
    return [group for group in found if group.options]


def _patients(request, words):
    at = now()
    today = local_date(at)
    if any(character.isdigit() for character in words):
        register.ask_at_search(words, at=at, strangers=False)
    found = list(_search(request, words, today))
    log_access(actor=request.actor, patients=[patient.pk for patient in found], what="sökning", at=at)
    return tuple(_patient_option(patient, today) for patient in found)


def _search(request, words, today):
    """Digits are an identity, complete; letters are names, where a protected person is never found (SK-05)."""
    patients = Patient.objects.with_primary_identity()
    if not words:
        kept = recent_patients(request)
        by_id = {str(patient.pk): patient for patient in patients.present().filter(pk__in=kept, protection="")}
        return [by_id[pk] for pk in kept if pk in by_id]
    if any(character.isdigit() for character in words):
        return patients.with_identity(words, today=today)[:HITS] if identities.candidates(words, today=today) else []
    if not search_words(words):
        return []
    named = list(patients.named(words)[:HITS])
    if not named and len(words) >= SHORTEST_MISSPELT:
        named = list(patients.named_about(words)[:HITS])
    return named


def _patient_option(patient, today):
    seen = presenters.shown(patient, on=today)
    tag = None
    if seen.is_protected:
        tag = Tag("guard", "shield", "Skyddad")
    elif seen.is_deceased:
        tag = Tag("danger", "cross", "Avliden")
    return Option(seen.name, href=address("patient", patient.pk), code=seen.identity, hint=seen.age_text, tag=tag)


def _pages(request, words):
    frame = Frame(request)
    entries = [Option(entry.label, href=entry.url, hint=entry.key) for entry in frame.reachable]
    entries.append(Option("Start", href=address("start")))
    return tuple(entry for entry in entries if _matches(words, entry.text))


def _actions(request, words):
    options = []
    for label, name, permission, key in ACTIONS:
        url = address(name)
        if url and (permission is None or request.actor.may(permission)) and _matches(words, label):
            options.append(Option(label, href=url, hint=key))
    return tuple(options)


def _matches(words, label):
    """Whether every typed word begins a word of the label."""
    known = search_words(label)
    return all(any(each.startswith(word) for each in known) for word in search_words(words)) if fold(words) else True
