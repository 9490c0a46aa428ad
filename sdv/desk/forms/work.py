"""Forms of the work lists and of Bokningsbegäran (BB-01, UT-04…06)."""

from datetime import timedelta

from django import forms
from django.db.models import Q
from django.urls import reverse_lazy

from registration.models import ContactReason, VisitType
from scheduling.models import ContactMethod, ContactResult, OutcomeCode, OutcomeReason
from scheduling.request_filters import LATE, MYSELF, NAMES, NO_RESOURCE, NOBODY, PERSONAL
from scheduling.rules import AWAIT_DAYS, LONGEST_WATCH, reason_refusal
from sdv.accounts.models import User
from sdv.common.fields import SwedishDateField

FOLLOW_UP_FROM, FOLLOW_UP_TO = timedelta(days=14), timedelta(days=28)


def offered_reasons(care_unit, visit_type, day):
    """The vårdkontaktsorsaker to choose among: those of the besökstyp (VO-02), before it is chosen those of the unit's."""
    if visit_type:
        return ContactReason.objects.offered_for(visit_type, day).order_by("name")
    of_unit = VisitType.objects.for_unit(care_unit, day)
    linked = Q(visit_type_links__visit_type__in=of_unit) | Q(is_for_all_visit_types=True)
    return ContactReason.objects.valid_on(day).filter(linked).distinct().order_by("name")


def staff_of(care_unit, today):
    """Whom a row of the unit can be given to."""
    people = User.objects.filter(is_active=True, assignments__in=care_unit.assignments.valid_on(today))
    return people.distinct().order_by("name")


class RequestForm(forms.Form):
    """What is wished for: besökstyp, vårdkontaktsorsak, interval, resource, and to whom the request goes (UT-06)."""

    visit_type = forms.ModelChoiceField(
        VisitType.objects.none(),
        label="Besökstyp",
        empty_label="Välj besökstyp",
        error_messages={"required": "Välj besökstyp."},
    )
    contact_reason = forms.ModelChoiceField(
        ContactReason.objects.none(),
        label="Vårdkontaktsorsak",
        empty_label="Välj orsak",
        error_messages={"required": "Välj vårdkontaktsorsak: det ska alltid finnas exakt en."},
    )
    wished_from = SwedishDateField(label="Begärt startdatum", error_messages={"required": "Ange från vilken dag."})
    wished_to = SwedishDateField(label="Begärt slutdatum", error_messages={"required": "Ange till vilken dag."})
    wished_resource = forms.ModelChoiceField(None, label="Önskad resurs", required=False, empty_label="Ingen önskad")
    wished_place = forms.CharField(label="Begärd plats", max_length=120, required=False)
    addressee = forms.ModelChoiceField(
        None,
        label="Till",
        required=False,
        empty_label="Mig själv",
        help_text="Till en kollega blir det en uppföljningsbegäran, som kollegan bekräftar.",
    )
    description = forms.CharField(label="Beskrivning", max_length=500, required=False)

    def __init__(self, data=None, *, care_unit, user, today, is_required=True, initial=None, **kwargs):
        initial = {"wished_from": today + FOLLOW_UP_FROM, "wished_to": today + FOLLOW_UP_TO} | (initial or {})
        super().__init__(data, initial=initial, **kwargs)
        self.care_unit, self.user, self.today = care_unit, user, today
        fields = self.fields
        fields["visit_type"].queryset = VisitType.objects.for_unit(care_unit, today).order_by("name")
        fields["contact_reason"].queryset = offered_reasons(care_unit, None, today)
        fields["wished_resource"].queryset = care_unit.resources.valid_on(today).order_by("name")
        fields["addressee"].queryset = staff_of(care_unit, today).exclude(pk=user.pk)
        reasons = f"id_{self.add_prefix('contact_reason')}"
        fields["visit_type"].widget.attrs |= {
            "hx-get": str(reverse_lazy("contact-reason-options")),
            "hx-target": f"#{reasons}",
            "hx-sync": "this:replace",
        }
        self._narrow_reasons()
        for field in fields.values():
            field.required = field.required and is_required

    def _narrow_reasons(self):
        """Offers only what can be chosen for the besökstyp; what else is sent is refused with VO-02, not as unknown."""
        chosen = self["visit_type"].value()
        field = self.fields["visit_type"]
        if not chosen:
            return
        try:
            visit_type = chosen if isinstance(chosen, VisitType) else field.clean(chosen)
        except forms.ValidationError:
            return
        reasons = offered_reasons(self.care_unit, visit_type, self.today)
        widget = self.fields["contact_reason"].widget
        widget.choices = [("", "Välj orsak"), *((row.pk, row.name) for row in reasons)]

    def clean(self):
        found = super().clean()
        visit_type, reason = found.get("visit_type"), found.get("contact_reason")
        if visit_type and reason:
            offered = ContactReason.objects.offered_for(visit_type, self.today).filter(pk=reason.pk).exists()
            if refused := reason_refusal(is_offered=offered, reason_name=reason.name, visit_type_name=visit_type.name):
                self.add_error("contact_reason", f"{refused.sentence} Regel {refused.rule}.")
        first, last = found.get("wished_from"), found.get("wished_to")
        if first and last and last < first:
            self.add_error("wished_to", "Begärt slutdatum ska inte ligga före begärt startdatum.")
        return found

    @property
    def follow_up(self):
        """The fields as request_booking and decide take them; to nobody else it is to oneself."""
        names = ("visit_type", "contact_reason", "wished_from", "wished_to", "wished_resource", "wished_place")
        found = {name: self.cleaned_data[name] for name in (*names, "description")}
        return found | {"addressee": self.cleaned_data["addressee"] or self.user}


class NewRequestForm(RequestForm):
    """A bokningsbegäran made directly from the patient's page (BB-01)."""

    commitment = forms.ModelChoiceField(None, label="Vårdåtagande", required=False)
    field_order = ("commitment",)

    def __init__(self, data=None, *, patient, care_unit, **kwargs):
        super().__init__(data, care_unit=care_unit, **kwargs)
        rows = care_unit.commitments.open().filter(patient=patient).select_related("problem_code")
        self.fields["commitment"].queryset = rows
        self.fields["commitment"].empty_label = "Inget" if care_unit.is_primary_care else "Välj vårdåtagande"
        self.fields["commitment"].label_from_instance = lambda row: f"{row.problem_code.name}, öppnat {row.opened_on}"


class ChangeRequestForm(forms.Form):
    """Changes of a waiting request."""

    wished_from = SwedishDateField(label="Begärt startdatum", error_messages={"required": "Ange från vilken dag."})
    wished_to = SwedishDateField(label="Begärt slutdatum", error_messages={"required": "Ange till vilken dag."})
    wished_resource = forms.ModelChoiceField(None, label="Önskad resurs", required=False, empty_label="Ingen önskad")
    wished_place = forms.CharField(label="Begärd plats", max_length=120, required=False)
    description = forms.CharField(label="Beskrivning", max_length=500, required=False)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, *, care_unit, today, **kwargs):
        super().__init__(data, **kwargs)
        self.fields["wished_resource"].queryset = care_unit.resources.valid_on(today).order_by("name")

    def clean(self):
        found = super().clean()
        first, last = found.get("wished_from"), found.get("wished_to")
        if first and last and last < first:
            self.add_error("wished_to", "Begärt slutdatum ska inte ligga före begärt startdatum.")
        return found


class ResourceForm(forms.Form):
    """Önskad resurs, edited in its place in the list (BB-01)."""

    wished_resource = forms.ModelChoiceField(None, label="Önskad resurs", required=False, empty_label="Ingen önskad")
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data=None, *, care_unit, today, **kwargs):
        super().__init__(data, **kwargs)
        self.fields["wished_resource"].queryset = care_unit.resources.valid_on(today).order_by("name")
        self.fields["wished_resource"].widget.attrs["data-focus"] = True


class ManyForm(forms.Form):
    """One change of many marked rows (BB-01)."""

    act = forms.ChoiceField(
        label="Med de markerade",
        choices=[
            ("assign", "Tilldela"),
            ("resource", "Önska resurs"),
            ("invite", "Skicka öppen kallelse"),
            ("letter", "Skriv brev"),
            ("close", "Avsluta"),
        ],
        error_messages={"required": "Välj vad som ska göras."},
    )
    addressee = forms.ModelChoiceField(None, label="Till", required=False, empty_label="Ingen")
    wished_resource = forms.ModelChoiceField(None, label="Önskad resurs", required=False, empty_label="Ingen önskad")
    reason = forms.CharField(label="Varför avslutas de?", max_length=200, required=False)

    def __init__(self, data=None, *, care_unit, today, **kwargs):
        super().__init__(data, auto_id="flera-%s", **kwargs)
        self.fields["addressee"].queryset = staff_of(care_unit, today)
        self.fields["wished_resource"].queryset = care_unit.resources.valid_on(today).order_by("name")
        for field in self.fields.values():
            field.widget.attrs["form"] = "flera"

    def clean(self):
        found = super().clean()
        if found.get("act") == "close" and not found.get("reason"):
            self.add_error("reason", "Ange varför de avslutas.")
        return found

    @property
    def changes(self):
        """What the act changes, as change_many takes it."""
        words = self.cleaned_data
        return {
            "invite": {},
            "letter": {},
            "assign": {"addressee": words["addressee"]},
            "resource": {"wished_resource": words["wished_resource"]},
            "close": {"close_reason": words["reason"]},
        }[words["act"]]


class AssignForm(forms.Form):
    """To whom the marked rows go (BB-01)."""

    addressee = forms.ModelChoiceField(None, label="Till", required=False, empty_label="Ingen")
    rad = forms.Field(required=False, widget=forms.MultipleHiddenInput)

    def __init__(self, data=None, *, care_unit, today, **kwargs):
        super().__init__(data, **kwargs)
        self.fields["addressee"].queryset = staff_of(care_unit, today)


class AwaitForm(forms.Form):
    """What is awaited before anything is booked, and until when (UT-04)."""

    reason = forms.ModelChoiceField(
        None,
        label="Vad avvaktas?",
        empty_label="Välj orsak",
        to_field_name="code",
        error_messages={"required": "Välj vad som avvaktas."},
    )
    waiting_for = forms.CharField(
        label="Vi väntar på", max_length=120, required=False, help_text="Kort, inga journaluppgifter."
    )
    watch_until = SwedishDateField(label="Bevakas senast", error_messages={"required": "Ange ett datum."})
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data=None, *, today, version, **kwargs):
        super().__init__(
            data, initial={"watch_until": today + timedelta(days=AWAIT_DAYS), "version": version}, **kwargs
        )
        reasons = OutcomeReason.objects.valid_on(today).filter(outcome=OutcomeCode.AWAIT_RESULT)
        self.fields["reason"].queryset = reasons.order_by("position")

    @property
    def words(self):
        return self.cleaned_data | {"reason": self.cleaned_data["reason"].code}


class CloseRequestForm(forms.Form):
    """Why a request will not be booked."""

    reason = forms.CharField(label="Varför avslutas den?", max_length=200, error_messages={"required": "Ange varför."})


class PostponeForm(forms.Form):
    """The new day that an item is watched until."""

    watch_until = SwedishDateField(label="Bevakas senast", error_messages={"required": "Ange ett datum."})
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class AttemptForm(forms.Form):
    """A kontaktförsök: how it went, by what means, and when next (PL-10)."""

    result = forms.ChoiceField(
        label="Hur gick det?",
        choices=ContactResult.choices,
        error_messages={"required": "Välj hur det gick.", "invalid_choice": "Välj hur det gick."},
    )
    method = forms.ChoiceField(label="Hur", choices=ContactMethod.choices)
    next_on = SwedishDateField(label="Nästa försök", required=False)

    def __init__(self, data=None, *, today, **kwargs):
        super().__init__(data, **kwargs)
        self.today = today

    def clean_next_on(self):
        day = self.cleaned_data["next_on"]
        if day and not self.today <= day <= self.today + LONGEST_WATCH:
            raise forms.ValidationError("Ange ett datum från och med i dag och inom två år.")
        return day


class DecisionForm(forms.Form):
    """A decision on an item, with the reason that ending a vårdåtagande needs (UT-03, UT-04, PL-05)."""

    decision = forms.ChoiceField(
        choices=[("follow_up", ""), ("end_commitment", ""), ("nothing_more", "")],
        error_messages={"required": "Välj ett beslut.", "invalid_choice": "Välj ett av besluten."},
    )
    reason = forms.ModelChoiceField(
        OutcomeReason.objects.none(),
        label="Orsak",
        required=False,
        empty_label="Välj orsak",
        widget=forms.Select({"data-reasons": True}),
    )

    def __init__(self, data=None, *, today, **kwargs):
        super().__init__(data, **kwargs)
        reasons = OutcomeReason.objects.valid_on(today).filter(outcome=OutcomeCode.END_COMMITMENT)
        self.fields["reason"].queryset = reasons.order_by("position")

    def clean(self):
        found = super().clean()
        if found.get("decision") == "end_commitment" and not found.get("reason"):
            self.add_error("reason", "Avslut av vårdåtagande kräver en orsak. Välj orsak. Regel UT-03.")
        return found


class FilterForm(forms.Form):
    """Filters on every column of Bokningsbegäran (BB-01). What could tell who a person is (`HIDDEN`) is kept in the
    session only; the rest stands in the address."""

    HIDDEN = tuple(NAMES[name] for name in PERSONAL)

    person = forms.CharField(
        label="Person-ID", required=False, max_length=13, widget=forms.TextInput({"inputmode": "numeric"})
    )
    plats = forms.CharField(label="Begärd plats", required=False, max_length=120)
    namn = forms.CharField(label="Patientnamn", required=False, max_length=120)
    fran = SwedishDateField(label="Startdatum från", required=False, help_text="")
    till = SwedishDateField(label="Slutdatum till", required=False, help_text="")
    besokstyp = forms.ModelChoiceField(VisitType.objects.none(), label="Besökstyp", required=False, empty_label="Alla")
    inrattning = forms.CharField(label="Vårdinrättning", required=False, max_length=120)
    beskrivning = forms.CharField(label="Beskrivning", required=False, max_length=120)
    resurs = forms.ChoiceField(label="Önskad resurs", required=False)
    tilldelad = forms.ChoiceField(label="Tilldelad", required=False)
    status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[("", "Alla"), ("open", "Att boka"), ("follow_up", "Uppföljningsbegäran"), (LATE, "Försenade")],
    )

    def __init__(self, data=None, *, care_unit, today, **kwargs):
        super().__init__(data, **kwargs)
        self.fields["besokstyp"].queryset = VisitType.objects.for_unit(care_unit, today).order_by("name")
        resources = care_unit.resources.valid_on(today).order_by("name")
        self.fields["resurs"].choices = [
            ("", "Alla"), (NO_RESOURCE, "Ingen önskad"), *((str(row.pk), row.name) for row in resources)
        ]  # fmt: skip
        self.fields["tilldelad"].choices = [
            ("", "Alla"), (MYSELF, "Mig själv"), (NOBODY, "Ingen"),
            *((str(user.pk), user.name) for user in staff_of(care_unit, today)),
        ]  # fmt: skip

    def clean_person(self):
        digits = "".join(sign for sign in self.cleaned_data["person"] if sign.isdigit())
        if self.cleaned_data["person"] and not digits:
            raise forms.ValidationError("Skriv siffror ur personnumret.")
        return digits
