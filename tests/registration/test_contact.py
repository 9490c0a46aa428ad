"""How a patient is reached, what users keep of a patient, and what they may not (PA-05…07, PL-16, SK-02)."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from registration import phones, presenters
from registration.actions import contact, patients, portal
from registration.models import (
    AddressKind,
    Patient,
    PatientAddress,
    PatientHistory,
    PatientPhone,
    PatientSearchKey,
    PortalContact,
)
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.desk.demo.identities import personnummer
from tests.clinic import DAY, NOW, TODAY, Clinic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogues")]


@pytest.fixture
def clinic():
    return Clinic()


@pytest.fixture
def who(clinic):
    return {"patient_id": clinic.patient().pk, "by": clinic.nurse, "at": NOW}


def kind(name):
    return AddressKind.objects.get(name=name)


def kept():
    """Everything that a refusal must leave as it was."""
    return (
        list(Patient.objects.order_by("pk").values()),
        list(PatientPhone.objects.order_by("pk").values()),
        list(PatientAddress.objects.order_by("pk").values()),
        list(PatientSearchKey.objects.order_by("pk").values()),
        PatientHistory.objects.count(),
    )


def refused(error, act, **fields):
    before = kept()
    with pytest.raises(error) as told:
        act(**fields)
    assert kept() == before
    return told.value


# --- Phones -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "number", "shown"),
    [
        ("070-174 06 05", "+46701740605", "070-174 06 05"),
        ("0701740605", "+46701740605", "070-174 06 05"),
        ("+46 70 174 06 05", "+46701740605", "070-174 06 05"),
        ("040-33 10 00", "+4640331000", "040-33 10 00"),
        ("+45 32 12 34 56", "+4532123456", "+45 32 12 34 56"),
        ("0049 1512 3456789", "+4915123456789", "+49 1512 3456789"),
    ],
)
def test_swedish_and_foreign_numbers_are_kept_as_one_and_shown_as_people_write_them(who, typed, number, shown):
    """PA-06"""
    phone = contact.add_phone(**who, number=typed)
    assert (phone.number, phones.display(phone.number)) == (number, shown)


@pytest.mark.parametrize("typed", ["", "ring efter tre", "12", "070-174 06 05 eller kvällstid", "+" * 20])
def test_what_is_no_number_is_told_at_the_field(who, typed):
    """PA-06"""
    assert "number" in refused(InputError, contact.add_phone, **who, number=typed).errors


def test_the_first_number_is_preferred_and_there_is_only_one(who):
    """PA-06"""
    first = contact.add_phone(**who, number="070-174 06 05")
    second = contact.add_phone(**who, number="070-174 06 06", is_preferred=True)
    first.refresh_from_db()
    assert (first.is_preferred, second.is_preferred) == (False, True)
    contact.remove_phone(**who, phone_id=second.pk)
    first.refresh_from_db()
    assert first.is_preferred


def test_consent_to_sms_is_bound_to_the_number_with_who_and_when(who, clinic):
    """PA-06, PL-18"""
    phone = contact.add_phone(**who, number="070-174 06 05", allows_sms=True)
    assert (phone.sms_consent_at, phone.sms_consent_by) == (NOW, clinic.nurse)
    later = who | {"at": NOW + DAY}
    phone = contact.change_phone(**later, phone_id=phone.pk, is_preferred=True)
    assert phone.sms_consent_at == NOW
    phone = contact.change_phone(**later, phone_id=phone.pk, number="070-174 06 07")
    assert (phone.sms_consent_at, phone.sms_consent_by) == (None, None)
    phone = contact.change_phone(**later, phone_id=phone.pk, allows_sms=True)
    assert phone.sms_consent_at == NOW + DAY
    phone = contact.change_phone(**later, phone_id=phone.pk, kind="home")
    assert phone.sms_consent_at is None


def test_no_consent_to_sms_without_a_mobile(who):
    """PA-06"""
    assert (
        refused(RuleError, contact.add_phone, **who, number="040-33 10 00", kind="home", allows_sms=True).rule
        == "PA-06"
    )
    assert refused(RuleError, contact.add_phone, **who, number="040-33 10 00", allows_sms=True).rule == "PA-06"


def test_the_database_keeps_no_consent_without_who_nor_for_another_kind(who, clinic):
    """PA-06"""
    phone = contact.add_phone(**who, number="070-174 06 05", allows_sms=True)
    for wrong in ({"sms_consent_by": None}, {"kind": "home"}, {"kind": "pager"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PatientPhone.objects.filter(pk=phone.pk).update(**wrong)


def test_the_same_number_twice_is_told(who):
    contact.add_phone(**who, number="070-174 06 05")
    assert "number" in refused(InputError, contact.add_phone, **who, number="+46701740605").errors


def test_a_colleagues_change_is_not_written_over(who):
    """PL-27"""
    contact.add_phone(**who, number="070-174 06 05", version=1)
    assert refused(StaleVersion, contact.add_phone, **who, number="070-174 06 06", version=1).current == 2


# --- Addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Bostadsadress", "Särskild postadress"])
def test_addresses_of_the_register_are_locked(who, name):
    """PA-05, PA-07"""
    error = refused(RuleError, contact.add_address, **who, kind=kind(name), street="Storgatan 1")
    assert (error.rule, error.code) == ("PA-07", "locked_field")
    held = PatientAddress.objects.create(patient_id=who["patient_id"], kind=kind(name), street="Storgatan 1")
    assert refused(RuleError, contact.change_address, **who, address_id=held.pk, street="Ny").rule == "PA-07"
    assert refused(RuleError, contact.remove_address, **who, address_id=held.pk).rule == "PA-07"


def test_a_temporary_address_requires_dates_also_of_the_database(who):
    """PA-07"""
    temporary = {**who, "kind": kind("Tillfällig adress"), "street": "Strandvägen 2"}
    assert "valid_from" in refused(InputError, contact.add_address, **temporary).errors
    assert "valid_to" in refused(InputError, contact.add_address, **temporary, valid_from=TODAY).errors
    late = refused(InputError, contact.add_address, **temporary, valid_from=TODAY, valid_to=TODAY - DAY)
    assert "valid_to" in late.errors
    address = contact.add_address(**temporary, valid_from=TODAY, valid_to=TODAY + 30 * DAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        PatientAddress.objects.filter(pk=address.pk).update(valid_to=None)


def test_an_address_with_dates_says_when_it_is_not_in_use(who):
    """PA-07: both days included."""
    dates = {"valid_from": TODAY, "valid_to": TODAY + 7 * DAY}
    row = contact.add_address(**who, kind=kind("Tillfällig adress"), street="Strandvägen 2", **dates)
    words = {day: presenters.address_use(row, on=TODAY + day * DAY) for day in (-1, 0, 7, 8)}
    assert words == {-1: "Gäller inte än", 0: "", 7: "", 8: "Gäller inte längre"}
    assert presenters.address_use(PatientAddress(street="Storgatan 1"), on=TODAY) == ""


def test_an_address_is_kept_byte_for_byte(who):
    """PL-16"""
    typed = {"street": "  Gränd 3 B,  lgh 1102 — «innergården» ", "town": "L’Isle-d’Abeau", "country": "日本"}
    contact.add_address(**who, kind=kind("Utlandsadress"), **typed)
    address = PatientAddress.objects.get()
    assert {name: getattr(address, name) for name in typed} == typed


# --- The patient's own fields -----------------------------------------------------------------------------------------


def test_an_interpreter_has_a_language_or_a_variant_of_sign_language(who):
    """PA-06"""
    patients.edit(**who, interpreter_kind="sign", interpreter_language="taktilt teckenspråk")
    patient = Patient.objects.get()
    assert (
        presenters.shown(presenters.load(patient.pk), on=TODAY).interpreter_text
        == "Teckenspråkstolk: taktilt teckenspråk"
    )
    assert (
        "interpreter_language"
        in refused(InputError, patients.edit, **who, interpreter_language="", interpreter_kind="spoken").errors
    )
    patients.edit(**who, interpreter_language="")
    patient.refresh_from_db()
    assert (patient.interpreter_kind, patient.interpreter_language) == ("", "")


def test_drug_benefit_is_everybodys_who_is_folkbokford_and_others_by_a_decision(who):
    """PA-06"""
    patient = Patient.objects.get()
    assert not patient.has_drug_benefit
    refused(InputError, patients.edit, **who, drug_benefit_decided_on=TODAY)
    refused(InputError, patients.edit, **who, drug_benefit_decided_by="Dr Holm")
    refused(InputError, patients.edit, **who, drug_benefit_decided_on=TODAY + DAY, drug_benefit_decided_by="Dr Holm")
    patients.edit(**who, drug_benefit_decided_on=TODAY, drug_benefit_decided_by="Dr Holm")
    patient.refresh_from_db()
    assert patient.has_drug_benefit
    assert Patient(registration_kind="resident").has_drug_benefit


def test_pascal_is_changed_only_on_a_doctors_word(who):
    """PA-06"""
    assert "pascal_told_by" in refused(InputError, patients.edit, **who, has_pascal=True).errors
    patients.edit(**who, has_pascal=True, pascal_told_by="Dr Holm", pascal_told_on=TODAY)
    assert Patient.objects.get().has_pascal


@pytest.mark.parametrize("count", [0, 3, 30])
def test_minors_at_the_address(who, count):
    """PA-06"""
    patients.edit(**who, minors_at_address=count)
    assert Patient.objects.get().minors_at_address == count
    assert "minors_at_address" in refused(InputError, patients.edit, **who, minors_at_address=31).errors


@pytest.mark.parametrize("field", ["registration_kind", "registered_on", "deregistration_code", "payer", "county_code"])
def test_what_the_register_owns_is_locked(who, field):
    """PA-05"""
    assert refused(RuleError, patients.edit, **who, **{field: "x"}).rule == "PA-05"


def test_lma_and_passport_numbers_are_kept_without_spaces(who):
    """PA-06, RI-01"""
    contact.add_search_key(**who, kind="lma", value="50-123456 /2")
    contact.add_search_key(**who, kind="passport", value="ab 12 345 67", country="Polen")
    assert set(PatientSearchKey.objects.values_list("value", flat=True)) == {"50123456/2", "AB1234567"}
    assert "value" in refused(InputError, contact.add_search_key, **who, kind="lma", value="åäö").errors


def test_nothing_of_a_protected_person_is_changed_by_any_of_the_acts(who):
    """SK-02"""
    phone = contact.add_phone(**who, number="070-174 06 05")
    address = contact.add_address(**who, kind=kind("Faktureringsadress"), street="Box 1")
    key = contact.add_search_key(**who, kind="lma", value="50-123456")
    Patient.objects.update(protection="sekretessmarkering")
    acts = [
        (contact.add_phone, {"number": "070-174 06 06"}),
        (contact.change_phone, {"phone_id": phone.pk, "number": "070-174 06 06"}),
        (contact.remove_phone, {"phone_id": phone.pk}),
        (contact.add_address, {"kind": kind("Faktureringsadress"), "street": "Box 2"}),
        (contact.change_address, {"address_id": address.pk, "street": "Box 2"}),
        (contact.remove_address, {"address_id": address.pk}),
        (contact.add_search_key, {"kind": "lma", "value": "50-654321"}),
        (contact.remove_search_key, {"key_id": key.pk}),
        (patients.edit, {"special_housing": "Solgården"}),
    ]
    for act, fields in acts:
        assert refused(RuleError, act, **who, **fields).rule == "SK-02"


def test_history_says_what_was_changed_and_never_to_what(who):
    """SK-02: history is kept of the protected too."""
    contact.add_phone(**who, number="070-174 06 05")
    contact.add_address(**who, kind=kind("Faktureringsadress"), street="Hemliga gatan 1")
    patients.edit(**who, special_housing="Solgården", interpreter_language="dari")
    details = list(PatientHistory.objects.filter(event="edited").values_list("detail", flat=True))
    assert details == ["telefon tillagd", "adress tillagd", "tolkbehov, tolkspråk, särskilt boende"]


# --- What the register tells ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "since", "words"),
    [
        ("UV", "2025-03", "Avregistrerad 2025-03: utvandrad"),
        ("OB", "", "Avregistrerad: försvunnen eller obefintlig"),
        ("XQ", "2024", "Avregistrerad 2024: okänd orsak (XQ)"),
        ("", "", ""),
    ],
)
def test_deregistration_is_told_also_with_an_unknown_code_and_a_partial_date(code, since, words):
    """PA-06"""
    assert presenters.deregistration_text(Patient(deregistration_code=code, deregistered_on=since)) == words


LAST_OF_CHILDHOOD = (date(2026, 11, 29), date(2026, 11, 30))


def test_a_birth_date_that_is_only_partly_known_is_shown_as_far_as_it_is(clinic):
    patient = clinic.patient()
    Patient.objects.update(birth_date=None, birth_date_partial="1987-03")
    seen = presenters.shown(presenters.load(patient.pk), on=date(2026, 11, 20))
    assert (seen.birth_text, seen.age_text, seen.is_under_18) == ("1987-03", "född 1987-03", False)
    Patient.objects.update(birth_date_partial="2008-11")
    young = {day: presenters.shown(presenters.load(patient.pk), on=day).is_under_18 for day in LAST_OF_CHILDHOOD}
    assert list(young.values()) == [True, False]


def test_a_doubtful_samordningsnummer_is_told_with_what_to_do(clinic):
    """PA-02, PA-09"""
    patient = clinic.patient()
    patient.identities.update(level="SANNOLIK", register_status="VILANDEFORKLARAT", register_status_cause="TIDSFRIST")
    seen = presenters.shown(presenters.load(patient.pk), on=TODAY)
    assert seen.identity_note == (
        "Identiteten är sannolik och numret är vilande (tidsfristen har gått ut). Be om handlingar som styrker identiteten."
    )
    patient.identities.update(level="STYRKT", register_status="AKTIVT", register_status_cause="")
    assert presenters.shown(presenters.load(patient.pk), on=TODAY).identity_note == "Identiteten är styrkt."


# --- 1177 -----------------------------------------------------------------------------------------------------------------


def test_what_1177_tells_is_kept_while_the_patient_consents_and_gives_no_sms(who):
    """PA-05"""
    told = {**who, "phone": "070-174 06 21", "email": "vera@example.se", "consented_on": TODAY}
    row = portal.told(**told)
    assert (row.phone, row.email, row.consented_on, row.told_at) == ("+46701740621", "vera@example.se", TODAY, NOW)
    assert not PatientPhone.objects.exists()
    assert portal.told(**told | {"at": NOW + DAY}).pk == row.pk
    assert portal.told(**told | {"phone": "", "at": NOW + DAY}).phone == ""
    events = PatientHistory.objects.filter(event__startswith="portal").order_by("id")
    assert [(event.event, event.detail) for event in events] == [("portal_told", "")] * 2
    assert portal.withdrawn(**who)
    assert not portal.withdrawn(**who)
    assert not PortalContact.objects.exists()
    assert events.last().event == "portal_withdrawn"


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"phone": "ring mig"}, "phone"),
        ({"phone": "", "email": ""}, "phone"),
        ({"consented_on": TODAY + DAY}, "consented_on"),
    ],
)
def test_what_1177_cannot_have_told_is_refused_at_its_field(who, wrong, where):
    told = {**who, "phone": "070-174 06 21", "consented_on": TODAY} | wrong
    assert where in refused(InputError, portal.told, **told).errors
    assert not PortalContact.objects.exists()


def test_nothing_of_1177_is_kept_of_a_protected_person(clinic):
    """SK-02"""
    hidden = clinic.patient(identity=personnummer()[5], protection="sekretessmarkering")
    told = {"patient_id": hidden.pk, "by": clinic.nurse, "at": NOW, "phone": "070-174 06 21", "consented_on": TODAY}
    assert refused(RuleError, portal.told, **told).rule == "SK-02"
    assert not PortalContact.objects.exists()
