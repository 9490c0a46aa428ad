"""A marking arrives or is set by hand: what was held is gone in the same transaction, everything is locked, and nothing
comes back by itself (SK-01…05)."""

from datetime import date

import pytest
from django.db import DatabaseError, connection, models, transaction

from registration.actions import births, contact, patients, relations
from registration.models import (
    AddressKind,
    Encounter,
    Patient,
    PatientAddress,
    PatientPhone,
    PatientSearchKey,
    PortalContact,
)
from registration.protected import KEPT
from registration.type_choice import OBSERVATION_PLACE
from scheduling.models import Letter
from scheduling.presenters import shown_letter
from sdv.accounts.models import IdempotentAnswer
from sdv.common.errors import InputError, RuleError, StaleVersion
from sdv.common.models import ChangeLogEntry
from sdv.flows import cancellation, deceased, merging, protection
from sdv.flows.consumers import TABLES, Protected, columns
from sdv.outbox import messages
from sdv.outbox.models import OutboxMessage
from tests import factories as make
from tests.clinic import DAY, NOW, TODAY, Clinic
from tests.registers import connected

SECRET = "Röjd"
SET = {"ground": "threat", "at": NOW}


@pytest.fixture
def clinic(db):
    return Clinic()


def fill(clinic, patient):
    """Everything that can be held of a patient, found by looking: every text of the row itself, and a row of each kind."""
    texts = {}
    for field in Patient._meta.concrete_fields:
        is_free = isinstance(field, models.CharField) and not field.choices
        if is_free and field.name not in KEPT and "_on" not in field.name:
            texts[field.name] = f"{SECRET}{field.name}"[: field.max_length]
    texts |= {"interpreter_kind": "spoken", "registration_kind": "resident", "registered_on": "1977-07"}
    Patient.objects.filter(pk=patient.pk).update(
        **texts,
        deregistered_on="1988",
        minors_at_address=7,
        has_pascal=True,
        pascal_told_on=TODAY,
        drug_benefit_decided_on=TODAY,
    )
    PatientPhone.objects.create(patient=patient, number=f"+46{SECRET}", is_preferred=True)
    kind = AddressKind.objects.filter(requires_dates=False).first()
    PatientAddress.objects.create(patient=patient, kind=kind, street=f"{SECRET}vägen 1")
    PortalContact.objects.create(patient=patient, email=f"{SECRET}@x.se", consented_on=TODAY, told_at=NOW)
    PatientSearchKey.objects.create(patient=patient, kind="lma", value="50500505")
    relations.add_contact(
        patient_id=patient.pk, name=f"{SECRET} Mamma", relation="mor", phone="0701740605", by=clinic.nurse, at=NOW
    )
    clinic.commitment(patient)
    booked = clinic.book(patient).encounter
    booked.payer, booked.listing_unit = f"{SECRET} region", f"{SECRET} vårdcentral"
    booked.save(update_fields=["payer", "listing_unit"])
    gone = clinic.book(patient, NOW + 9 * DAY)
    cancellation.cancel(appointment_id=gone.pk, cancelled_by="provider", reason="Sjuk", by=clinic.nurse, at=NOW)
    letter = {"patient": patient, "care_unit": clinic.unit, "kind": "appointment", "body": "Hej", "heading": "Kallelse"}
    Letter.objects.create(**letter, recipient=f"{SECRET}vägen 1", sender="Vi")
    Letter.objects.create(**letter, recipient="Som skickat", sender="Vi", status="printed", decided_at=NOW)
    IdempotentAnswer.objects.create(
        user=clinic.nurse,
        key="a",
        fingerprint="f",
        status=201,
        body={"name": SECRET},
        patient_id=patient.pk,
        created_at=NOW,
    )
    other = {"rows": [{"id": str(patient.pk), "name": SECRET}]}
    IdempotentAnswer.objects.create(user=clinic.nurse, key="b", fingerprint="f", status=200, body=other, created_at=NOW)


@pytest.fixture
def known(clinic):
    patient = clinic.patient()
    fill(clinic, patient)
    return patient


def everything():
    """Every table of ours as text: what somebody with the database in hand can read."""
    held = {}
    tables = [name for name in connection.introspection.table_names() if not name.startswith(("django_", "pgtrigger"))]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT COALESCE(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            held[table] = cursor.fetchone()[0]
    return held


def holding(secret):
    return sorted(table for table, text in everything().items() if secret.lower() in text.lower())


def from_register(patient, kind="skyddad_folkbokforing"):
    with transaction.atomic():
        locked = Patient.objects.locked().get(pk=patient.pk)
        return protection.arrives_from_register(locked, protection=kind, at=NOW)


def by_hand(clinic, patient):
    return protection.set_by_hand(patient_id=patient.pk, by=clinic.nurse, **SET)


# --- The purge --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["by hand", "from register"])
def test_nothing_that_was_held_is_anywhere_in_the_database(clinic, known, how):
    """SK-02, SK-05: every table read as text, the change log among them. Shown to look where it should by what it found
    before."""
    before = set(holding(SECRET))
    assert before >= {
        "registration_patient",
        "registration_patientphone",
        "registration_patientaddress",
        "registration_portalcontact",
        "registration_patientrelation",
        "registration_encounterrelation",
        "scheduling_letter",
        "accounts_idempotentanswer",
    }
    assert holding("50500505") == ["registration_patientsearchkey"]
    by_hand(clinic, known) if how == "by hand" else from_register(known)
    assert holding(SECRET) == []
    assert holding("50500505") == holding("+46701740605") == []
    kept = Patient.objects.get(pk=known.pk)
    for field in Patient._meta.concrete_fields:
        if field.name not in KEPT:
            assert getattr(kept, field.attname) in ("", None, False), field.name
    assert (kept.birth_date, kept.sex) == (known.birth_date, known.sex)


def test_every_table_that_says_it_is_purged_is(clinic, known):
    """PL-22: the same register of consumers as the deceased; a table that says PURGED has nothing left."""
    purged = {label for label, treatment in TABLES.items() if treatment.protected == Protected.PURGED}
    by_hand(clinic, known)
    for model, column in columns():
        if model._meta.label in purged - {"registration.Patient", "accounts.IdempotentAnswer"}:
            path = model.objects.filter(**{column: known.pk})
            assert not path.exists(), model._meta.label
    assert not IdempotentAnswer.objects.exclude(body=None).exists()
    assert set(IdempotentAnswer.objects.values_list("key", flat=True)) == {"a", "b"}


def test_a_child_named_after_the_mother_loses_the_copy_when_she_is_marked(clinic):
    """SK-02, SK-05, VH-13: prepared or born before the marking, on a record merged since, and in the search; a child with
    a name of its own is itself. Nothing comes back when the marking is lifted."""
    unit, mother = make.MaternityUnitFactory(), clinic.patient(surname=SECRET, given_name="Hanna", payer="Region Norr")
    stay = make.unbooked_visit(care_unit=unit, patient=mother, situation=OBSERVATION_PLACE, at=NOW)
    act = {"mother_encounter_id": stay.pk, "by": clinic.nurse, "at": NOW, "actor_hsa_id": "SE0000000000-U1"}
    with connected():
        foetus, named = births.prepare(how_many=2, **act)
        newborn = births.born_without_foetus(born_at=NOW, sex="1", number=3, **act)
    known = Patient.objects.get(pk=named.encounter.patient_id)
    known.given_name, known.surname, known.search_name, known.sort_key = "Stina", "Egen", " stina egen", "egen stina"
    known.save(update_fields=["given_name", "surname", "search_name", "sort_key"])
    register = clinic.patient(given_name="Barn 3", surname=SECRET)
    old = newborn.encounter.patient_id
    merging.merge(source_id=old, target_id=register.pk, reason="Samma barn", by=clinic.nurse, at=NOW)
    body = {"name": SECRET, "id": str(foetus.encounter.patient_id)}
    IdempotentAnswer.objects.create(user=clinic.nurse, key="c", fingerprint="f", status=200, body=body, created_at=NOW)
    assert Patient.objects.named(SECRET).count() == 3
    by_hand(clinic, mother)
    assert holding(SECRET) == []
    assert not Patient.objects.named(SECRET).exists()
    children = Patient.objects.filter(pk__in=[foetus.encounter.patient_id, old, register.pk])
    assert {(row.surname, row.given_name[:5], row.payer, row.protection) for row in children} == {("", "Barn ", "", "")}
    assert set(Patient.objects.named("barn").values_list("pk", flat=True)) == {foetus.encounter.patient_id, register.pk}
    assert set(Encounter.objects.filter(birth__mother=mother).values_list("payer", flat=True)) == {"", "Region Norr"}
    for row in children:
        told = row.history.order_by("-id").first()
        assert (told.event, told.by, told.at) == ("edited", clinic.nurse, NOW)
        assert "efter modern" in told.detail
    known.refresh_from_db()
    assert (known.surname, known.payer, known.version) == ("Egen", "Region Norr", 1)
    protection.lift(patient_id=mother.pk, reason="Hotet är över", by=clinic.nurse, at=NOW)
    assert holding(SECRET) == []


def test_what_was_told_before_goes_no_further_and_nothing_new_is_told(clinic, known):
    """SK-05, KA-05: unsent messages and letters are gone; a printed one is kept as sent; another booking is cancelled
    in silence."""
    coming = clinic.book(known, NOW + 12 * DAY)
    assert OutboxMessage.objects.filter(topic="appointment-cancelled").count() == 1
    by_hand(clinic, known)
    assert Letter.objects.get().recipient == "Som skickat"
    cancellation.cancel(appointment_id=coming.pk, cancelled_by="provider", reason="Sjuk", by=clinic.nurse, at=NOW)
    assert not OutboxMessage.objects.filter(topic="appointment-cancelled").exists()
    coming.refresh_from_db()
    messages.appointment_cancelled(coming)
    assert not OutboxMessage.objects.filter(topic="appointment-cancelled").exists()


def test_a_death_undone_does_not_send_what_the_protection_stopped(clinic, known):
    """SK-05, AV-03"""
    deceased.register(patient_id=known.pk, deceased_on=TODAY, reason="Dödsbevis", by=clinic.doctor, at=NOW)
    by_hand(clinic, known)
    deceased.undo(patient_id=known.pk, reason="Fel person", by=clinic.doctor, at=NOW)
    assert not OutboxMessage.objects.filter(topic="appointment-cancelled").exists()
    assert Letter.objects.get().status == "printed"
    assert holding(SECRET) == []


def test_records_merged_into_the_protected_are_the_same_person(clinic, known):
    """SK-02: a protected main identity protects what is linked to it."""
    earlier = clinic.patient(given_name=SECRET, surname="Förr")
    Patient.objects.filter(pk=earlier.pk).update(merged_into=known)
    by_hand(clinic, known)
    earlier.refresh_from_db()
    assert (earlier.protection, earlier.given_name, earlier.search_name) == ("sekretessmarkering", "", "")
    assert holding(SECRET) == []


def test_the_person_is_hidden_where_others_have_the_person_as_guardian(clinic, known):
    """SK-02: cached relations. That there is a guardian stays, as the register tells of a protected one; a letter that
    waits with the person's address does not."""
    child = clinic.patient(birth_date=date(2016, 3, 4))
    number = known.identities.get(is_primary=True).value
    told = [relations.ToldGuardian(name=f"{SECRET} Mamma", identity=number, birth_date=date(1981, 7, 6))]
    relations.replace_guardians(patient_id=child.pk, guardians=told, by=None, at=NOW)
    row = child.relations.get()
    relations.change(patient_id=child.pk, relation_id=row.pk, phone="0701740607", by=clinic.nurse, at=NOW)
    clinic.commitment(child)
    copy = clinic.book(child, NOW + 3 * DAY).encounter.relations.get()
    kept = {"patient": child, "care_unit": clinic.unit, "kind": "to_relatives", "body": "Hej", "heading": "Till dig"}
    Letter.objects.create(**kept, recipient=f"{SECRET}vägen 1", sender="Vi", reason="x", relation=row)
    decided = {"status": "printed", "decided_at": NOW, "decided_by": clinic.nurse}
    sent = Letter.objects.create(**kept, **decided, recipient="Som skickat", sender="Vi", reason="x", relation=row)
    by_hand(clinic, known)
    shown = shown_letter(Letter.objects.get(pk=sent.pk))
    assert (shown.is_hidden, shown.recipient) == (True, "")
    for each in (row, copy):
        each.refresh_from_db()
        assert (each.identity, each.is_protected, each.name, each.birth_date, each.phone) == (
            number,
            True,
            "",
            None,
            "",
        )
    assert holding(SECRET) == holding("+46701740607") == []


def test_another_patient_keeps_everything(clinic, known):
    """The positive control: nobody else is touched."""
    twin = clinic.patient()
    contact.add_phone(patient_id=twin.pk, number="0701740606", by=clinic.nurse, at=NOW)
    before = Patient.objects.filter(pk=twin.pk).values().get()
    by_hand(clinic, known)
    assert Patient.objects.filter(pk=twin.pk).values().get() == before
    assert twin.phones.count() == 1


def test_the_change_log_says_that_and_never_what(clinic, known):
    """SK-02: also in lists of changes."""
    by_hand(clinic, known)
    entries = ChangeLogEntry.objects.filter(row_id=str(known.pk), operation="update")
    changed = [entry.changed for entry in entries]
    assert {"given_name", "surname", "search_name"} <= set().union(*changed)
    assert not any(value for each in changed for value in each.values())


def test_a_failure_in_the_middle_leaves_nothing_half_purged(clinic, known, monkeypatch):
    """SK-02: mark and purge are one transaction."""

    def broken(**_):
        raise RuntimeError

    before = everything()
    monkeypatch.setattr(relations, "purge", broken)
    with pytest.raises(RuntimeError):
        by_hand(clinic, known)
    assert everything() == before


def test_it_is_found_by_the_complete_number_alone(clinic, known):
    """SK-05"""
    Patient.objects.filter(pk=known.pk).update(given_name=SECRET, search_name=" rojd")
    assert Patient.objects.named(SECRET).exists()
    by_hand(clinic, known)
    assert not Patient.objects.named(SECRET).exists()
    assert not Patient.objects.named_about("rojdare").exists()
    number = known.identities.get(is_primary=True).value
    assert Patient.objects.with_identity(number, today=TODAY).get() == known
    assert not Patient.objects.with_identity(number[-4:], today=TODAY).exists()


# --- The locks ---------------------------------------------------------------------------------------------------------


WRITES = {
    "phone": lambda p: PatientPhone.objects.create(patient=p, number="+46701740605"),
    "address": lambda p: PatientAddress.objects.create(
        patient=p, kind=AddressKind.objects.filter(requires_dates=False).first(), street="Gatan 1"
    ),
    "portal": lambda p: PortalContact.objects.create(patient=p, consented_on=TODAY, told_at=NOW),
    "search key": lambda p: PatientSearchKey.objects.create(patient=p, kind="lma", value="12345678"),
    "relation": lambda p: p.relations.create(kind="contact", name="Någon"),
    "copy": lambda p: p.encounters.first().relations.create(kind="contact", name="Någon"),
    **{
        field: lambda p, field=field, value=value: Patient.objects.filter(pk=p.pk).update(**{field: value})
        for field, value in {
            "given_name": "Ny",
            "surname": "Ny",
            "search_name": " ny",
            "county_code": "12",
            "listing_unit": "Vårdcentralen",
            "payer": "Region",
            "special_housing": "Gården",
            "minors_at_address": 2,
            "deregistration_code": "UV",
        }.items()
    },
}


@pytest.mark.parametrize("what", WRITES)
def test_the_database_itself_refuses_whatever_the_door(clinic, known, what):
    """SK-02: every field is locked, also to SQL."""
    by_hand(clinic, known)
    with pytest.raises(DatabaseError, match="a protected patient is locked"), transaction.atomic():
        WRITES[what](known)


def test_the_actions_refuse_with_the_rule(clinic, known):
    """SK-02"""
    by_hand(clinic, known)
    who = {"patient_id": known.pk, "by": clinic.nurse, "at": NOW}
    for act in (
        lambda: patients.edit(**who, interpreter_language="persiska"),
        lambda: contact.add_phone(**who, number="0701740605"),
        lambda: relations.add_contact(**who, name="Närgången"),
    ):
        with pytest.raises(RuleError) as refused:
            act()
        assert refused.value.rule == "SK-02"
    assert holding("persiska") == holding("Närgången") == []


def test_care_goes_on(clinic, known):
    """SK-02 locks demographics, not care: a visit can be booked."""
    by_hand(clinic, known)
    booked = clinic.book(known, NOW + 14 * DAY)
    assert booked.patient == known
    assert not booked.encounter.relations.exists()


# --- Who sets, changes and lifts ------------------------------------------------------------------------------------


def test_set_by_hand_says_who_when_and_why(clinic, known):
    """SK-04"""
    by_hand(clinic, known)
    kept = Patient.objects.get(pk=known.pk)
    assert (kept.protection, kept.protection_set_by, kept.protection_set_at) == (
        "sekretessmarkering",
        clinic.nurse,
        NOW,
    )
    assert kept.protection_ground == "threat"
    line = kept.history.last()
    assert (line.event, line.detail, line.by) == ("protected", "För hand: Akut hot", clinic.nurse)


@pytest.mark.parametrize("number", ["198107062397", "198107622390"])
def test_on_any_patient_whatever_identity(clinic, number):
    """SK-04: also on a samordningsnummer, which PU never marks."""
    try:
        patient = clinic.patient(identity=number)
    except InputError:
        patient = clinic.patient()
        patient.identities.update(kind="reservid", value="98240301AA06")
    by_hand(clinic, patient)
    assert Patient.objects.get(pk=patient.pk).is_protected


def test_it_is_refused_twice_without_ground_and_from_an_old_page(clinic, known):
    """SK-04, PL-27: and nothing has changed."""
    before = everything()
    with pytest.raises(InputError):
        protection.set_by_hand(patient_id=known.pk, ground="", by=clinic.nurse, at=NOW)
    with pytest.raises(StaleVersion):
        protection.set_by_hand(patient_id=known.pk, version=99, by=clinic.nurse, **SET)
    assert everything() == before
    by_hand(clinic, known)
    with pytest.raises(RuleError) as refused:
        by_hand(clinic, known)
    assert (refused.value.rule, refused.value.code) == ("SK-04", "already_protected")


def test_the_register_marks_changes_and_lifts_its_own(clinic, known):
    """SK-03, SK-04: the two markings are changed between; each telling twice is once."""
    assert from_register(known, "sekretessmarkering")
    assert not from_register(known, "sekretessmarkering")
    assert from_register(known, "skyddad_folkbokforing")
    assert Patient.objects.get(pk=known.pk).protection_set_by is None
    assert from_register(known, "")
    kept = Patient.objects.get(pk=known.pk)
    assert (kept.protection, kept.protection_set_at, kept.given_name) == ("", None, "")
    assert [row.event for row in kept.history.order_by("-id")[:3]] == ["protection_lifted", "protected", "protected"]


def test_the_register_never_lifts_what_was_set_by_hand(clinic, known):
    """SK-04: it may make it stronger; that too stays until a person lifts it."""
    by_hand(clinic, known)
    assert not from_register(known, "")
    assert from_register(known, "skyddad_folkbokforing")
    assert not from_register(known, "sekretessmarkering")
    assert not from_register(known, "")
    kept = Patient.objects.get(pk=known.pk)
    assert (kept.protection, kept.protection_set_by) == ("skyddad_folkbokforing", clinic.nurse)


def test_lifting_is_traced_and_nothing_comes_back_by_itself(clinic, known):
    """SK-04: the register is asked anew, what was entered by hand is entered again."""
    by_hand(clinic, known)
    protection.lift(patient_id=known.pk, reason="Hotet är över", by=clinic.doctor, at=NOW + DAY)
    kept = Patient.objects.get(pk=known.pk)
    assert (kept.protection, kept.protection_ground, kept.protection_set_by) == ("", "", None)
    assert (kept.given_name, kept.phones.count(), kept.relations.count()) == ("", 0, 0)
    assert (kept.register_asked_on, kept.register_version, kept.confirmed_at) == (None, "", None)
    line = kept.history.last()
    assert (line.event, line.detail, line.by) == ("protection_lifted", "Hotet är över", clinic.doctor)
    contact.add_phone(patient_id=known.pk, number="0701740605", by=clinic.nurse, at=NOW + DAY)


def test_lifting_is_refused_without_reason_and_where_the_register_marked(clinic, known):
    """SK-04"""
    with pytest.raises(RuleError) as refused:
        protection.lift(patient_id=known.pk, reason="x", by=clinic.doctor, at=NOW)
    assert refused.value.code == "not_protected"
    from_register(known)
    with pytest.raises(RuleError) as refused:
        protection.lift(patient_id=known.pk, reason="x", by=clinic.doctor, at=NOW)
    assert (refused.value.rule, refused.value.code) == ("SK-04", "set_by_register")
    from_register(known, "")
    by_hand(clinic, known)
    with pytest.raises(RuleError) as refused:
        protection.lift(patient_id=known.pk, reason=" ", by=clinic.doctor, at=NOW)
    assert refused.value.needs_reason
    assert Patient.objects.get(pk=known.pk).is_protected


def test_the_database_wants_to_know_who_and_why(clinic, known):
    """SK-04"""
    with pytest.raises(DatabaseError), transaction.atomic():
        Patient.objects.filter(pk=known.pk).update(protection="sekretessmarkering", protection_set_by=clinic.nurse)


def test_a_fingerad_identity_is_tied_to_nothing(clinic, known):
    """SK-01: a new person with another number and another name; nothing of the old is reached from the new, and the other
    way. Two birth dates and names that are not alike are no likely doubles either."""
    new = clinic.patient(given_name="Britta", surname="Nyman", birth_date=date(1971, 2, 3))
    by_hand(clinic, known)
    with connection.cursor() as cursor:
        for one, other in ((known, new), (new, known)):
            cursor.execute("SELECT to_jsonb(p)::text FROM registration_patient p WHERE id = %s", [one.pk])
            assert str(other.pk) not in cursor.fetchone()[0]
    assert not new.merged_from.exists()
    assert new.identities.count() == 1
    assert list(new.history.values_list("event", flat=True)) == ["registered"]
