"""A change by hand in the administration is seen before it takes effect: what changes, what uses the row, what it means.

The change is made and taken back in one transaction, so that what is shown is what saving does. The yes carries the
fingerprints of what was and of what was seen to become; anything else changes nothing, and the person is told (PL-27)."""

from contextlib import contextmanager, nullcontext
from functools import partial

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.template.response import TemplateResponse

from sdv.common.errors import RuleError, StaleVersion
from sdv.common.time import local_date, now

from . import row_changes, row_usage
from .models import AccessLogEntry
from .row_changes import Picture

# What the pages carry beside the form: what was seen, what it was seen to become, and that the form is wanted again.
SEEN, WANTED, MORE = "_seen", "_wanted", "_more"
NOT_REPEATED = {"csrfmiddlewaretoken", "overrule", SEEN, WANTED, MORE}


class PreviewedChanges:
    """For an admin class whose rows are changed by hand. A form that takes a password or a file cannot be carried from page
    to page: it says so in `is_previewed`."""

    change_form_template = "admin/maintained_change_form.html"
    # Models whose references are no use of a row; those of the class's own inlines are never counted. None: nothing is told.
    not_counted = (AccessLogEntry,)

    def is_previewed(self, request):
        return True

    def effects(self, request, before, after):
        """Sentences on what the change means beyond its fields. A class adds its own."""
        return row_changes.of_days(before, after, local_date(now()))

    def saving(self, request, row, is_overruled):
        """What saving goes through, for a class whose rows are changed by an action. A warning that it raises is shown with
        what changes, and answered there."""
        return nullcontext()

    def used_by(self, row):
        """What refers to the row, in words."""
        if self.not_counted is None:
            return None
        return row_usage.used_by(row, (*self.not_counted, *(inline.model for inline in self.inlines)))

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        if MORE not in request.POST:
            return form

        class Kept(form):
            """The form as it was sent, to be changed more: it is shown, whatever it says."""

            def is_valid(self):
                return False

        return Kept

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if row is None or not self.has_change_permission(request, row):
            return super().changeform_view(request, object_id, form_url, extra_context)
        context = {"used_by": partial(self.used_by, row), **(extra_context or {})}
        show = partial(super().changeform_view, request, object_id, form_url)
        if request.method != "POST":
            return show({"seen": self._seen(row, self._picture(request, row)), **context})
        if MORE in request.POST:
            return show({"seen": request.POST.get(SEEN, ""), **context})
        with transaction.atomic():
            before = self._picture(request, row, is_locked=True)
            save = partial(show, {"seen": request.POST.get(SEEN) or self._seen(row, before), **context})
            if self._is_own_repeat(request, row, before):
                return self.response_post_save_change(request, row)
            self._refuse_stale(request, row, before)
            if request.POST.get(WANTED) or not self.is_previewed(request):
                return self._saved(request, before, save)
            return self._preview(request, before, save)

    def _picture(self, request, row, *, is_locked=False):
        return Picture.taken(row, self.get_inline_instances(request, row), is_locked=is_locked)

    def _last_change(self, row):
        """The latest change made here by hand."""
        of_it = LogEntry.objects.filter(content_type=get_content_type_for_model(row), object_id=str(row.pk))
        return of_it.order_by("-pk").first()

    def _seen(self, row, picture):
        last = self._last_change(row)
        return f"{picture.fingerprint}.{last.pk if last else ''}"

    def _is_own_repeat(self, request, row, before):
        """One's own repeated click does nothing and says nothing (PL-27)."""
        if request.POST.get(WANTED) != before.fingerprint or request.POST.get(SEEN) == self._seen(row, before):
            return False
        last = self._last_change(row)
        return last is not None and last.user_id == request.actor.user.pk

    def _refuse_stale(self, request, row, before):
        seen, _, log = request.POST.get(SEEN, "").partition(".")
        if not seen or seen == before.fingerprint:
            return
        stale, last = StaleVersion(current=before.fingerprint, given=seen), self._last_change(row)
        # Who changed it by another way, a file for one, is not known here.
        raise stale.told(last.user, last.action_time) if last and str(last.pk) != log else stale

    def _saved(self, request, before, save):
        wanted = request.POST.get(WANTED)
        with _held(request) as said:
            with self.saving(request, before.row, bool(request.POST.get("overrule"))):
                answer = save()
            if _is_form(answer):
                return answer
            if wanted and self._picture(request, before.row).fingerprint != wanted:
                raise StaleVersion(current=before.fingerprint, given=wanted)
        for message in said:
            self.message_user(request, *message)
        return answer

    def _preview(self, request, before, save):
        warnings = []
        try:
            answer, lines, wanted, effects = self._tried(request, before, save, is_overruled=False)
        except RuleError as refused:
            if not refused.is_warning:
                raise
            warnings = [refused]
            answer, lines, wanted, effects = self._tried(request, before, save, is_overruled=True)
        if _is_form(answer):
            return answer
        if not lines:
            self.message_user(request, "Inget är ändrat: allt står redan så.", messages.INFO)
            return answer
        context = {
            **self.admin_site.each_context(request),
            "title": "Det här ändras",
            "opts": self.opts,
            "original": before.row,
            "lines": lines,
            "effects": effects,
            "warnings": warnings,
            "used_by": self.used_by(before.row),
            "seen": self._seen(before.row, before),
            "wanted": wanted,
            "repeat": [
                (name, value) for name, values in request.POST.lists() if name not in NOT_REPEATED for value in values
            ],
            "is_popup": "_popup" in request.POST,
        }
        return TemplateResponse(request, "admin/change_preview.html", context)

    def _tried(self, request, before, save, *, is_overruled):
        """Saves, looks at what it did, and takes it back."""
        with _held(request), transaction.atomic():
            with self.saving(request, before.row, is_overruled):
                answer = save()
            after = self._picture(request, before.row)
            lines = row_changes.differences(before, after)
            effects = self.effects(request, before.row, after.row) if lines else []
            transaction.set_rollback(True)
        return answer, lines, after.fingerprint, effects

    def message_user(self, request, message, level=messages.INFO, extra_tags="", fail_silently=False):
        held = getattr(request, "held_messages", None)
        if held is None:
            super().message_user(request, message, level, extra_tags, fail_silently)
        else:
            held.append((message, level, extra_tags))


@contextmanager
def _held(request):
    """What is said meanwhile is held back: nothing is done until all of it is."""
    request.held_messages = []
    try:
        yield request.held_messages
    finally:
        request.held_messages = None


def _is_form(answer):
    """Whether the form is shown anew, with what is wrong."""
    return "adminform" in (getattr(answer, "context_data", None) or {})


def asked_first(administration, request, rows, title, meaning):
    """The page of the rows that an action is about to change, or None once it has been said yes to them, or where there are
    none. The yes names the rows that were seen."""
    if request.POST.get("_yes"):
        return None
    rows = list(rows)
    context = {
        **administration.admin_site.each_context(request),
        "title": title,
        "opts": administration.opts,
        "rows": rows,
        "meaning": meaning,
        "action": request.POST["action"],
    }
    return TemplateResponse(request, "admin/action_preview.html", context) if rows else None
