"""Problemkoder as a file: out, compared, in (VA-01)."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from registration.actions import problem_codes
from registration.models import ProblemCode
from sdv.accounts.permissions import Role
from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now
from tests import factories
from tests.clinic import DAY, NOW, TODAY
from tests.desk.signed_in import signed_in

HEAD = ";".join(problem_codes.HEADINGS)
pytestmark = pytest.mark.django_db


def file_of(*rows):
    return "\n".join([HEAD, *rows])


def test_what_is_written_out_is_read_back_as_it_was():
    """VA-01, PL-16: also what a spreadsheet would take for a formula, which is marked as text in the file."""
    ProblemCode.objects.create(code="minus", name="-1 hörsel", speciality="Prov")
    assert "'-1 hörsel" in problem_codes.written()
    found = problem_codes.compared(problem_codes.written(), on=TODAY)
    assert (found.added, found.changed, found.ended, found.same) == ((), (), (), ProblemCode.objects.count())


def test_the_file_is_the_list_of_the_specialities_it_names():
    """VA-01: new, changed and ended as they were seen; other specialities are left alone."""
    before = ProblemCode.objects.exclude(speciality="Kardiologi").count()
    text = file_of(
        "demo01;Hjärtsvikt, kronisk;Kardiologi;Region Prov;;",
        "ny-1;Klaffel;Kardiologi;Region Prov;2026-12-01;",
    )
    found = problem_codes.compared(text, on=TODAY)
    assert [values["code"] for values in found.added] == ["ny-1"]
    assert [row.code for row, _ in found.changed] == ["demo01"]
    assert sorted(row.code for row in found.ended) == ["demo02", "demo03"]
    problem_codes.import_problem_codes(text=text, fingerprint=found.fingerprint, by=None, at=NOW)
    assert ProblemCode.objects.get(code="demo01").name == "Hjärtsvikt, kronisk"
    assert ProblemCode.objects.get(code="demo02").valid_to == TODAY - DAY
    assert ProblemCode.objects.valid_on(TODAY).exclude(speciality="Kardiologi").count() == before
    assert list(ProblemCode.objects.valid_on(TODAY).filter(speciality="Kardiologi").values_list("code", flat=True)) == [
        "demo01"
    ]


def test_what_takes_effect_is_what_was_seen():
    """VA-01"""
    text = file_of("ny-1;Klaffel;Prov;;;")
    found = problem_codes.compared(text, on=TODAY)
    ProblemCode.objects.create(code="annan", name="Annan")
    with pytest.raises(RuleError) as refused:
        problem_codes.import_problem_codes(text=text, fingerprint=found.fingerprint, by=None, at=NOW)
    assert (refused.value.code, ProblemCode.objects.filter(code="ny-1").exists()) == ("another_list", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kod;namn", "Rad 1: rubrikerna ska vara"),
        (HEAD, "inga koder"),
        (file_of("a;b"), "Rad 2: 2 värden"),
        (file_of("Å 1;Namn;;;;"), "Rad 2: koden"),
        (file_of("a;;;;;"), "problem ska ha mellan 1 och 200 tecken"),
        (file_of("a;Namn;;;i dag;"), "är inget datum"),
        (file_of("a;Namn;;;2026-02-01;2026-01-01"), "giltig_till ligger före giltig_fran"),
        (file_of("a;Namn;;;;", "A;Namn;;;;"), "Rad 3: koden a står två gånger"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(text, said):
    """VA-01"""
    with pytest.raises(CatalogueError, match=said):
        problem_codes.compared(text, on=TODAY)


def test_the_administration_shows_what_changes_before_it_does():
    """VA-01: file, comparison, yes; a faulty file says its line and changes nothing."""
    client = signed_in(factories.staff(Role.CATALOGUE_ADMIN, factories.HealthCentreFactory()))
    address = reverse("admin:registration_problemcode_import")
    assert client.get(address).status_code == 200
    wrong = client.post(address, {"file": SimpleUploadedFile("p.csv", b"kod;slag\n")})
    assert wrong.status_code == 422 and "Rad 1: rubrikerna ska vara" in wrong.content.decode()
    text = file_of("ny-1;Klaffel;Prov;;;")
    shown = client.post(address, {"file": SimpleUploadedFile("p.csv", text.encode())})
    assert "1 nya, 0 ändrade, 0 upphör, 0 lika." in shown.content.decode()
    assert not ProblemCode.objects.filter(code="ny-1").exists()
    mark = problem_codes.compared(text, on=local_date(now())).fingerprint
    assert client.post(address, {"rows": text, "fingerprint": mark}).status_code == 302
    assert ProblemCode.objects.get(code="ny-1").name == "Klaffel"
    answer = client.get(reverse("admin:registration_problemcode_export"))
    assert "ny-1;Klaffel;Prov" in answer.content.decode()
