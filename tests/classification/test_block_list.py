"""The spärrlista as a file: exported, read and compared, in effect as a whole or not at all (KL-06)."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from classification.actions.block_list import HEADINGS, compared, import_block_list, written
from classification.importing.errors import CatalogueError
from classification.models import BlockedCode
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.common.time import local_date, now

from .. import factories
from ..desk.signed_in import signed_in
from .conftest import NOW

pytestmark = pytest.mark.django_db
TODAY = local_date(NOW)
HEAD = ";".join(HEADINGS)
ROW = "F41*;main;any;;not_used;;warning;Utred vidare.;Spärrlista 2026;2026-01-01;"
PAIR = "F411;any;primary;;combination;F32*;error;Koda en av dem.;Spärrlista 2026;;"


def file_of(*rows):
    return "\n".join([HEAD, *rows])


def let_in(text, coder, at=NOW):
    return import_block_list(text=text, fingerprint=compared(text, on=local_date(at)).fingerprint, by=coder, at=at)


def test_a_file_is_compared_and_let_in_and_written_as_it_was_read(coder):
    """KL-06: what the list no longer has ends the day before; nothing is deleted."""
    text = file_of(ROW, PAIR)
    seen = compared(text, on=TODAY)
    assert (len(seen.added), len(seen.changed), len(seen.ended), seen.same) == (2, 0, 0, 0)
    assert not BlockedCode.objects.exists()
    let_in(text, coder)
    assert set(BlockedCode.objects.values_list("pattern", "kind", "other_pattern")) == {
        ("F411", "combination", "F32*"), ("F41*", "not_used", ""),
    }  # fmt: skip
    again = compared(written(), on=TODAY)
    assert (len(again.added), len(again.changed), len(again.ended), again.same) == (0, 0, 0, 2)
    let_in(file_of(ROW.replace("Utred vidare.", "Utred först.")), coder)
    kept, gone = BlockedCode.objects.get(pattern="F41*"), BlockedCode.objects.get(pattern="F411")
    assert (kept.text, kept.valid_to) == ("Utred först.", None)
    assert gone.valid_to == TODAY - timedelta(days=1)
    assert BlockedCode.objects.valid_on(date(2026, 6, 1)).count() == 2
    assert BlockedCode.objects.valid_on(TODAY).get() == kept
    assert compared(written(), on=TODAY).same == 2
    with pytest.raises(CatalogueError, match="F411 har upphört 2026-11-20 och ändras inte i efterhand"):
        let_in(file_of(ROW, PAIR), coder)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (ROW.replace("F41*", "F4*1"), "Rad 2: kod ”F4*1” är ingen kod"),
        (ROW.replace("main", "först"), "Rad 2: okänt som: ”först”"),
        (ROW.replace("not_used", "förbjuden"), "Rad 2: okänt slag: ”förbjuden”"),
        (ROW.replace("warning", "off"), "Rad 2: okänt vager: ”off”"),
        (ROW.replace("2026-01-01", "1 januari"), "Rad 2: giltig_fran ”1 januari” är inget datum"),
        (ROW + "2025-01-01", "Rad 2: giltig_till ligger före giltig_fran"),
        (ROW.replace("Utred vidare.", ""), "Rad 2: mening ska ha mellan 1 och 300 tecken"),
        (ROW.replace(";;not_used", ";SE-OKÄND;not_used"), "Rad 2: vårdenheten SE-OKÄND finns inte"),
        (PAIR.replace("F32*", ""), "Rad 2: med_koden anges för combination"),
        (ROW + ";", "Rad 2: 12 värden, väntade 11"),
        (f"{ROW}\n{ROW}", "Rad 3: raden står två gånger"),
    ],
)
def test_what_is_not_understood_stops_the_file_with_its_line(row, sentence, coder):
    """KL-06."""
    with pytest.raises(CatalogueError) as stopped:
        let_in(file_of(row), coder)
    assert str(stopped.value).startswith(sentence)
    assert not BlockedCode.objects.exists()


def test_another_list_than_the_compared_one_is_not_let_in(coder):
    """PL-27."""
    text = file_of(ROW)
    seen = compared(text, on=TODAY).fingerprint
    let_in(file_of(PAIR), coder)
    with pytest.raises(RuleError, match="har ändrats sedan filen jämfördes"):
        import_block_list(text=text, fingerprint=seen, by=coder, at=NOW)
    assert [row.pattern for row in BlockedCode.objects.all()] == ["F411"]


def test_the_administration_shows_what_changes_before_it_does():
    """KL-06: file, comparison, yes; a faulty file says its line and changes nothing."""
    client = signed_in(factories.staff(Role.CATALOGUE_ADMIN, factories.HealthCentreFactory()))
    address = reverse("admin:classification_blockedcode_import")
    assert client.get(address).status_code == 200
    wrong = client.post(address, {"file": SimpleUploadedFile("s.csv", b"kod;slag\n")})
    assert wrong.status_code == 422 and "Rad 1: rubrikerna ska vara" in wrong.content.decode()
    shown = client.post(address, {"file": SimpleUploadedFile("s.csv", file_of(ROW).encode())})
    assert "1 nya, 0 ändrade, 0 upphör, 0 lika." in shown.content.decode()
    assert not BlockedCode.objects.exists()
    mark = compared(file_of(ROW), on=local_date(now())).fingerprint
    assert client.post(address, {"rows": file_of(ROW), "fingerprint": mark}).status_code == 302
    assert BlockedCode.objects.get().pattern == "F41*"
    answer = client.get(reverse("admin:classification_blockedcode_export"))
    assert ROW in answer.content.decode()
    assert answer["Content-Disposition"] == 'attachment; filename="sparrlista.csv"'
