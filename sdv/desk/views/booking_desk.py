"""What booking and rebooking share: choices, free times, the held time, and how a refusal is met (BO-01, PL-07, PL-08).

Works as plain pages: choices are an address, taking a time and confirming it are posts. htmx redraws the list."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from scheduling import letter_pdf, rules, slots
from scheduling.actions import resource_bookings
from scheduling.models import Appointment, BookingState, Resource, ResourceBooking
from sdv.common.dates import long_date, parse_date
from sdv.common.errors import InputError, RuleError
from sdv.common.presenting import Link
from sdv.common.time import local_date, start_of_day

from ..answers import on_this_site
from ..forms.booking import FURTHEST, HORIZON, WEEK, WITH
from ..forms.letters import LetterChoicesForm, add_ons_to_choose, files_to_choose
from ..presenters import booking as presenter
from ..presenters import patient as patient_presenter
from ..receipts import leave_receipt
from ..refusals import refusal_context
from ..return_to_list import BACK, uuid_of, with_booking
from .letter_list import told

# Where on the page a letter is chosen: with the held time, beside the tidbok, with a seat on a grupptillfälle.
PLACES = ("vald", "over", "grupp")


# How many other times are offered where one was taken (PL-07).
OFFERED = 3


class Desk:
    """What booking and rebooking share: a form of choices, the free times, the held time."""

    template = ""
    letter_label = "Skriv kallelse"

    def __init__(self, request, patient, at):
        self.request, self.patient, self.at = request, patient, at
        self.care_unit = request.actor.care_unit
        self.user = request.actor.user
        self.today = local_date(at)
        self.parts = None
        self.hold_id = uuid_of(self.given.get("hallen", ""))
        self.units = [self.care_unit]

    # Subclasses: form, visit_type, address, context, confirm; units where other than one's own may be booked.

    @property
    def given(self):
        return self.request.POST if self.request.method == "POST" else self.request.GET

    def address(self, **more):
        """This page with the choices kept."""
        return f"{self.path}?{urlencode(self.form.kept() | more)}"

    def free(self):
        if not (self.visit_type and self.units and self.form.is_valid()):
            return []
        if self.form.shows_week:
            first, last = week_of(self.form.cleaned_data["fran"])
            found = self._find(first, last)
        else:
            days = self.form.cleaned_data
            found = self._find(days["fran"], days["till"], limit=presenter.SHOWN_TIMES)
        self.hidden = presenter.hidden_text(found.hidden)
        return found.slots

    def _find(self, first, last, **limit):
        resource = self.form.resource
        return slots.find(
            care_unit=self.units[0],
            also_units=self.units[1:],
            visit_type=self.visit_type,
            from_day=first,
            to_day=last,
            at=self.at,
            resource_ids=[resource.pk] if resource else None,
            by=self.user,
            together=self.together(),
            then=self.then(),
            minutes=self.minutes(),
            **limit,
        )

    def together(self):
        """What is had with the person whose time it is: groups of which one each must be free."""
        return self.form.together

    def then(self):
        """Who has a part of the visit after the first, and for how many minutes (BO-02); or None."""
        return self.form.then

    def minutes(self):
        """How long the first's part is, where it is not the besökstyp's own time."""
        return None

    def busy(self):
        return busy_times(self.patient, self.today)

    def held(self):
        """The time this user holds, or None where it ran out or was never held."""
        if self.hold_id is None:
            return None
        return (
            ResourceBooking.objects.filter(pk=self.hold_id, state=BookingState.HELD, held_by=self.user)
            .select_related("resource__practitioner__profession", "resource__care_unit")
            .first()
        )

    def page(self, *, status=200, **context):
        if self.given.get("hallen_for", self.held_for) != self.held_for:
            # What is booked is another than the time was held for.
            self.hold_id = None
        held = self.held() if "taken" not in context else None
        found = [slot for slot in self.free() if not _is_held(slot, held)]
        wished = self.form.cleaned_data.get("onskat") if self.form.is_valid() else None
        context = {
            "form": self.form,
            "kept": self.form.kept(),
            "path": self.path,
            "band": patient_presenter.band_of(self.request, self.patient, at=self.at),
            "patient_id": self.patient.pk,
            **self._shown(found, wished),
            "hidden": getattr(self, "hidden", ""),
            "held": self._held(held),
            "ran_out": bool(self.hold_id) and held is None and self.request.method == "GET",
            "earlier": self._moved(-7),
            "later": self._moved(7),
            "others": self.address(resurs="") if self.form.resource else "",
            "last_day": self.form.cleaned_data.get("till") if self.form.is_valid() else None,
            "further": self._further(),
            "has_choice": self.visit_type is not None,
            "shown_errors": self.form if self.has_errors() else "",
            "letter_default": self.letter_default(),
            "letter_forms": self.letter_forms,
            "kept_letter": [] if held else self._kept_letter(),
            "held_for": self.held_for,
            "letter_label": letter_label(self.patient, self.letter_label),
            **self.context(),
            **context,
        }
        context["letter_errors"] = next((form for form in self.letter_forms.values() if form.errors), "")
        wants_focus = bool(self.has_errors() or context.get("refusal") or context.get("overbooking_errors"))
        context["focus_list"] = not (wants_focus or held or "taken" in context)
        context["mark_best"] = not held
        if self.request.htmx and self.request.method == "GET":
            return render(self.request, f"{self.template}#workspace", context)
        return render(
            self.request, self.template, context, status=422 if self.has_errors() and status == 200 else status
        )

    @property
    def held_for(self):
        """What a time is held for: a change of anything else keeps it."""
        return "|".join(self.form.data.get(name, "") for name in ("besokstyp", *WITH, "efter"))

    def _kept_letter(self):
        """What was typed of a letter whose time was lost, as the lists of times carry it on."""
        if not self.letter_forms["vald"].is_bound:
            return []
        names = ("brev_vid", "kallelse", *self.letter_forms["vald"].fields)
        return [(name, value) for name in names for value in self.request.POST.getlist(name)]

    def has_errors(self):
        return self.request.method == "POST" and bool(self.form.errors or self.letter_form.errors)

    def _shown(self, found, wished):
        """The free times as a list by day, or as a week of columns (ui.md 4.5)."""
        busy = self.busy() if found else ()
        shown = {"views": self._views() if self.form.is_valid() else []}
        if not (self.form.is_valid() and self.form.shows_week):
            return shown | {"days": presenter.by_day(found, wished=wished, busy=busy)}
        first, last = week_of(self.form.cleaned_data["fran"])
        days = presenter.week(found, first=first, wished=wished, busy=busy)
        return shown | {
            "days": [],
            "week": days,
            "week_name": presenter.week_name(first),
            "next": self._next(days, last),
        }

    def _views(self):
        """Lista | Vecka."""
        is_week = self.form.shows_week
        return [
            Link("Lista", self.address(vy=""), current=not is_week),
            Link("Vecka", self.address(vy=WEEK), key="V", current=is_week),
        ]

    def _next(self, days, last):
        """Where the shown week has nothing: the week of the first free time after it, as an address."""
        if any(day.times for day in days) or not (self.visit_type and self.units):
            return None
        found = self._find(last + timedelta(days=1), last + 3 * HORIZON, limit=1).slots
        if not found:
            return None
        day = local_date(found[0].start)
        till = max(self.form.cleaned_data["till"], day)
        return Link(long_date(day), self.address(fran=day.isoformat(), till=till.isoformat()))

    def _held(self, held):
        if held is None:
            return None
        together = resource_bookings.held_with(held, self.user)
        others = [row.resource for row in together[1:]]
        seconds = (held.expires_at - timezone.now()).total_seconds()
        return {
            "id": held.pk,
            "value": presenter.value_text(held.resource_id, held.period.lower, [row.pk for row in others]),
            "others": ", ".join(row.name for row in others),
            "day": long_date(local_date(held.period.lower)),
            "start": held.period.lower,
            "end": max(row.period.upper for row in together),
            "who": presenter.who(held.resource),
            "unit": held.resource.care_unit.short_name,
            "expires_at": held.expires_at,
            "left": presenter.time_left(seconds),
            "seconds": max(int(seconds), 0),
        }

    def _moved(self, days):
        """The same span a week earlier or later; never before today."""
        if not self.form.is_valid():
            return ""
        first, last = self.form.cleaned_data["fran"], self.form.cleaned_data["till"]
        begins = week_of(first)[0] if self.form.shows_week else first
        if days < 0 and begins <= self.today:
            return ""
        first = max(first + timedelta(days=days), self.today)
        return self.address(fran=first.isoformat(), till=max(last + timedelta(days=days), first).isoformat())

    def _further(self):
        if not self.form.is_valid():
            return ""
        return self.address(till=(self.form.cleaned_data["till"] + HORIZON).isoformat())

    def chosen_time(self):
        """The resource and the times that were chosen; the length is the besökstyp's. Raises InputError."""
        resource_id, _, text = self.request.POST.get("tid", "").partition("|")
        text, _, others = text.partition("|")
        start = self._moment(text)
        wanted = [pk for pk in map(uuid_of, others.split(",")) if pk]
        resource_id = uuid_of(resource_id)
        if resource_id is None or start is None:
            raise InputError(tid="Välj en av de lediga tiderna i listan.")
        found = Resource.objects.filter(care_unit__in=self.units_to_book(), pk=resource_id)
        resource = found.select_related("care_unit").first()
        if resource is None:
            raise rules.other_unit_refusal()
        rows = Resource.objects.filter(pk__in=wanted, care_unit=resource.care_unit) if wanted else []
        self.others = [row.pk for row in rows]
        minutes = self.minutes() or self.visit_type.default_minutes
        if then := self.then():
            self.parts = {resource.pk: (0, minutes), then[0]: (minutes, then[1])}
            minutes += then[1]
        return resource, start, start + timedelta(minutes=minutes)

    def units_to_book(self):
        """The units whose times may be taken here: one's own."""
        return [self.care_unit]

    def _moment(self, text):
        """A start as the list's buttons send it, or None."""
        try:
            start = datetime.fromisoformat(text)
        except ValueError:
            return None
        if start.tzinfo is None or not self.today.year <= start.year <= (self.today + FURTHEST).year:
            return None
        return start.astimezone(UTC)

    def hold(self):
        """Holds the chosen time for two minutes, and lets go of what was held before."""
        if not self.is_ready():
            return self.page(status=422)
        try:
            resource, start, end = self.chosen_time()
        except RuleError as refused:
            return self.refused(refused)
        self._let_go()
        try:
            # To the second, unlike registered times: cut to the minute the hold could be half as long.
            held = resource_bookings.hold(
                resource_id=resource.pk,
                start=start,
                end=end,
                by=self.user,
                at=timezone.now(),
                together=self.others,
                parts=self.parts,
            )
        except RuleError as refused:
            if refused.code != "slot_taken":
                raise
            return self.taken(refused, resource, start)
        if self.has_chosen_of_letter():
            # Shown at once: what is written of a letter goes into no address.
            self.hold_id = held.pk
            return self.page()
        return redirect(self.address(hallen=str(held.pk)))

    def release(self):
        """Lets go of the held time and shows the list again."""
        self._let_go()
        return redirect(self.address())

    def preview(self):
        """The letter as it would be written, under the held time; nothing is saved and the time is held as before."""
        if not self.is_ready():
            return self.page(status=422)
        if self.held() is None:
            return self.page(ran_out=True)
        resource, start, _ = self.chosen_time()
        letter = self.letter_of(start, resource.practitioner, self.letter_choices())
        return self.page(preview=shown_preview(letter))

    def _let_go(self):
        if hold_id := uuid_of(self.request.POST.get("hallen", "")):
            resource_bookings.release_hold(hold_id=hold_id, by=self.user)

    def is_ready(self):
        return bool(self.visit_type) and self.form.is_valid() and self._letter_is_readable()

    def letter_default(self):
        """As the person has said, else as the page proposes."""
        return self.wants_letter() if self.letter_form.is_bound else self.proposes_letter()

    def proposes_letter(self):
        """A kallelse goes with the booking; nothing is sent to a protected person unless somebody says so (KA-05)."""
        return not self.patient.is_protected

    @cached_property
    def letter_forms(self):
        """What is chosen of the letter, at each place of the page where one may be asked for."""
        data = self.request.POST if self.request.method == "POST" else None
        return LetterChoicesForm.at_places(
            PLACES,
            data=data,
            offered=files_to_choose(self.letter_unit, self.today),
            add_ons=add_ons_to_choose(self.today),
            initial=self.letter_initial(),
        )

    @property
    def letter_unit(self):
        """The unit that the letter is of."""
        return self.care_unit

    @property
    def letter_form(self):
        """The one that was posted, else the first."""
        return next((form for form in self.letter_forms.values() if form.is_bound), self.letter_forms["vald"])

    def letter_initial(self):
        """What goes on with the next letter of the one before it, where there is one."""
        return None

    def _letter_is_readable(self):
        return not (self.letter_form.is_bound and self.wants_letter()) or self.letter_form.is_valid()

    def has_chosen_of_letter(self):
        """Whether anything of the letter is chosen otherwise than the page proposes."""
        form = self.letter_form
        return form.is_bound and (form.has_changed() or self.wants_letter() != self.proposes_letter())

    def letter_choices(self):
        """What was chosen of the letter, as the actions take it; None where nothing was."""
        return self.letter_wish()["letter_choices"]

    def letter_wish(self):
        """Whether a letter is asked for, and what is chosen of it."""
        return self.letter_form.wish(self.wants_letter())

    def wants_letter(self):
        return bool(self.request.POST.get("kallelse"))

    def receipt(self, text, appointment):
        """What was done, and what became of the letter."""
        leave_receipt(
            self.request, at=self.at, text=f"{told(appointment.letters_written)} {text}".strip(), whom=self.patient
        )

    def taken(self, refused, resource, start):
        """Somebody was first (PL-27): everything is kept, and the next three times are offered (PL-07)."""
        if self.together() or self.then():
            # What is had together is offered together.
            following = [slot for slot in self.free() if slot.start >= start][:OFFERED]
        else:
            following = refused.alternatives or self._next_free(resource, start)
        offered = presenter.times(following)
        return self.page(status=409, taken=refused, offered=offered)

    def _next_free(self, resource, start):
        return slots.next_free(
            care_unit=self.units[0],
            also_units=self.units[1:],
            visit_type=self.visit_type,
            at=self.at,
            start=start,
            resource_ids=[resource.pk] if self.form.resource else None,
            by=self.user,
        )

    def refused(self, error):
        """Any other refusal, on the page itself: what was filled in is kept, a warning may be overruled (PL-06)."""
        context = refusal_context(self.request, error)
        context.pop("heading")
        return self.page(status=409, refusal=True, **context)

    def insisted(self):
        return insisted(self.request)

    def leave(self, appointment):
        """After the booking: back to the list it was made from with the next row selected (ui.md 4.6), else to the
        patient's bookings."""
        bookings = reverse("patient-appointments", args=[self.patient.pk])
        return redirect(with_booking(on_this_site(self.request, self.given.get(BACK)) or bookings, appointment))


def letter_label(patient, otherwise):
    """The word at the tick that asks for a letter: to a protected person it goes by mediation (KA-05)."""
    return "Kallelse genom Skatteverkets förmedling" if patient.is_protected else otherwise


def shown_preview(letter):
    """An unsaved letter as a page shows it."""
    shown = {"missing": letter.stop_reason, "delivery": letter.get_delivery_display()}
    return shown if letter.stop_reason else shown | {"paper": letter_pdf.paper_of(letter, level=3)}


def insisted(request):
    """The warnings the person overrules, and why (PL-06)."""
    overrules = "overrule" in request.POST
    return {
        "accept_warnings": ["PL-06"] if overrules else [],
        "reason": request.POST.get("reason", "").replace("\0", "").strip()[:200] if overrules else "",
    }


def busy_times(patient, today):
    """The patient's own bookings ahead, wherever: only their times are told, and only at an overlap (PL-06)."""
    rows = Appointment.objects.living().filter(patient=patient, start__gte=start_of_day(today))
    return list(rows.values_list("start", "end"))


def _is_held(slot, held):
    """The held time stands above the list and not in it."""
    return held is not None and (slot.resource.pk, slot.start) == (held.resource_id, held.period.lower)


def week_of(day):
    """Monday and Sunday of the day's week."""
    first = day - timedelta(days=day.weekday())
    return first, first + timedelta(days=6)


def day_of(text, today):
    """The day a choice means, or today where it cannot be read: the form then says so."""
    if isinstance(text, date):
        return text
    try:
        day = parse_date(text, today)
    except ValueError:
        return today
    return min(max(day, today), today + FURTHEST)
