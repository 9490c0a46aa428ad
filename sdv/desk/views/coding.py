"""Klassificering: the list of contacts to code, the coding of one, and the search for codes (KL-01…KL-06)."""

from contextlib import suppress
from uuid import UUID

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from classification.actions import coding as actions
from classification.actions import favourites
from classification.judging import body_of_coding, normalise
from registration import lifecycle
from registration.presenters import load
from sdv.accounts.access import log_access
from sdv.accounts.doors import permitted
from sdv.accounts.permissions import Permission
from sdv.common import keyset
from sdv.common.errors import RuleError, StaleVersion
from sdv.common.presenting import Link
from sdv.common.time import now
from sdv.desk import coding_draft, external_cause_guide
from sdv.desk.answers import saved
from sdv.desk.presenters import coding as presenter
from sdv.desk.presenters.encounter import heading
from sdv.desk.presenters.patient import frame_of
from sdv.desk.receipts import clear_receipt, leave_receipt

GET_AND_POST = ("GET", "HEAD", "POST")
SAVE, SAVE_AND_NEXT = "spara", "nasta"
# What becomes of a draft that somebody was before (PL-27).
MERGE, REPLACE = "lagg-samman", "behall"
_OVERTAKEN_SAID = {
    MERGE: "Dina koder står efter de sparade. Kontrollera dem och spara.",
    REPLACE: "Dina koder står som de är. När du sparar ersätter de de sparade.",
}


def of_unit(request, pk):
    """The encounter of the session's unit, with what the coding rules read; another unit's is 404."""
    return get_object_or_404(request.actor.care_unit.encounters.with_details(), pk=pk)


@permitted(Permission.CODE)
@require_GET
def coding_list(request):
    """Ended and not coded, the oldest first; of all at the unit or one's own (KL-01)."""
    at, actor, mine = now(), request.actor, _is_mine(request)
    rows = presenter.rows_of(actor.care_unit, at=at, owner=actor.user if mine else None)
    page = keyset.page(rows, field="end", cursor=request.GET.get("cursor", ""))
    log_access(actor=actor, patients=[row.patient_id for row in page.rows], what="lista: klassificering", at=at)
    context = {
        "heading": presenter.LIST.heading,
        "list": presenter.LIST,
        "rows": [presenter.row(row, actor, at, kept=_kept(request)) for row in page.rows],
        "next": _paged(request, page.next),
        "previous": _paged(request, page.previous),
        "chips": [Link("Alla på enheten", "?", current=not mine), Link("Mina", presenter.KEPT, current=mine)],
        "mine": mine,
    }
    return render(request, "coding/list.html", context)


def _is_mine(request):
    return request.GET.get("visa") == presenter.MINE


def _kept(request):
    """How the list was looked at, through the coding of one contact and on to the next."""
    return presenter.KEPT if _is_mine(request) else ""


def _paged(request, cursor):
    if not cursor:
        return ""
    return f"{_kept(request)}&cursor={cursor}" if _is_mine(request) else f"?cursor={cursor}"


# --- One contact ------------------------------------------------------------------------------------------------------


@permitted(Permission.CODE)
@require_http_methods(GET_AND_POST)
def encounter_coding(request, pk):
    """The codes of one contact. Each step of the form changes the draft that it carries; Spara saves it as a whole."""
    at = now()
    encounter = of_unit(request, pk)
    coding = actions.coding_of(encounter)
    saved_body = body_of_coding(coding) if coding.version else coding_draft.empty()
    titles = actions.chosen_titles(coding)
    if not request.htmx:
        log_access(
            actor=request.actor, patients=[encounter.patient_id], what="klassificering", at=at, resource_id=encounter.pk
        )
    if request.method != "POST":
        panel = presenter.panel(
            encounter,
            saved_body,
            saved_body,
            titles=titles,
            version=coding.version,
            is_complete=coding.is_complete or encounter.status == lifecycle.Status.ENDED,
            user=request.actor.user,
        )
        return _answer(request, encounter, coding, panel, at)
    body = coding_draft.parsed(request.POST.getlist("rad"))
    what, _, seen = request.POST.get("gor", "").partition("@")
    complete, version = "klar" in request.POST, request.POST.get("version", "")
    coding_draft.date_procedures(body, _dates(request.POST))
    said, refused, guide, overtaken = "", None, None, None
    try:
        if what in (SAVE, SAVE_AND_NEXT):
            return _save(request, encounter, body, complete, what, at)
        if what in (MERGE, REPLACE):
            # Seen and chosen: from here on the draft is of the coding that was seen, or that it was merged with.
            version = seen if what == REPLACE else coding.version
            if what == MERGE:
                body = coding_draft.merged(saved_body, body)
            said = _OVERTAKEN_SAID[what]
        else:
            guide = _guided(body, what, request, encounter)
            said = _guide_said(guide) if guide else _changed(body, what, request, encounter, at)
    except StaleVersion:
        coding = actions.coding_of(encounter)
        if not coding.version:
            raise
        saved_body = body_of_coding(coding)
        if (body, complete) == (saved_body, coding.is_complete):
            # One's own second click, or a colleague who saved the very same.
            return saved(request, _onward(request, encounter, what))
        overtaken = presenter.overtaken(coding)
        said = f"{overtaken.by} sparade klassificeringen medan du arbetade. Inget av ditt är sparat än."
    except RuleError as error:
        refused, guide = error, _guide_again(body, what, request, encounter)
    panel = presenter.panel(
        encounter,
        body,
        saved_body,
        titles=titles,
        version=version,
        is_complete=complete,
        said=said,
        refused=refused,
        guide=guide,
        overtaken=overtaken,
        user=request.actor.user,
    )
    return _answer(request, encounter, coding, panel, at, status=409 if refused or overtaken else 200)


def _answer(request, encounter, coding, panel, at, status=200):
    context = {"panel": panel, "encounter": encounter, "kept": _kept(request)}
    if request.htmx:
        return render(request, "coding/encounter.html#panel", context, status=status)
    previous = presenter.previous_coding(encounter)
    context |= frame_of(request, load(encounter.patient_id), at=at, tab="patient-encounters")
    context |= {
        "heading": "Klassificering",
        "subtitle": heading(encounter),
        "refusal": presenter.refusal(encounter),
        "previous": previous[0] if previous else None,
        "coding_status": "complete" if coding.is_complete else "partial" if coding.version else "missing",
        "search_url": f"{reverse('code-search')}?vardhandelse={encounter.pk}",
        "facts": [
            ("Kontakt", heading(encounter)),
            ("Orsak", encounter.contact_reason.name if encounter.contact_reason else ""),
            ("Medverkande", presenter.taking_part(encounter) or "Ingen är angiven"),
            ("Tolk", "Användes" if encounter.interpreter_used else "Nej"),
            ("Läggs till vid rapporteringen", presenter.additions(encounter) or "Inget"),
        ],
    }
    return render(request, "coding/encounter.html", context, status=status)


def _dates(post):
    """The dates of the procedures' fields, by place."""
    return {
        int(name.removeprefix("datum-")): value
        for name, value in post.items()
        if name.startswith("datum-") and _number(name.removeprefix("datum-")) >= 0
    }


def _guided(body, what, request, encounter):
    """The next step of the guided choice of an external cause, where one was asked for."""
    act, _, place = what.partition(":")
    if act == external_cause_guide.START:
        return external_cause_guide.first_step(body, _number(place), encounter)
    if act == external_cause_guide.CHOOSE:
        category = request.POST.get("yttre_handelse", "")
        return external_cause_guide.second_step(body, _number(place), category, encounter)
    return None


def _guide_again(body, what, request, encounter):
    """The same step once more, with what was chosen, where a choice was refused; None where it cannot be shown."""
    act, _, place = what.partition(":")
    given = [request.POST.get(name, "") for name in ("yttre_kategori", "yttre_fyra", "yttre_fem")]
    with suppress(RuleError):
        if act == external_cause_guide.CHOOSE:
            return external_cause_guide.first_step(body, _number(place), encounter)
        if act == external_cause_guide.ADD:
            return external_cause_guide.second_step(body, _number(place), given[0], encounter, *given[1:])
    return None


def _guide_said(guide):
    return f"{guide.category} {guide.title}: välj plats och aktivitet." if guide.category else "Välj vad som hände."


def _changed(body, what, request, encounter, at):
    """One step on the draft, and what is said about it to a person who does not see it."""
    act, _, where = what.partition(":")
    if act == external_cause_guide.ADD:
        chosen = (request.POST.get(name, "") for name in ("yttre_kategori", "yttre_fyra", "yttre_fem"))
        code = external_cause_guide.composed(*chosen, encounter)
        return coding_draft.add(
            body, code.system_id, code.code, code.display, is_external_cause=True, under=f"d:{_number(where)}"
        )
    if act in ("favorit", "ej-favorit"):
        system, _, code = where.partition(":")
        change = favourites.add_favourite if act == "favorit" else favourites.remove_favourite
        change(system=system, code=normalise(code), by=request.actor.user, at=at)
        return "Koden är nu en av dina favoriter." if act == "favorit" else "Koden är inte längre en favorit."
    if act == "upp" or act == "ned":
        code = coding_draft.move(body, _number(where), -1 if act == "upp" else 1)
        first = body["diagnoses"][0]["code"]
        _, codes = presenter.findings_for(encounter, body)
        display = presenter.display_of(code, codes)
        main = presenter.display_of(first, codes)
        return f"{main} är nu huvuddiagnos." if code == first or _number(where) == 0 else f"{display} är flyttad."
    if act == "bort":
        kind, place, under, position = (where.split(":") + [""] * 4)[:4]
        code = coding_draft.remove(body, kind, _number(place), under or None, _number(position) if under else None)
        return f"{code} är borttagen."
    if act == "samma":
        return _same_as_before(body, encounter)
    return _added(body, request, encounter)


def _number(text):
    return int(text) if text.isdecimal() and len(text) < 4 else -1


def _same_as_before(body, encounter):
    previous = presenter.previous_coding(encounter)
    if previous is None:
        raise RuleError("KL-02", "Patienten har inget tidigare klassificerat besök på enheten.", code="nothing_before")
    day, other = previous
    count = coding_draft.add_all(body, other)
    words = "1 kod" if count == 1 else f"{count} koder"
    return f"{words} från {day.isoformat()} är tillagda. Kontrollera dem och spara."


def _added(body, request, encounter):
    text = request.POST.get("kod", "").strip() or request.POST.get("kod_text", "").strip()
    if not text:
        raise RuleError("", "Skriv en kod eller ett ord att söka på.", code="nothing_typed")
    code = presenter.found_code(text, encounter)
    if code is None:
        typed = text.partition(":")[2] or text
        raise RuleError(
            "KL-05", f"Ingen kod hittades för {typed}. Sök på koden eller ett annat ord.", code="unknown_code"
        )
    return coding_draft.add(
        body, code.system_id, code.code, code.display,
        is_external_cause=code.is_external_cause, under=request.POST.get("under", ""),
    )  # fmt: skip


def _save(request, encounter, body, complete, what, at):
    version = request.POST.get("version", "")
    actions.save_coding(
        encounter_id=encounter.pk,
        diagnoses=body["diagnoses"],
        procedures=body["procedures"],
        atc=body["atc"],
        complete=complete,
        by=request.actor.user,
        at=at,
        # What the form carried, or nothing that can be the present one: a save never goes past another (PL-27).
        version=int(version) if version.isdecimal() else -1,
    )
    clear_receipt(request)
    leave_receipt(
        request,
        at=at,
        text="Klassificeringen är klar för" if complete else "Koderna är sparade för",
        whom=encounter.patient,
        undo_url=reverse("encounter-coding-undo", args=[encounter.pk]),
    )
    return saved(request, _onward(request, encounter, what))


def _onward(request, encounter, what):
    """Where a save leads: the same contact, or the next one of the list as it was looked at."""
    if what == SAVE:
        return reverse("encounter-coding", args=[encounter.pk]) + _kept(request)
    owner = request.actor.user if _is_mine(request) else None
    following = presenter.next_after(encounter, request.actor.care_unit, owner=owner)
    return (reverse("encounter-coding", args=[following.pk]) if following else reverse("coding")) + _kept(request)


@permitted(Permission.CODE)
@require_POST
def undo(request, pk):
    """Takes back the last save: one's own within five minutes, else by those who may correct (PL-13)."""
    at = now()
    encounter = of_unit(request, pk)
    coding = actions.coding_of(encounter)
    last = coding.history.select_related("by").order_by("-id").first() if coding.version else None
    if last and (
        refused := lifecycle.correction_refusal(
            done_by=last.by,
            done_at=last.registered_at,
            by=request.actor.user,
            at=at,
            may_correct=request.actor.may(Permission.CORRECT, encounter.care_unit_id),
            what="Klassificeringen",
        )
    ):
        raise refused
    actions.undo(encounter_id=encounter.pk, by=request.actor.user, at=at)
    clear_receipt(request)
    leave_receipt(request, at=at, text="Klassificeringen är ångrad för", whom=encounter.patient)
    return saved(request, reverse("encounter-coding", args=[encounter.pk]))


# --- Search -----------------------------------------------------------------------------------------------------------


@permitted(Permission.CODE)
@require_POST
def code_search(request):
    """What a typed text may mean, for the combobox; for nothing typed, the codes most used."""
    at = now()
    encounter = get_object_or_404(request.actor.care_unit.encounters, pk=_key(request))
    text = request.POST.get("q", "")
    groups = presenter.options(text, encounter, request.actor.user, request.actor.care_unit, at=at)
    nearest = "" if groups else presenter.nearest_heading(text, encounter)
    return render(request, "coding/options.html", {"groups": groups, "nearest": nearest})


def _key(request):
    with suppress(ValueError):
        return UUID(request.GET.get("vardhandelse", ""))
    return None
