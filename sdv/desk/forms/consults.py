"""A consult visit: for which contact, at which unit, and then as any booking (VH-10, BO-02)."""

from django import forms

from registration.consults import visit_refusal

from .booking import BookingForm, bookable_types


class ConsultForm(BookingForm):
    """For which of the patient's contacts, and at which of the user's units the consult is."""

    konsult_at = forms.ChoiceField(label="Konsult åt", required=False)
    enhet = forms.ChoiceField(
        label="Vårdenhet",
        required=False,
        help_text="Där patienten träffar konsulten: en enhet som du har uppdrag på.",
    )

    def __init__(self, data, *, contacts, units, care_unit, today):
        """`contacts` and `units` are id → words."""
        self.offered_units = units
        super().__init__(data, care_unit=care_unit, today=today)
        for name in ("onskat", "begaran", "remiss"):
            del self.fields[name]
        self.fields["konsult_at"].choices = [("", "Välj vård eller besök"), *contacts.items()]
        self.order_fields(["konsult_at", "enhet", *self.fields])

    def _unit_choices(self, own, elsewhere):
        return self.offered_units or {"": own.short_name}

    def _bookable(self):
        return [row for row in bookable_types(self.care_unit, self.day) if visit_refusal(row) is None]
