"""The pages of deliveries to the patient register, the job and the API (PAR-01)."""

from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.urls import reverse

from classification import starter
from classification.models import RegisterDelivery, RegisterLayout, RegisterLayoutField, RegisterReporter, ReportingUnit
from sdv.accounts.models import AccessLogEntry
from tests import factories
from tests.classification.test_deliveries import code, visit
from tests.classification.worlds import moment
from tests.desk.signed_in import queries_of, signed_in
from tests.forms import save

NOW = moment("2026-11-20 09:00")


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
def coder(unit):
    return factories.staff("coder", unit)


@pytest.fixture
def client(coder):
    with time_machine.travel(NOW, tick=False):
        yield signed_in(coder)


@pytest.fixture
def contacts(unit, coder):
    """Three sound visits and one that lacks its codes."""
    doctor = factories.PractitionerFactory()
    made = [visit(unit, doctor, start=f"2026-09-{day} 10:00") for day in (10, 11, 12, 13)]
    for each in made[:3]:
        code(each, coder, "F411")
    return made


def said(answer):
    return " ".join(answer.content.decode().split())


def test_the_report_before_says_what_goes_what_is_held_back_and_what_is_left_empty(client, reporter, contacts):
    """PAR-01: nothing is saved by looking."""
    answer = client.get(reverse("delivery-preview"))
    words = said(answer)
    assert answer.context["prepared"].outpatient == 3
    assert '<td>Huvuddiagnos saknas</td><td class="num">1</td>' in words
    assert f'<a href="{reverse("encounter", args=[contacts[3].pk])}">{contacts[3].number}</a>' in words
    assert "EJ_VERIFIERAD_PAR_12_OV_AD_202608-202610.txt" in words
    assert "Registrets koder för läkarkontakt är inte kända." in words
    assert "1–3 som inskrivningssätt och 4 för avliden är inte verifierat." in words
    assert RegisterDelivery.objects.count() == 0


def test_why_not_is_told_of_each_contact_of_one_s_own_unit(client, reporter, unit):
    """PAR-01: "varför inte med", by number; another unit's are counted and not named."""
    nurse = factories.PractitionerFactory(abbreviation="Ssk")
    mine = visit(unit, nurse, start="2026-09-10 10:00")
    theirs = visit(factories.SpecialisedClinicFactory(facility=unit.facility), nurse, start="2026-09-10 10:00")
    assert client.get(reverse("delivery-preview")).context["refused"][0][1] == 1
    answer = client.get(reverse("delivery-preview"), {"till": "2026-10", "omfattning": "alla"})
    assert [(row.number, row.detail) for row in answer.context["left_out"]] == [
        (mine.number, "Ingen läkare deltog, och enhetens MVO räknas inte som psykiatrisk öppenvård.")
    ]
    assert answer.context["refused"] == [
        ("Ingen läkare deltog, och enhetens MVO räknas inte som psykiatrisk öppenvård.", 2)
    ]
    assert str(theirs.pk) not in answer.content.decode()


def test_a_delivery_is_made_looked_at_and_fetched_and_the_reading_is_logged(client, reporter, contacts, coder):
    """PAR-01: bytes kept, who and when; a download is a reading of everybody in it."""
    answer = client.post(reverse("delivery-preview"), {"till": "2026-10"})
    delivery = RegisterDelivery.objects.get()
    assert answer["Location"] == reverse("delivery", args=[delivery.pk])
    assert (delivery.made_by, delivery.made_at, delivery.state) == (coder, NOW, "prepared")
    page = said(client.get(answer["Location"]))
    assert "Ej verifierad layout" in page
    assert "Markera som lämnad" not in page
    assert AccessLogEntry.objects.count() == 0
    file = delivery.files.get(subset="OV", file="AD")
    got = client.get(reverse("delivery-file", args=[delivery.pk, file.pk]))
    assert got.content == bytes(file.content)
    assert got["Content-Disposition"] == f'attachment; filename="{file.name}"'
    read = AccessLogEntry.objects.all()
    assert {entry.patient_id for entry in read} == {each.patient_id for each in contacts[:3]}
    assert {(entry.what, entry.user, entry.resource_id) for entry in read} == {
        ("leverans till patientregistret", coder, delivery.pk)
    }


def test_nothing_new_is_made_of_the_same_and_the_page_says_so(client, reporter, contacts):
    client.post(reverse("delivery-preview"), {"till": "2026-10"})
    again = client.post(reverse("delivery-preview"), {"till": "2026-10"})
    assert RegisterDelivery.objects.count() == 1
    assert "2026-08–2026-10" in said(client.get(again["Location"]))


def test_what_may_not_be_delivered_is_refused_by_its_rule(client, reporter, contacts):
    client.post(reverse("delivery-preview"), {"till": "2026-10"})
    delivery = RegisterDelivery.objects.get()
    refused = client.post(reverse("delivery-send", args=[delivery.pk]))
    assert refused.status_code == 409
    assert "Layouten är inte verifierad" in said(refused)
    assert client.post(reverse("delivery-discard", args=[delivery.pk]), {"reason": ""}).status_code == 422
    client.post(reverse("delivery-discard", args=[delivery.pk]), {"reason": "Prov"})
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == ("discarded", "Prov")


def test_a_verified_delivery_is_marked_as_delivered_once(client, reporter, contacts):
    RegisterLayout.objects.update(is_verified=True)
    client.post(reverse("delivery-preview"), {"till": "2026-10"})
    delivery = RegisterDelivery.objects.get()
    assert "Markera som lämnad" in said(client.get(reverse("delivery", args=[delivery.pk])))
    client.post(reverse("delivery-send", args=[delivery.pk]))
    delivery.refresh_from_db()
    assert delivery.state == "sent"
    assert not delivery.files.filter(name__startswith="EJ").exists()
    client.post(reverse("delivery-discard", args=[delivery.pk]), {"reason": "Prov"})
    delivery.refresh_from_db()
    assert delivery.state == "sent"


def test_what_is_missing_and_months_that_stand_out_are_told_before_and_kept(client, reporter, unit, coder):
    """PAR-01: another unit is named where it stands out, and only then."""
    doctor = factories.PractitionerFactory()
    other = factories.SpecialisedClinicFactory(mvo_code="101", name="Hudmottagningen Provet", facility=unit.facility)
    ReportingUnit.objects.create(care_unit=other, hospital_code="41001")
    for month, count in (("08", 1), ("09", 12)):
        for number in range(count):
            code(visit(other, doctor, start=f"2026-{month}-{number + 1:02d} 10:00"), coder, "F411")
    code(visit(unit, doctor, start="2026-09-10 10:00"), coder, "F411")
    words = said(client.get(reverse("delivery-preview"), {"till": "2026-10", "omfattning": "alla"}))
    client.post(reverse("delivery-preview"), {"till": "2026-10"})
    kept = said(client.get(reverse("delivery", args=[RegisterDelivery.objects.get().pk])))
    for page in (words, kept):
        assert "Huvuddiagnos saknas, öppenvård</th>" in page and "0 av 14" in page and "inget publicerat" in page
        # August to October of one's own, and the other's September; its August and October are fewer than ten apart.
        assert page.count("Medicinmottagningen Provet</th>") == 3
        assert page.count("Hudmottagningen Provet <span") == 1 and page.count("Avviker</span>") == 1
    mine = said(client.get(reverse("delivery-preview"), {"till": "2026-10"}))
    assert "Hudmottagningen" not in mine


def test_without_reporter_or_layout_the_page_says_who_can_help(client, unit):
    assert "Ingen uppgiftslämnare är angiven" in said(client.get(reverse("deliveries")))
    assert client.get(reverse("delivery-preview")).status_code == 404
    RegisterReporter.objects.create(care_provider=unit.facility.care_provider, file_code="12")
    RegisterLayout.objects.update(valid_to="2024-02-01")
    assert "Ingen layout gäller" in said(client.get(reverse("deliveries")))
    assert client.get(reverse("delivery-preview")).status_code == 409


def test_another_care_provider_s_delivery_is_not_there(client, reporter):
    provider = factories.CareProviderFactory(hsa_id="SE2321000131-P000077", name="Annan vårdgivare")
    other = RegisterReporter.objects.create(care_provider=provider, file_code="30")
    call_command("run_job", "par-delivery", at="2026-11-20T02:30", stdout=StringIO())
    delivery = other.deliveries.get()
    assert client.get(reverse("delivery", args=[delivery.pk])).status_code == 404
    file = delivery.files.first()
    assert client.get(reverse("delivery-file", args=[delivery.pk, file.pk])).status_code == 404


def test_the_month_cannot_be_made_up(client, reporter):
    for till in ("2026-12", "i går", "2026-13"):
        assert client.get(reverse("delivery-preview"), {"till": till}).status_code == 422


# --- The job ------------------------------------------------------------------------------------------------------------


def job(**fields):
    out = StringIO()
    call_command("run_job", "par-delivery", **({"at": "2026-11-20T02:30", "stdout": out} | fields))
    return out.getvalue().splitlines()


def test_the_job_makes_what_is_due_once_and_a_rehearsal_makes_nothing(reporter, contacts):
    """PAR-01: run twice, done once; by the clock, so by nobody."""
    line = ["patientregistret 12 2026-08–2026-10: 3 kontakter, 1 hölls inne"]
    assert job(dry_run=True) == line
    assert RegisterDelivery.objects.count() == 0
    assert job() == line == job()
    assert RegisterDelivery.objects.get().made_by is None


def test_the_job_fails_where_a_delivery_cannot_be_made_and_says_nothing_where_nobody_reports(unit):
    assert job() == ["patientregistret: ingen uppgiftslämnare är angiven under Kataloger"]
    RegisterReporter.objects.create(care_provider=unit.facility.care_provider, file_code="12")
    RegisterLayout.objects.all().delete()
    with pytest.raises(CommandError, match="kunde inte göras för 12"):
        job()


def test_the_list_takes_as_many_queries_however_many_deliveries(client, reporter, contacts):
    job()
    client.get(reverse("deliveries"))
    before = queries_of(lambda: client.get(reverse("deliveries")))
    job(at="2026-10-20T02:30")
    job(at="2026-12-20T02:30")
    assert RegisterDelivery.objects.count() == 3
    assert queries_of(lambda: client.get(reverse("deliveries"))) == before


# --- The layout in the administration ---------------------------------------------------------------------------------


@pytest.fixture
def catalogue_admin(unit):
    return signed_in(factories.staff("catalogue_admin", unit))


def layout_form(**fields):
    return {
        "version": "HSLF-FS 2023:33",
        "regulation": "HSLF-FS 2023:33",
        "valid_from": "2024-01-01",
        "valid_to": "",
        "source": "Bilaga 1, jämförd av Kata",
        "file_name": "{filkod}_{delmangd}_{fil}.txt",
        "line_ending": "crlf",
        "encoding": "ascii",
        "is_verified": "on",
        "fields-TOTAL_FORMS": "1",
        "fields-INITIAL_FORMS": "0",
        "fields-0-subset": "OV",
        "fields-0-file": "AD",
        "fields-0-position": "1",
        "fields-0-field": "contact",
        "fields-0-format": "text",
    } | fields


def test_an_administrator_enters_the_regulation_s_layout_as_rows(catalogue_admin):
    """PAR-01: regulation, file, place, field, format, code list."""
    add = reverse("admin:classification_registerlayout_add")
    answer = catalogue_admin.post(add, layout_form(file_name="{delmangd}.txt"))
    assert "annars får flera filer samma namn" in answer.content.decode()
    assert catalogue_admin.post(add, layout_form()).status_code == 302
    made = RegisterLayoutField.objects.get(layout__version="HSLF-FS 2023:33")
    assert (made.subset, made.file, made.position, made.field) == ("OV", "AD", 1, "contact")


def test_a_layout_that_has_been_delivered_by_stands_as_it_is(catalogue_admin, reporter):
    """PAR-01: it may be given an end; what it says is history."""
    job()
    layout = RegisterLayout.objects.get()
    page = reverse("admin:classification_registerlayout_change", args=[layout.pk])
    before = list(layout.fields.values_list("subset", "file", "position", "field"))
    changed = {"version": "annan", "is_verified": "on", "valid_to": "2026-12-31", "fields-0-field": "mvo"}
    assert save(catalogue_admin, page, layout_form(**changed)).status_code == 302
    layout.refresh_from_db()
    assert (layout.version, layout.is_verified, str(layout.valid_to)) == ("platshållare 1", False, "2026-12-31")
    assert list(layout.fields.values_list("subset", "file", "position", "field")) == before
