"""Deliveries to the patient register, made of real rows (PAR-01)."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from classification import starter
from classification.actions import coding, deliveries
from classification.models import (
    DeliveredContact,
    DeliveryFinding,
    RegisterCode,
    RegisterDelivery,
    RegisterFile,
    RegisterLayout,
    RegisterLayoutField,
    RegisterReporter,
    ReportingUnit,
)
from classification.register import review
from classification.register.gathering import known_codes, municipality_of, prepare, why_not
from classification.register.selection import Period
from registration.models import Encounter, EncounterParticipant, Patient
from sdv.common.errors import RuleError
from tests import factories
from tests.classification.worlds import contact, moment

PERIOD = Period(date(2026, 8, 1), date(2026, 10, 31))
NOW = moment("2026-11-20 02:30")


@pytest.fixture
def unit(catalogues):
    starter.load()
    clinic = factories.SpecialisedClinicFactory(mvo_code="101", name="Medicinmottagningen Provet")
    ReportingUnit.objects.create(care_unit=clinic, hospital_code="41001")
    return clinic


@pytest.fixture
def reporter(unit):
    return RegisterReporter.objects.create(care_provider=unit.facility.care_provider, file_code="12")


@pytest.fixture
def doctor(unit):
    return factories.PractitionerFactory()


@pytest.fixture
def user(unit):
    return factories.staff("coder", unit)


def visit(unit, doctor, who=None, start="2026-09-14 10:00", type_code="specialiserad-oppenvard", **fields):
    """An ended visit to a doctor."""
    made = contact(unit, who or factories.patient(), type_code, start, **fields)
    EncounterParticipant.objects.create(encounter=made, practitioner=doctor, profession=doctor.profession)
    return made


def code(encounter, user, *diagnoses, procedures=(), atc=(), complete=True, **under):
    coding.save_coding(
        encounter_id=encounter.pk,
        diagnoses=[{"code": each, **under} for each in diagnoses],
        procedures=[dict(each) for each in procedures],
        atc=list(atc),
        complete=complete,
        by=user,
        at=NOW,
    )


def deliver(reporter, **fields):
    return deliveries.deliver(**{"reporter_id": reporter.pk, "period": PERIOD, "by": None, "at": NOW} | fields)


def file_of(delivery, subset, file):
    return bytes(RegisterFile.objects.get(delivery=delivery, subset=subset, file=file).content).decode("ascii")


def test_a_coded_visit_to_a_doctor_is_written_whole(unit, reporter, doctor, user):
    """PAR-01, KL-04: the codes, with what is derived at reporting; nothing but the number tells who it is."""
    who = factories.patient(sex="2")
    encounter = visit(unit, doctor, who, visit_type="Sp Läk Återbesök", contact_form="physical", interpreter_used=True)
    code(encounter, user, "F411", procedures=[{"code": "DU011"}, {"code": "ZV020"}])
    delivery = deliver(reporter)
    identity = who.identities.get().value
    assert file_of(delivery, "OV", "AD") == f"{encounter.number};41001;101;{identity};2;;20260914;;;;;0;;;;\r\n"
    assert file_of(delivery, "OV", "DI") == f"{encounter.number};F411;1\r\n"
    day = "20260914"
    assert [line.split(";") for line in file_of(delivery, "OV", "AT").splitlines()] == [
        [str(encounter.number), each, day] for each in ("DU011", "ZV020", "XS900", "XS915")
    ]
    assert file_of(delivery, "OV", "LT") == file_of(delivery, "SV", "AD") == ""
    assert (delivery.inpatient, delivery.outpatient, delivery.held_back) == (0, 1, 0)


def test_an_ongoing_stay_is_delivered_without_an_end(unit, reporter, doctor):
    """PAR-01: also while it goes on; no diagnosis is asked for yet."""
    stay = contact(unit, factories.patient(), "slutenvard", "2026-10-20 10:00", status="in_progress")
    delivery = deliver(reporter)
    assert file_of(delivery, "SV", "AD").startswith(f"{stay.number};41001;101;")
    assert file_of(delivery, "SV", "AD").endswith(";20261020;;;;\r\n")
    assert delivery.inpatient == 1


def test_a_stay_is_written_with_its_ways_in_and_out(unit, reporter, user):
    """PAR-01, VH-23: by the register's own values; without the way out it is held back."""
    ways = {"is_planned": False, "admitted_from": "hospital", "discharged_to": "deceased"}
    stay = contact(unit, factories.patient(sex="1"), "slutenvard", "2026-09-01 10:00", "2026-09-05 10:00", **ways)
    without = contact(unit, factories.patient(), "slutenvard", "2026-09-01 10:00", "2026-09-05 10:00")
    for each in (stay, without):
        code(each, user, "F411")
    delivery = deliver(reporter)
    assert file_of(delivery, "SV", "AD").endswith(";1;;20260901;20260905;1;4;2\r\n")
    assert file_of(delivery, "SV", "AD").count("\n") == 1
    assert list(delivery.findings.filter(is_error=True).values_list("encounter", "code")) == [
        (without.pk, "way_out_missing")
    ]


def test_an_emergency_visit_is_delivered_when_a_doctor_has_assessed_the_patient(unit, reporter, user):
    """PAR-01, KL-04: nobody is booked at an emergency department; the assessment says that a doctor took part."""
    emergency = factories.EmergencyDepartmentFactory(mvo_code="046", facility=unit.facility)
    ReportingUnit.objects.create(care_unit=emergency, hospital_code="41001", emergency_activity="1")
    made = [
        contact(emergency, factories.patient(), "akutsjukvard", "2026-09-14 10:00", "2026-09-14 15:00", **fields)
        for fields in ({"assessed_at": moment("2026-09-14 11:30")}, {"broken_off": "before_assessment"})
    ]
    for each in made:
        code(each, user, "R104")
    delivery = deliver(reporter)
    row = file_of(delivery, "OV", "AD").strip().split(";")
    assert row[0] == str(made[0].number)
    assert row[11:15] == ["1", "202609141000", "202609141130", "202609141500"]
    assert "XS915" in file_of(delivery, "OV", "AT")
    assert why_not(made[1], PERIOD).code == "not_assessed"


def test_the_same_month_delivered_twice_has_the_same_bytes(unit, reporter, doctor, user):
    """PAR-01: made again from the same rows; the second time nothing new is kept."""
    for number in range(12):
        encounter = visit(unit, doctor, start=f"2026-09-{number + 1:02d} 10:00")
        code(encounter, user, "F411", "I109", atc=["N02BE01"])
    one, two = prepare(reporter, PERIOD), prepare(reporter, PERIOD)
    assert [(file.name, file.content) for file in one.files] == [(file.name, file.content) for file in two.files]
    first = deliver(reporter)
    assert deliver(reporter, at=NOW + timedelta(hours=1)) == first
    assert RegisterDelivery.objects.count() == 1
    assert RegisterFile.objects.count() == len(one.files) == 10
    code(encounter, user, "I109")
    second = deliver(reporter, at=NOW + timedelta(hours=2))
    assert second != first
    assert bytes(RegisterFile.objects.get(delivery=first, subset="OV", file="DI").content) != bytes(
        RegisterFile.objects.get(delivery=second, subset="OV", file="DI").content
    )


def test_what_is_wrong_is_held_back_and_told(unit, reporter, doctor, user):
    """PAR-01: the validation report before; nothing disappears silently."""
    without_codes = visit(unit, doctor)
    sound = visit(unit, doctor)
    code(sound, user, "F411")
    delivery = deliver(reporter)
    assert (delivery.outpatient, delivery.held_back) == (1, 1)
    assert list(DeliveredContact.objects.values_list("encounter", flat=True)) == [sound.pk]
    told = DeliveryFinding.objects.get(encounter=without_codes, is_error=True)
    assert (told.code, told.detail) == ("main_diagnosis_missing", "Huvuddiagnos saknas. Klassificera kontakten.")


def test_who_is_not_asked_for_is_counted_by_reason(unit, reporter, doctor):
    """PAR-01: nurses' visits in somatic care, what is not ended, what replaces no visit; primary care is not even read."""
    nurse = factories.PractitionerFactory(abbreviation="Ssk")
    visit(unit, nurse)
    visit(unit, doctor, status="in_progress")
    visit(unit, doctor, type_code="kontakt-utan-besok", contact_form="phone", replaces_visit=False)
    contact(unit, factories.patient())
    centre = factories.HealthCentreFactory(facility=unit.facility)
    visit(centre, doctor, type_code="primarvard")
    visit(unit, doctor, type_code="utebliven-bokad-kontakt")
    prepared = prepare(reporter, PERIOD)
    assert prepared.contents == []
    assert sorted((reason, count) for (reason, _), count in prepared.refused.items()) == [
        ("not_a_doctor", 1),
        ("not_ended", 1),
        ("profession_unknown", 1),
        ("replaces_no_visit", 1),
    ]


def test_psychiatry_is_what_the_region_says_it_is(unit, reporter):
    """PAR-01: since 2024 other professions in psychiatric open care; which MVO that is, is data."""
    nurse = factories.PractitionerFactory(abbreviation="Ssk")
    encounter = visit(unit, nurse)
    assert why_not(encounter, PERIOD).code == "not_a_doctor"
    RegisterCode.objects.create(code_list="mvo", code="101", name="Prov", counts_as_psychiatry=True)
    assert why_not(encounter, PERIOD) is None


def test_another_care_provider_s_contacts_are_not_delivered(unit, reporter, doctor, user):
    provider = factories.CareProviderFactory(hsa_id="SE2321000131-P000099", name="Annan vårdgivare")
    elsewhere = factories.SpecialisedClinicFactory(facility=factories.FacilityFactory(care_provider=provider))
    code(visit(elsewhere, doctor), user, "F411")
    assert deliver(reporter).outpatient == 0


def test_a_protected_person_is_delivered_with_number_and_sex_alone(unit, reporter, doctor, user):
    """PAR-01, SK-02: delivered by law; the number and what follows from it, never name, address or municipality."""
    who = factories.protected_patient(given_name="Hemlig", surname="Person", sex="1")
    encounter = visit(unit, doctor, who)
    code(encounter, user, "F411")
    delivery = deliver(reporter)
    content = "".join(bytes(file.content).decode() for file in delivery.files.all())
    assert who.identities.get().value in content
    assert "Hemlig" not in content
    assert file_of(delivery, "OV", "AD").split(";")[5] == ""


def test_moves_within_a_unit_and_what_is_gone_are_told(unit, reporter, doctor, user):
    """PAR-01: overlapping stays of a person at a unit; what was delivered last time and is missing now."""
    who = factories.patient()
    first = contact(unit, who, "slutenvard", "2026-09-01 10:00", "2026-09-05 10:00")
    second = contact(unit, who, "slutenvard", "2026-09-05 11:00", "2026-09-09 10:00")
    apart = contact(unit, who, "slutenvard", "2026-09-11 11:00", "2026-09-12 10:00")
    Encounter.objects.filter(patient=who).update(discharged_to="home")
    for stay in (first, second, apart):
        code(stay, user, "F411")
    deliver(reporter)
    assert list(DeliveryFinding.objects.filter(code="overlapping_stay").values_list("encounter", flat=True)) == [
        second.pk
    ]
    Encounter.objects.filter(pk=apart.pk).update(type="admin")
    again = deliver(reporter, at=NOW + timedelta(days=1))
    assert list(again.findings.filter(code="gone").values_list("encounter", flat=True)) == [apart.pk]


def test_the_whole_is_looked_at_beside_the_months_before_as_they_were_delivered(unit, reporter, doctor, user):
    """PAR-01: the number of contacts of a unit far from its other months; kept with the delivery."""
    for month, count in (("05", 2), ("07", 12), ("08", 11), ("09", 12), ("10", 1)):
        for number in range(count):
            code(visit(unit, doctor, start=f"2026-{month}-{number + 1:02d} 10:00"), user, "F411")
    code(visit(unit, doctor, start="2026-09-20 10:00"), user, "S525", complete=False)
    deliver(reporter, period=Period(date(2026, 5, 1), date(2026, 7, 31)), at=NOW - timedelta(days=90))
    delivery = deliver(reporter)
    shares, volumes = review.read(delivery.review)
    # May to July were delivered: 2, 0 is not known for June, 12. What was not delivered is not known.
    assert [(each.unit, each.month.month, each.count, each.usual, each.is_far) for each in volumes] == [
        (str(unit.pk), 8, 11, (2 + 12 + 13 + 1) / 4, False),
        (str(unit.pk), 9, 13, (2 + 12 + 11 + 1) / 4, False),
        (str(unit.pk), 10, 1, (2 + 12 + 11 + 13) / 4, False),
    ]
    assert [(each.measure, each.subset, each.missing, each.of) for each in shares] == [
        ("main_diagnosis", "OV", 0, 25), ("identity", "OV", 0, 25), ("external_cause", "OV", 1, 1), ("sex", "OV", 0, 25),
    ]  # fmt: skip


def test_lan_and_kommun_are_the_population_register_s_and_never_a_protected_person_s(unit, reporter, doctor, user):
    """PAR-01, SK-02."""
    told, halfway = factories.patient(), factories.patient()
    Patient.objects.filter(pk=told.pk).update(county_code="12", municipality_code="81")
    Patient.objects.filter(pk=halfway.pk).update(county_code="12")
    for who in (told, halfway):
        code(visit(unit, doctor, who), user, "F411")
    rows = file_of(deliver(reporter), "OV", "AD").splitlines()
    assert [row.split(";")[5] for row in rows] == ["1281", ""]
    assert municipality_of(Patient(county_code="12", municipality_code="81")) == "1281"
    assert municipality_of(Patient(county_code="12", municipality_code="81", protection="skyddad_folkbokforing")) == ""


def test_a_code_list_with_a_doubtful_value_is_asked_nothing(unit):
    """PAR-01: what nobody has verified holds nothing back; the region's own lists do."""
    assert "akutverksamhet" in known_codes() and "diagnostyp" in known_codes()
    assert "kon" not in known_codes() and "planerad" not in known_codes()
    assert "mvo" not in known_codes()
    RegisterCode.objects.create(code_list="mvo", code="101", name="Prov")
    assert known_codes()["mvo"] == {"101"}


def test_the_layout_that_holds_is_the_verified_one_and_a_new_one_gives_new_files(unit, reporter, doctor, user):
    """PAR-01: the real layout is entered as rows; files then lose their mark, and the delivery names its layout."""
    code(visit(unit, doctor), user, "F411")
    placeholder = deliver(reporter)
    assert not placeholder.is_verified
    assert {file.name[:14] for file in placeholder.files.all()} == {"EJ_VERIFIERAD_"}
    layout = RegisterLayout.objects.create(
        version="HSLF-FS 2023:33 (prov)",
        regulation="HSLF-FS 2023:33",
        valid_from=date(2024, 1, 1),
        is_verified=True,
        source="Provets bilaga",
        file_name="{filkod}_{delmangd}{fil}.txt",
        line_ending="lf",
    )
    RegisterLayoutField.objects.create(layout=layout, subset="OV", file="AD", position=1, field="mvo")
    RegisterLayoutField.objects.create(layout=layout, subset="OV", file="AD", position=2, field="contact")
    real = deliver(reporter, at=NOW + timedelta(days=1))
    assert (real.layout, real.is_verified) == (layout, True)
    assert [(file.name, bytes(file.content)) for file in real.files.all()] == [
        ("12_OVAD.txt", f"101;{Encounter.objects.get().number}\n".encode())
    ]
    assert real.layout_digest != placeholder.layout_digest


def test_a_delivery_by_an_unverified_layout_is_never_marked_as_delivered(unit, reporter, user):
    """PAR-01: refused with a sentence, and by the table itself."""
    delivery = deliver(reporter)
    with pytest.raises(RuleError) as refused:
        deliveries.mark_sent(delivery_id=delivery.pk, by=user, at=NOW)
    assert (refused.value.rule, refused.value.code) == ("PAR-01", "layout_not_verified")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.decided_by, delivery.version) == ("prepared", None, 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        RegisterDelivery.objects.filter(pk=delivery.pk).update(state="sent", decided_by=user, decided_at=NOW)


def test_a_discarded_delivery_stays_and_the_next_one_is_made_anew(unit, reporter, user):
    delivery = deliver(reporter)
    deliveries.discard(delivery_id=delivery.pk, reason="Fel period", by=user, at=NOW)
    with pytest.raises(RuleError) as refused:
        deliveries.discard(delivery_id=delivery.pk, reason="Igen", by=user, at=NOW)
    assert (refused.value.code, refused.value.by) == ("already_decided", user.name)
    assert deliver(reporter, at=NOW + timedelta(hours=1)) != delivery
    assert delivery.files.count() == 10


def test_what_was_delivered_is_never_changed(unit, reporter):
    """PAR-01: the bytes are kept."""
    delivery = deliver(reporter)
    for rows in (delivery.files.all(), delivery.contacts.all(), delivery.findings.all()):
        if not rows.exists():
            continue
        with pytest.raises(Exception, match="append_only"), transaction.atomic():
            rows.delete()
    with pytest.raises(Exception, match="append_only"), transaction.atomic():
        delivery.files.update(content=b"")


def test_without_layout_nothing_is_made(unit, reporter):
    RegisterLayout.objects.update(valid_to=date(2024, 6, 30))
    with pytest.raises(RuleError) as refused:
        deliver(reporter)
    assert "Ingen layout gäller 2026-10-31" in refused.value.sentence
    assert RegisterDelivery.objects.count() == 0


def test_reading_takes_as_many_queries_however_many_contacts_there_are(unit, reporter, doctor, user):
    def queries():
        with CaptureQueriesContext(connection) as made:
            prepare(reporter, PERIOD)
        return len(made)

    code(visit(unit, doctor), user, "F411", "I109", procedures=[{"code": "DU011"}])
    before = queries()
    for number in range(5):
        encounter = visit(unit, doctor, start=f"2026-09-{number + 1:02d} 10:00")
        code(encounter, user, "S525", procedures=[{"code": "DU011", "atc": ["N02BE01"]}], external_causes=["W0101"])
    code(visit(unit, doctor, factories.protected_patient()), user, "F411", atc=["N02BE01"])
    assert queries() <= before + 4
