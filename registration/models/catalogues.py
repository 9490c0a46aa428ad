"""Catalogues of what a contact is: classes and types, visit kinds and types, contact reasons, add-ons, address kinds."""

from django.db import models
from django.db.models import Q

from registration.lifecycle import CheckOut, Discharge
from sdv.accounts.models import Profession
from sdv.common.models import CatalogueQuerySet, CatalogueRow, Row, change_log
from sdv.organisation.models import CareArea


class EncounterClass(models.Model):
    """Vårdhändelseklass: one of six (VH-02). The instruction's, changed by release only."""

    code = models.SlugField("kod", max_length=60, primary_key=True)
    name = models.CharField("benämning", max_length=100)

    class Meta:
        verbose_name = "vårdhändelseklass"
        verbose_name_plural = "vårdhändelseklasser"
        ordering = ["name"]

    def __str__(self):
        return self.name


class EncounterType(models.Model):
    """Vårdhändelsetyp: one of twenty, a row of vardhandelsetyper.csv (VH-02). It decides what is required and offered."""

    code = models.SlugField("kod", max_length=60, primary_key=True)
    name = models.CharField("benämning", max_length=100)
    encounter_class = models.ForeignKey(EncounterClass, models.PROTECT, related_name="types", verbose_name="klass")
    used_by = models.CharField("används av", max_length=200, blank=True)
    used_for = models.CharField("används vid", max_length=300, blank=True)
    requires_commitment = models.BooleanField("kräver vårdåtagande")
    check_out = models.CharField("utcheckning", max_length=20, choices=CheckOut)
    discharge = models.CharField("utskrivning", max_length=20, choices=Discharge)
    is_pre_registration = models.BooleanField("förhandsregistrering")
    note = models.CharField("anmärkning", max_length=300, blank=True)

    class Meta:
        verbose_name = "vårdhändelsetyp"
        verbose_name_plural = "vårdhändelsetyper"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="encounter_type_check_out_known", condition=Q(check_out__in=CheckOut.values)),
            models.CheckConstraint(name="encounter_type_discharge_known", condition=Q(discharge__in=Discharge.values)),
        ]

    def __str__(self):
        return self.name


class ContactForm(models.TextChoices):
    """Form av kontakt. The last two are of contacts without a visit alone: no besökstyp has them (DI-01, DI-07)."""

    PHYSICAL = "physical", "Fysiskt"
    PHONE = "phone", "Telefon"
    VIDEO = "video", "Video"
    TEXT = "text", "Text"
    STAFF = "staff", "Mellan personal"


FORMS_OF_VISITS = [choice for choice in ContactForm.choices if choice[0] not in (ContactForm.TEXT, ContactForm.STAFF)]


class NewOrReturn(models.TextChoices):
    """Nybesök or återbesök (BT-02)."""

    NEW = "new", "Nybesök"
    RETURN = "return", "Återbesök"


class VisitKind(CatalogueRow):
    """Typ av besök: the third part of a besökstyp (BT-01)."""

    may_be_new = models.BooleanField("kan vara nybesök")
    may_be_return = models.BooleanField("kan vara återbesök")
    contact_form = models.CharField("form av kontakt", max_length=10, choices=FORMS_OF_VISITS)
    description = models.CharField("beskrivning", max_length=200, blank=True)

    class Meta(CatalogueRow.Meta):
        verbose_name = "typ av besök"
        verbose_name_plural = "typer av besök"
        triggers = change_log()

    @property
    def needs_new_or_return(self):
        """The five kinds that can be either require the choice (BT-02)."""
        return self.may_be_new and self.may_be_return


class VisitTypeQuerySet(CatalogueQuerySet):
    def for_unit(self, care_unit, day):
        """Visit types that can be booked at the unit on the day: those of its vårdområde."""
        return self.valid_on(day).filter(care_area_id=care_unit.care_area_id)


class VisitType(CatalogueRow):
    """Besökstyp: vårdområde + yrkeskategori + typ av besök (BT-01), as in Pv Ssk Återbesök."""

    care_area = models.ForeignKey(CareArea, models.PROTECT, related_name="visit_types", verbose_name="vårdområde")
    profession = models.ForeignKey(Profession, models.PROTECT, related_name="visit_types", verbose_name="yrkeskategori")
    visit_kind = models.ForeignKey(VisitKind, models.PROTECT, related_name="visit_types", verbose_name="typ av besök")
    new_or_return = models.CharField("ny eller åter", max_length=10, choices=NewOrReturn, blank=True)
    contact_form = models.CharField("form av kontakt", max_length=10, choices=FORMS_OF_VISITS)
    requires_place = models.BooleanField("kräver rum, säng eller stol", default=False)
    is_diagnostic = models.BooleanField("diagnostik", default=False)
    default_minutes = models.PositiveSmallIntegerField("vanlig längd i minuter", default=30)

    objects = VisitTypeQuerySet.as_manager()

    class Meta(CatalogueRow.Meta):
        verbose_name = "besökstyp"
        verbose_name_plural = "besökstyper"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["name"], name="visit_type_name_once", violation_error_message="Besökstypen finns redan (BT-01)."
            ),
            models.CheckConstraint(
                name="visit_type_length_sensible",
                condition=Q(default_minutes__gte=5, default_minutes__lte=600),
                violation_error_message="En besökstyps längd är mellan 5 och 600 minuter.",
            ),
        ]

    def clean(self):
        from django.core.exceptions import ValidationError

        super().clean()
        if self.visit_kind_id and self.visit_kind.needs_new_or_return and not self.new_or_return:
            raise ValidationError({"new_or_return": "Välj nybesök eller återbesök för den här typen av besök (BT-02)."})


class ContactReasonQuerySet(CatalogueQuerySet):
    def offered_for(self, visit_type, day):
        """Reasons that can be chosen for the visit type on the day (VO-02, VO-03)."""
        linked = Q(visit_type_links__visit_type=visit_type) | Q(is_for_all_visit_types=True)
        return self.valid_on(day).filter(linked).distinct()


class ContactReason(CatalogueRow):
    """Vårdkontaktsorsak: what the contact is mainly for; exactly one is chosen (VO-01)."""

    alias = models.CharField("kallas även", max_length=120, blank=True)
    is_unspecified = models.BooleanField("ospecificerad", default=False)
    is_psychiatry_only = models.BooleanField("endast psykiatri", default=False)
    is_for_all_visit_types = models.BooleanField("väljbar för alla besökstyper", default=False)

    objects = ContactReasonQuerySet.as_manager()

    class Meta(CatalogueRow.Meta):
        verbose_name = "vårdkontaktsorsak"
        verbose_name_plural = "vårdkontaktsorsaker"
        triggers = change_log()


class VisitTypeReason(Row):
    """A vårdkontaktsorsak that can be chosen for a besökstyp (VO-02). Without any link a reason is not offered."""

    visit_type = models.ForeignKey(VisitType, models.CASCADE, related_name="reason_links", verbose_name="besökstyp")
    contact_reason = models.ForeignKey(
        ContactReason, models.CASCADE, related_name="visit_type_links", verbose_name="vårdkontaktsorsak"
    )
    source = models.CharField("källa", max_length=100, blank=True)

    class Meta:
        verbose_name = "koppling till besökstyp"
        verbose_name_plural = "kopplingar till besökstyper"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["visit_type", "contact_reason"],
                name="reason_linked_once",
                violation_error_message="Orsaken är redan kopplad till besökstypen.",
            )
        ]

    def __str__(self):
        return f"{self.visit_type} – {self.contact_reason}"


class AddOnCategory(CatalogueRow):
    """Tillvalskategori (KA-02)."""

    class Meta(CatalogueRow.Meta):
        verbose_name = "tillvalskategori"
        verbose_name_plural = "tillvalskategorier"
        triggers = change_log()


class AddOn(CatalogueRow):
    """Tillval: what no vårdkontaktsorsak carries, chosen per contact (KA-02)."""

    category = models.ForeignKey(AddOnCategory, models.PROTECT, related_name="add_ons", verbose_name="kategori")

    class Meta(CatalogueRow.Meta):
        verbose_name = "tillval"
        verbose_name_plural = "tillval"
        triggers = change_log()


class AddressKind(CatalogueRow):
    """Adresstyp with its rule (PA-07)."""

    rule = models.CharField("regel", max_length=200, blank=True)
    requires_dates = models.BooleanField("kräver datum", default=False)
    is_locked = models.BooleanField("kommer från folkbokföringen", default=False)

    class Meta(CatalogueRow.Meta):
        verbose_name = "adresstyp"
        verbose_name_plural = "adresstyper"
        triggers = change_log()
