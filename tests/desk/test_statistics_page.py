"""The page Statistik: the same numbers as figures, charts, tables, CSV and workbook (ST-01)."""

import csv
import io
import re

import pytest
import time_machine
from django.urls import reverse
from openpyxl import load_workbook

from classification.starter import load as load_starter
from registration.models import Encounter
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from tests import factories
from tests.classification.test_deliveries import code
from tests.classification.worlds import contact, moment, person
from tests.desk.signed_in import queries_of, signed_in

NOW = moment("2026-10-30 12:00")
OCTOBER = {"fran": "2026-10-01", "till": "2026-10-31"}


@pytest.fixture
def unit(catalogues):
    return factories.SpecialisedClinicFactory(name="Medicinmottagningen Provet")


@pytest.fixture
def world(unit):
    """Seven women's visits, six men's, one no-show, five stays of three days, and what does not count."""
    women, men = [person() for _ in range(7)], [person(sex="1", born="1950-01-01") for _ in range(6)]
    for each in women:
        contact(unit, each, visit_type="Sp Läk Återbesök")
    for each in men:
        contact(unit, each, visit_type="Sp Läk Nybesök", start="2026-10-13 10:00", contact_form="phone")
    contact(unit, men[0], "utebliven-bokad-kontakt", start="2026-10-14 10:00")
    for each in women[:5]:
        contact(unit, each, "slutenvard", "2026-10-05 10:00", "2026-10-08 11:00")
    contact(unit, men[0], "annullerad")
    contact(unit, men[0], status="in_progress")


@pytest.fixture
def client(unit):
    with time_machine.travel(NOW, tick=False):
        yield signed_in(factories.staff(Role.MANAGER, unit))


def text(answer):
    words = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", words)


def test_the_page_shows_four_figures_and_how_they_are_counted(client, world):
    """ST-01: contacts, vårddygn, medelvårdtid, individuals."""
    answer = client.get(reverse("statistics"), OCTOBER)
    assert answer.status_code == 200
    said = text(answer)
    for words in (
        "Öppenvårdskontakter 13 6 på distans",
        "Slutenvårdstillfällen 5 medelvårdtid 3,0 dagar, 15 vårddygn",
        "Individer 13 olika patienter",
        "Uteblivna 1 räknas inte som kontakter",
        "Uppgifter till och med 2026-10-30 12:00",
        "Utskrivningsdatum minus inskrivningsdatum; samma dag ger 0",
        "Ej verifierat",
    ):
        assert words in said, words


def csv_rows(client, query):
    answer = client.get(reverse("statistics-csv"), query)
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    return answer, list(csv.reader(io.StringIO(content), delimiter=";"))


def workbook_rows(client, query):
    answer = client.get(reverse("statistics-workbook"), query)
    book = load_workbook(io.BytesIO(answer.content))
    return answer, [list(row) for row in book["Produktion"].iter_rows(values_only=True)], book


def test_page_table_csv_and_workbook_have_the_same_numbers(client, world):
    """ST-01: what is seen, sent on and calculated with is one report."""
    page = client.get(reverse("statistics"), OCTOBER)
    _, lines = csv_rows(client, OCTOBER)
    _, sheet, _ = workbook_rows(client, OCTOBER)
    on_page = page.context["breakdowns"]
    shown = [("Totalt", "", page.context["total"])]
    shown += [(what, label, cells) for what, rows in on_page for label, cells in rows]
    assert [(row[0], row[1] or "", tuple(row[2:])) for row in sheet[1:]] == [
        (what, label, tuple(cells)) for what, label, cells in shown
    ]
    assert [(row[0], row[1], row[2:]) for row in lines[1:]] == [
        (what, label, ["" if cell is None else str(cell).replace(".", ",") for cell in cells])
        for what, label, cells in shown
    ]


def test_the_charts_have_the_numbers_of_the_table(client, world):
    page = client.get(reverse("statistics"), OCTOBER)
    charts = {chart.id: chart for chart in page.context["charts"]}
    assert set(charts) == {"over-tid", "slutenvard", "vardtid", "besokstyper", "aldrar"}
    assert [row for row in charts["over-tid"].rows if row[1]] == [("2026 v. 41", 7), ("2026 v. 42", 6)]
    for chart in charts.values():
        assert f'role="img" aria-labelledby="{chart.id}-t {chart.id}-d"' in chart.svg
        assert f'<title id="{chart.id}-t">{chart.heading}</title><desc id="{chart.id}-d">' in chart.svg
        assert "style" not in chart.svg
    assert "Högst 7 (v. 41), lägst 0" in charts["over-tid"].svg
    assert ">7</text>" in charts["over-tid"].svg


def test_the_filters_stand_in_the_address_and_go_on_to_the_files(client, world):
    query = OCTOBER | {"kon": "1"}
    page = client.get(reverse("statistics"), query)
    assert 'href="/statistik/produktion.csv?fran=2026-10-01&amp;till=2026-10-31&amp;kon=1"' in page.content.decode()
    assert page.context["total"][0] == 6
    _, lines = csv_rows(client, query)
    assert lines[1][2] == "6"


def test_without_an_address_s_period_it_is_this_month_and_the_one_before(client, world):
    page = client.get(reverse("statistics"))
    asked = page.context["report"].asked
    assert (asked.first.isoformat(), asked.last.isoformat()) == ("2026-09-01", "2026-10-30")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"fran": "2026-10-31", "till": "2026-10-01"}, "Sista dagen ligger före den första."),
        ({"fran": "2020-01-01", "till": "2026-10-01"}, "En rapport omfattar högst tre år."),
        ({"fran": "i våras"}, "Fel"),
        ({"kon": "7"}, "Välj ett giltigt alternativ"),
        ({"besokstyp": "' OR 1=1"}, "Välj ett giltigt alternativ"),
        ({"alder": "17"}, "Välj ett giltigt alternativ"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field_and_no_file_is_made(client, query, words):
    answer = client.get(reverse("statistics"), query)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "Fel: Statistik" in answer.content.decode()
    assert client.get(reverse("statistics-csv"), query).status_code == 422
    assert client.get(reverse("statistics-workbook"), query).status_code == 422


def test_an_empty_period_and_one_of_too_few_say_so_and_draw_nothing(client, unit):
    """ui.md 4.12: no axes where there is nothing; groups under five are not shown."""
    answer = client.get(reverse("statistics"), OCTOBER)
    assert "Inga avslutade kontakter på Medicinmottagningen Provet i perioden." in text(answer)
    for _ in range(4):
        contact(unit, person())
    answer = client.get(reverse("statistics"), OCTOBER)
    assert "Färre än fem patienter i urvalet: inga tal visas." in text(answer)
    assert '<svg class="chart"' not in answer.content.decode()
    _, lines = csv_rows(client, OCTOBER)
    assert lines[1:] == [["Totalt", "", "visas inte", "", "", "", "", "", "", ""]]


def test_a_single_stay_among_many_visits_is_not_told(client, unit):
    """A length of stay that is one person's alone is shown nowhere, and no chart is drawn of it."""
    people = [person() for _ in range(8)]
    for each in people:
        contact(unit, each)
    contact(unit, people[0], "slutenvard", "2026-10-05 10:00", "2026-10-28 11:00")
    page = client.get(reverse("statistics"), OCTOBER)
    assert "Slutenvårdstillfällen visas inte färre än fem patienter" in text(page)
    assert {chart.id for chart in page.context["charts"]} == {"over-tid", "besokstyper", "aldrar"}
    _, lines = csv_rows(client, OCTOBER)
    assert lines[1] == ["Totalt", "", "8", "0", "0", "0", "visas inte", "", "", "8"]
    assert "23" not in [cell for line in lines for cell in line]


def test_nothing_of_a_protected_person_leaves_by_the_statistics(client, unit):
    """SK-05: in the sums, nowhere else."""
    for _ in range(6):
        contact(unit, person(protection="sekretessmarkering", given_name="Hemlig", surname="Person"))
    page = client.get(reverse("statistics"), OCTOBER)
    assert page.context["total"][0] == 6
    assert "Hemlig" not in page.content.decode()


def test_files_are_named_by_their_period_alone_and_are_never_kept_by_the_browser(client, world):
    for name, ending in (("statistics-csv", "csv"), ("statistics-workbook", "xlsx")):
        answer = client.get(reverse(name), OCTOBER)
        assert answer["Content-Disposition"] == f'attachment; filename="produktion-2026-10-01--2026-10-31.{ending}"'
        assert answer["Cache-Control"] == "private, no-store"


def test_the_workbook_says_what_its_numbers_mean(client, world):
    _, _, book = workbook_rows(client, OCTOBER)
    said = dict(book["Så räknas det"].iter_rows(values_only=True))
    assert said["Vårdenhet"] == "Medicinmottagningen Provet"
    assert said["Uppgifter till och med"] == "2026-10-30 12.00"
    assert "Ej verifierat" in said["Vårddygn"]


def test_the_page_takes_as_many_queries_however_many_contacts_there_are(client, unit, world):
    client.get(reverse("statistics"), OCTOBER)
    before = queries_of(lambda: client.get(reverse("statistics"), OCTOBER))
    for number in range(10):
        contact(unit, person(), start=f"2026-10-{10 + number} 09:00")
    assert queries_of(lambda: client.get(reverse("statistics"), OCTOBER)) == before


# --- Coding quality and grouping ----------------------------------------------------------------------------------------


def test_the_coding_quality_s_page_work_list_csv_and_workbook_have_the_same_numbers(client, unit, world):
    """ST-01, KL-06: what is listed, reported and exported is one number."""
    load_starter()
    coder = factories.staff(Role.CODER, unit)
    codings = (["F411"], ["F411", "I109"], ["S525"])
    for encounter, codes in zip(Encounter.objects.to_code()[:3], codings, strict=True):
        code(encounter, coder, *codes, complete="S525" not in codes)
    answer = client.get(reverse("coding-quality"), OCTOBER)
    assert "Klassificerade 11 % 2 av 18 avslutade" in text(answer)
    shown = [(what, value) for what, value in answer.context["rows"]]
    assert dict(shown)["Oklassificerade nu"] == 16 == Encounter.objects.to_code().filter(care_unit=unit).count()
    assert {"Klara samma dag", "Klara efter 1 dag", "Klara efter 2–3 dagar"} <= dict(shown).keys()
    with_findings = [row for row in shown if row[0].startswith("J01 ")]
    assert with_findings and with_findings[0][1] == 2
    # The table on the page, as it is read.
    cells = re.findall(r'<th scope="row">([^<]+)</th><td class="num">([^<]+)</td>', answer.content.decode())
    table = cells[-len(shown) :]
    assert [what for what, _ in table] == [what for what, _ in shown]
    file = client.get(reverse("coding-quality-csv"), OCTOBER)
    lines = list(csv.reader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig")), delimiter=";"))
    assert lines[1:] == [[what, "" if value is None else str(value).replace(".", ",")] for what, value in shown]
    workbook = client.get(reverse("coding-quality-workbook"), OCTOBER)
    assert workbook["Content-Disposition"] == ('attachment; filename="kodningskvalitet-2026-10-01--2026-10-31.xlsx"')
    book = load_workbook(io.BytesIO(workbook.content))
    assert list(book["Kodningskvalitet"].iter_rows(values_only=True, min_row=2)) == shown
    said = dict(book["Så räknas det"].iter_rows(values_only=True))
    assert said["Vårdenhet"] == "Medicinmottagningen Provet"
    assert "1000 senaste" in said["Anmärkningar"]


def test_an_empty_or_unreadable_period_of_the_coding_quality_says_so(client):
    assert "Inga kontakter som klassificeras avslutades" in text(client.get(reverse("coding-quality"), OCTOBER))
    wrong = {"fran": "2026-10-31", "till": "2026-10-01"}
    assert client.get(reverse("coding-quality"), wrong).status_code == 422
    assert client.get(reverse("coding-quality-csv"), wrong).status_code == 422
    assert client.get(reverse("coding-quality-workbook"), wrong).status_code == 422


def test_the_file_for_grouping_is_sent_as_it_is_made_and_the_reading_is_logged_first(unit, world):
    """KL-07: everybody in the file stands in the access log, a protected person too; nobody's name or number in it."""
    protected = factories.protected_patient(given_name="Hemlig")
    contact(unit, protected, start="2026-10-20 10:00")
    with time_machine.travel(NOW, tick=False):
        coder = signed_in(factories.staff(Role.CODER, unit))
        page = coder.get(reverse("grouping-export"), OCTOBER)
        assert "19 kontakter, varav 0 klassificerade." in text(page)
        assert AccessLogEntry.objects.count() == 0
        answer = coder.get(reverse("grouping-export-csv"), OCTOBER)
        assert answer.streaming
        read = AccessLogEntry.objects.all()
        assert {entry.what for entry in read} == {"underlag för gruppering (DRG, ACG)"}
        assert read.count() == 14
        assert read.filter(patient_id=protected.pk).count() == 1
        content = b"".join(answer.streaming_content).decode("utf-8-sig")
        wrong = coder.get(reverse("grouping-export-csv"), {"fran": "2026-10-31", "till": "2026-10-01"})
    assert len(content.splitlines()) == 20
    assert "Hemlig" not in content
    assert protected.identities.get().value not in content
    assert answer["Content-Disposition"] == 'attachment; filename="gruppering-2026-10-01--2026-10-31.csv"'
    assert wrong.status_code == 422
