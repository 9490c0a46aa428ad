"""Klassificering as pages: the list, one field for all codes, order, findings, klar, undo (KL-01…KL-06, ui.md 4.10)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from classification.models import Code, CodedDiagnosis, CodingHistory, EncounterCoding, FavouriteCode
from registration.models import EncounterParticipant
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.common.errors import InputError
from sdv.common.time import now
from sdv.desk import coding_draft
from sdv.flows import correction

from .. import factories
from ..classification.conftest import _loaded_codes, starter_codes  # noqa: F401
from .coding_form import Form, ended
from .signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter_codes")]

DAY = timedelta(days=1)


@pytest.fixture
def unit(db):
    return factories.HealthCentreFactory()


@pytest.fixture
def coder(unit):
    return factories.staff(Role.CODER, unit)


@pytest.fixture
def client(coder):
    return signed_in(coder)


# --- The list ---------------------------------------------------------------------------------------------------------


def test_the_list_holds_what_has_ended_and_is_not_coded_oldest_first(client, unit):
    """KL-01, VH-20."""
    newer = ended(unit, at=now() - DAY, patient=factories.patient(surname="Nyare"))
    older = ended(unit, at=now() - 3 * DAY, patient=factories.patient(surname="Äldre"))
    going_on = factories.arrived_visit(care_unit=unit, patient=factories.patient(surname="Pågående"))
    ended(factories.HealthCentreFactory(), patient=factories.patient(surname="Annanenhet"))
    text = client.get(reverse("coding")).content.decode()
    assert text.index("Äldre, Maria") < text.index("Nyare, Maria")
    assert "Pågående" not in text and "Annanenhet" not in text
    assert 'data-key="K"' in text
    assert str(older.pk) in text and str(newer.pk) in text and str(going_on.encounter_id) not in text


def row_of(text, encounter):
    return text.split(f'id="rad-{encounter.pk}"')[1].split("</tr>")[0]


def test_the_list_says_who_was_met_and_who_codes_and_mine_keeps_both(client, unit, coder):
    """KL-01, BO-02: begun by me, or a contact that I took part in; the oldest first."""
    begun, others, untouched = (ended(unit, at=now() - days * DAY) for days in (3, 2, 1))
    Form(client, begun).add("F41.1").press("spara", klar=False)
    colleague = factories.staff(Role.CODER, unit, name="Kim Kod")
    Form(signed_in(colleague), others).add("F41.1").press("spara", klar=False)
    part = others.participants.get()
    EncounterParticipant.objects.create(
        encounter=others, practitioner=factories.PractitionerFactory(user=coder),
        profession=part.profession, is_main_responsible=False,
    )  # fmt: skip
    text = client.get(reverse("coding")).content.decode()
    assert coder.name in row_of(text, begun) and "Påbörjad" in row_of(text, begun)
    assert "Kim Kod" in row_of(text, others) and f"{part.practitioner} och 1 till" in row_of(text, others)
    assert "Ej klassificerad" in row_of(text, untouched) and "2 dagar" in row_of(text, others)
    assert '<a href="?visa=mina">Mina</a>' in text
    mine = client.get(reverse("coding"), {"visa": "mina"}).content.decode()
    assert mine.index(str(begun.pk)) < mine.index(str(others.pk)) and str(untouched.pk) not in mine
    # Save and next stays among one's own.
    form = Form(client, begun)
    answer = client.post(f"{form.address}?visa=mina", form.carried | {"gor": "nasta", "klar": "1"})
    assert answer["Location"] == reverse("encounter-coding", args=[others.pk]) + "?visa=mina"
    colleagues = signed_in(colleague).get(reverse("coding"), {"visa": "mina"}).content.decode()
    assert str(others.pk) in colleagues and str(begun.pk) not in colleagues
    nobody = signed_in(factories.staff(Role.CODER, unit)).get(reverse("coding"), {"visa": "mina"}).content.decode()
    assert "Visa hela enhetens" in nobody


def test_the_list_costs_the_same_for_one_and_for_many(client, unit):
    ended(unit)
    client.get(reverse("coding"))

    def count():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("coding")).status_code == 200
        return len(captured)

    one = count()
    for _ in range(3):
        ended(unit)
    assert count() == one <= 12


def test_an_empty_list_says_so(client):
    assert "Allt är klassificerat." in client.get(reverse("coding")).content.decode()


# --- Without scripts --------------------------------------------------------------------------------------------------


def test_codes_are_added_ordered_and_saved_by_plain_form_posts(client, unit):
    """KL-02, KL-03: first is main; nothing is saved before Spara."""
    encounter = ended(unit)
    form = Form(client, encounter).add("f41.1")
    assert "F41.1 är tillagd som huvuddiagnos." in form.text
    form.add("I10.9")
    form.add("du011")
    assert form.codes == ["F411", "I109", "DU011"]
    assert not EncounterCoding.objects.exists()
    form.press("upp:1")
    assert form.codes == ["I109", "F411", "DU011"]
    assert "I10.9 är nu huvuddiagnos." in form.text
    form.press("ned:0")
    assert "F41.1 är nu huvuddiagnos." in form.text
    response = form.press("nasta")
    assert response["Location"] == reverse("coding")
    coding = EncounterCoding.objects.get()
    assert coding.is_complete
    assert [row.code.display for row in coding.diagnoses.all()] == ["F41.1", "I10.9"]
    assert [row.code.display for row in coding.procedures.all()] == ["DU011"]
    encounter.refresh_from_db()
    assert encounter.is_coded


def test_saving_leads_to_the_next_contact_and_leaves_a_receipt_with_undo(client, unit, coder):
    """ui.md 4.10, 3.6."""
    first, second = ended(unit, at=now() - 2 * DAY), ended(unit, at=now() - DAY)
    response = Form(client, first).add("F41.1").press("nasta")
    assert response["Location"] == reverse("encounter-coding", args=[second.pk])
    text = client.get(response["Location"]).content.decode()
    assert "Klassificeringen är klar för" in text
    assert reverse("encounter-coding-undo", args=[first.pk]) in text
    undone = client.post(reverse("encounter-coding-undo", args=[first.pk]))
    assert undone.status_code == 302
    first.refresh_from_db()
    assert not first.is_coded and not CodedDiagnosis.objects.exists()
    assert CodingHistory.objects.order_by("-id").first().move == "undo"


def test_a_word_is_enough_and_an_unknown_one_is_told(client, unit):
    form = Form(client, ended(unit)).add("generaliserat ångestsyndrom")
    assert form.codes == ["F411"]
    form.add("Q99.99zz")
    assert form.response.status_code == 409
    assert "Ingen kod hittades för Q99.99zz." in form.text and "KL-05" in form.text
    assert form.codes == ["F411"]
    assert "Skriv en kod eller ett ord" in form.press("lagg-till").text


def test_the_same_code_is_not_added_twice(client, unit):
    form = Form(client, ended(unit)).add("F41.1").add("F41.1")
    assert form.codes == ["F411"] and "F41.1 finns redan." in form.text


def test_the_same_procedure_is_added_again_on_another_day(client, unit):
    """R21, one rule in both doors: a row of its own on another day, the number in an add-on at the same occasion."""
    encounter = ended(unit)
    form = Form(client, encounter).add("F41.1").add("DU011").add("DU011")
    assert form.codes == ["F411", "DU011"]
    assert "DU011 finns redan. Gjordes den flera dagar: ange datum" in form.text
    form.press("lagg-till", kod_text="DU011", **{"datum-0": "2026-11-02"})
    assert form.carried["rad"][1:] == ["p:kva:DU011:2026-11-02", "p:kva:DU011:"]
    # A button has a name of its own, so that focus follows it.
    assert 'id="bort-kva-DU011"' in form.text and 'id="bort-kva-DU011-2"' in form.text
    form.press("spara", **{"datum-1": "2026-11-03"})
    saved = EncounterCoding.objects.get()
    assert [(row.code.code, str(row.date)) for row in saved.procedures.all()] == [
        ("DU011", "2026-11-02"),
        ("DU011", "2026-11-03"),
    ]
    assert "står på flera dagar" in Form(client, encounter).text
    said = Form(client, encounter).press("lagg-till", kod_text="F41.9", **{"datum-1": "2026-11-02"}).text
    assert "DU011 står mer än en gång" in said


def test_an_external_cause_hangs_under_its_diagnosis(client, unit):
    """KL-03."""
    form = Form(client, ended(unit)).add("W01.01")
    assert form.response.status_code == 409 and "Lägg till diagnosen först" in form.text and form.codes == []
    form.add("S52.5").add("W01.01")
    assert form.carried["rad"] == ["d:icd-10-se:S525", "x:icd-10-se:W0101"]
    form.press("spara")
    assert [cause.code.code for cause in CodedDiagnosis.objects.get().external_causes.all()] == ["W0101"]


def test_codes_are_removed_one_by_one(client, unit):
    form = Form(client, ended(unit)).add("S52.5").add("W01.01").add("DU011")
    form.press("bort:d:0:x:0")
    assert form.codes == ["S525", "DU011"]
    form.press("bort:p:0")
    form.press("bort:d:0")
    assert form.codes == []


def test_what_this_page_did_not_make_is_refused_and_changes_nothing(client, unit):
    """Never a 500 for input."""
    encounter = ended(unit)
    address = reverse("encounter-coding", args=[encounter.pk])
    for data in (
        {"rad": ["x:icd-10-se:W01"]},
        {"rad": ["d:påhitt:F411"]},
        {"rad": ["q:icd-10-se:F411"]},
        {"rad": ["p:kva:DU011:2026-13-45"]},
        {"rad": [f"d:icd-10-se:F{number}" for number in range(200)]},
        {"gor": "upp:7"},
        {"gor": "bort:d:0"},
        {"gor": "bort:z:0:y:1"},
    ):
        assert client.post(address, data).status_code == 422, data
    assert not EncounterCoding.objects.exists()


# --- Findings and klar --------------------------------------------------------------------------------------------------


def test_errors_block_klar_and_warnings_do_not(client, unit):
    """KL-06: in the form, with the rule; the codes are kept."""
    encounter = ended(unit)
    form = Form(client, encounter).press("nasta")
    assert form.response.status_code == 409
    assert "kan inte göras klar" in form.text and "Regel KL-06" in form.text and "Huvuddiagnos saknas" in form.text
    assert not EncounterCoding.objects.exists()
    form.add("S52.5")
    assert "Fel:" in form.text and "Lägg till yttre orsak" in form.text
    assert form.press("nasta").response.status_code == 409
    form.add("W01.01")
    assert "Fel:" not in form.text and "Varning:" in form.text
    assert form.press("nasta").status_code == 302
    encounter.refresh_from_db()
    assert encounter.is_coded


def test_a_finding_stands_under_the_code_it_is_about(client, unit):
    form = Form(client, ended(unit)).add("S52.5")
    row = form.text.split('class="code">S52.5</span>')[1].split("</li>")[0]
    assert "S52.5 har en femte position" in row


def test_codes_can_be_saved_without_being_klar(client, unit):
    """KL-01: begun and still on the list."""
    encounter = ended(unit)
    response = Form(client, encounter).add("F41.1").press("spara", klar=False)
    assert response["Location"] == reverse("encounter-coding", args=[encounter.pk])
    encounter.refresh_from_db()
    assert not encounter.is_coded
    assert "Påbörjad" in client.get(reverse("coding")).content.decode()


def test_klar_is_not_offered_before_the_end(unit):
    """KL-01."""
    clinic = factories.SpecialisedClinicFactory()
    user = factories.clinician(clinic)
    visit = factories.checked_out_visit(care_unit=clinic, by=user)
    form = Form(signed_in(user), visit.encounter)
    assert "när vårdhändelsen har ett slut (KL-01)" in form.text and not form.is_complete
    form.add("F41.1")
    refused = form.press("spara", klar=True)
    assert refused.response.status_code == 409 and "KL-01" in refused.text
    assert refused.press("spara", klar=False).status_code == 302


def test_what_is_not_coded_says_why(unit, client):
    """VH-20, KL-01."""
    going_on = factories.arrived_visit(care_unit=unit)
    text = client.get(reverse("encounter-coding", args=[going_on.encounter_id])).content.decode()
    assert "KL-01" in text and "Checka ut besöket först." in text and 'name="gor"' not in text
    missed = factories.no_show(care_unit=unit, resource=factories.ResourceFactory(care_unit=unit))
    assert "VH-20" in client.get(reverse("encounter-coding", args=[missed.encounter_id])).content.decode()


# --- Same as before, undo, conflicts --------------------------------------------------------------------------------------


def test_the_same_as_last_time_is_one_key_and_marked_until_saved(client, unit):
    """ui.md 4.10: Alt+S."""
    patient = factories.patient()
    earlier, later = ended(unit, at=now() - 9 * DAY, patient=patient), ended(unit, at=now() - DAY, patient=patient)
    Form(client, earlier).add("F41.1").add("DU011").press("spara")
    form = Form(client, later)
    assert 'data-key="Alt S"' in form.text
    form.press("samma")
    assert form.codes == ["F411", "DU011"]
    assert "2 koder från" in form.text and form.text.count("Ej sparad") == 2
    assert "data-unsaved" in form.text
    form.press("spara")
    assert Form(client, later).text.count("Ej sparad") == 0


def test_without_an_earlier_contact_there_is_nothing_to_repeat(client, unit):
    form = Form(client, ended(unit))
    assert 'data-key="Alt S"' not in form.text
    assert "inget tidigare klassificerat besök" in form.press("samma").text


def test_another_persons_coding_is_undone_by_those_who_correct(client, unit, coder):
    """PL-13."""
    encounter = ended(unit)
    Form(client, encounter).add("F41.1").press("spara")
    address = reverse("encounter-coding-undo", args=[encounter.pk])
    refused = signed_in(factories.staff(Role.CODER, unit)).post(address)
    assert refused.status_code == 409
    assert coder.name in refused.content.decode() and "PL-13" in refused.content.decode()
    assert CodedDiagnosis.objects.exists()
    assert signed_in(factories.staff(Role.SUPPORT, unit)).post(address).status_code == 302
    assert not CodedDiagnosis.objects.exists()


def test_a_contact_that_is_opened_again_comes_back_to_the_list(client, unit):
    """PL-13, VH-21."""
    encounter = ended(unit)
    Form(client, encounter).add("F41.1").press("spara")
    correction.reopen(encounter_id=encounter.pk, reason="Fel", by=factories.UserFactory(), at=now())
    coding = EncounterCoding.objects.get()
    encounter.refresh_from_db()
    assert (coding.is_complete, encounter.is_coded, encounter.status) == (False, False, "checked_out")
    assert coding.diagnoses.count() == 1


def test_the_page_shows_the_codes_in_the_vardhandelses_own_page(client, unit):
    encounter = ended(unit)
    Form(client, encounter).add("F41.1").press("spara")
    text = client.get(reverse("encounter", args=[encounter.pk])).content.decode()
    assert '<span class="code">F41.1</span>' in text and "Huvuddiagnos" in text and "Klassificering sparad" in text


def test_an_old_coding_is_shown_and_corrected_with_its_titles(client, unit):
    """KL-05: what the code was called when it was chosen, also beside a code that is added now."""
    encounter = ended(unit)
    Form(client, encounter).add("F41.1").press("spara")
    Code.objects.filter(code__in=["F411", "I109"]).update(title="Ett nytt namn")
    form = Form(client, encounter)
    assert "Generaliserat ångestsyndrom" in form.text and "Ett nytt namn" not in form.text
    form.add("I10.9").press("spara")
    assert list(CodedDiagnosis.objects.order_by("position").values_list("title", flat=True)) == [
        "Generaliserat ångestsyndrom",
        "Ett nytt namn",
    ]


# --- Search -----------------------------------------------------------------------------------------------------------


def search(client, encounter, text):
    address = f"{reverse('code-search')}?vardhandelse={encounter.pk}"
    response = client.post(address, {"q": text}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return response.content.decode()


def test_one_field_finds_diagnoses_and_procedures(client, unit):
    """ui.md 4.10."""
    encounter = ended(unit)
    assert 'data-value="icd-10-se:F411"' in search(client, encounter, "f41")
    assert "Generaliserat ångestsyndrom" in search(client, encounter, "ångest")
    assert 'data-value="kva:DU011"' in search(client, encounter, "du011")
    assert "Ingen kod hittades. Sök på koden eller ett annat ord." in search(client, encounter, "qqqqqq")


def test_without_a_hit_the_nearest_heading_is_told(client, unit):
    """ui.md 4.10: the category that the code begins as, or the one before it; the heading that the words name."""
    encounter = ended(unit)
    assert "Närmast: F41 Andra ångestsyndrom i 05 Psykiska sjukdomar" in search(client, encounter, "f41.7z")
    heading = Code.objects.filter(system="icd-10-se", level="block").first()
    assert f"Närmast: {heading.display} {heading.title} i " in search(client, encounter, heading.display)


def test_an_empty_field_offers_the_usual_codes_with_how_often(client, unit):
    """ui.md 4.10: favourites, own and the unit's; no patient among them."""
    encounter = ended(unit)
    Form(client, ended(unit)).add("F41.1").press("spara")
    Form(signed_in(factories.staff(Role.CODER, unit)), ended(unit)).add("I10.9").press("spara")
    text = search(client, encounter, "")
    assert "Mina vanliga" in text and "F41.1" in text and "1 gång" in text
    assert "Enhetens vanliga" in text and "I10.9" in text
    assert "Öberg" not in text


def test_the_search_belongs_to_a_contact_of_the_unit(client, unit):
    elsewhere = ended(factories.HealthCentreFactory())
    for key in (str(elsewhere.pk), "nonsens", ""):
        assert client.post(f"{reverse('code-search')}?vardhandelse={key}", {"q": "f41"}).status_code == 404
    assert client.get(reverse("code-search")).status_code == 405


def test_another_units_contact_is_not_coded_here_and_reading_is_logged(client, unit, coder):
    elsewhere = ended(factories.HealthCentreFactory())
    assert client.get(reverse("encounter-coding", args=[elsewhere.pk])).status_code == 404
    assert client.post(reverse("encounter-coding", args=[elsewhere.pk]), {"gor": "spara"}).status_code == 404
    assert client.post(reverse("encounter-coding-undo", args=[elsewhere.pk])).status_code == 404
    encounter = ended(unit)
    client.get(reverse("encounter-coding", args=[encounter.pk]))
    assert AccessLogEntry.objects.get(user=coder).what == "klassificering"


def test_who_may_not_code_is_told(unit):
    client = signed_in(factories.receptionist(unit))
    assert client.get(reverse("coding")).status_code == 403
    assert client.get(reverse("encounter-coding", args=[ended(unit).pk])).status_code == 403


def test_htmx_gets_the_panel_and_what_is_said_about_it(client, unit):
    """The field stays where it is, so focus does too."""
    encounter = ended(unit)
    response = client.post(
        reverse("encounter-coding", args=[encounter.pk]), {"kod": "icd-10-se:F411"}, headers={"HX-Request": "true"}
    )
    text = response.content.decode()
    assert "<html" not in text and 'role="combobox"' not in text
    assert 'id="kodning-sagt" hx-swap-oob="innerHTML">F41.1 är tillagd som huvuddiagnos.' in text


# --- The draft --------------------------------------------------------------------------------------------------------


def test_a_draft_survives_the_form_unchanged():
    tokens = [
        "d:icd-10-se:S525", "x:icd-10-se:W0101", "a:atc:N02BE01", "d:icd-10-se:F411",
        "p:kva:DU011:2026-11-03", "a:atc:N05BA01", "p:kva:AU120:", "k:atc:J07AX",
    ]  # fmt: skip
    assert coding_draft.tokens(coding_draft.parsed(tokens)) == tokens


def test_a_draft_moves_within_its_ends():
    body = coding_draft.parsed(["d:icd-10-se:A", "d:icd-10-se:B", "d:icd-10-se:C"])
    coding_draft.move(body, 2, -1)
    coding_draft.move(body, 0, -1)
    coding_draft.move(body, 2, 1)
    assert [row["code"] for row in body["diagnoses"]] == ["A", "C", "B"]
    with pytest.raises(InputError):
        coding_draft.move(body, 3, -1)


# --- Beside the codes: external cause, date, what is under what, favourites -------------------------------------------


def test_an_external_cause_is_chosen_in_steps_by_plain_posts(client, unit):
    """KL-03, R04: the event, then the places and activities that the release has; a code that it lacks is refused."""
    form = Form(client, ended(unit)).add("S52.50")
    form.press("yttre:0")
    assert 'value="W01"' in form.text and "Vad hände?" in form.text
    form.press("yttre-val:0", yttre_handelse="W01")
    assert "Plats eller roll" in form.text and "bostad och bostadsområde" in form.text
    form.press("yttre-lagg:0", yttre_kategori="W01", yttre_fyra="0", yttre_fem="4")
    assert form.response.status_code == 409 and "Regel KL-03" in form.text
    # The step stands there still, with what was chosen.
    assert '<option value="0" selected>' in form.text and "Yttre orsak till S52.50" in form.text
    form.press("yttre-lagg:0", yttre_kategori="W01", yttre_fyra="", yttre_fem="")
    assert form.response.status_code == 409 and "Välj plats och aktivitet." in form.text
    form.press("yttre-val:0", yttre_handelse="")
    assert form.response.status_code == 409 and "Vad hände?" in form.text
    assert form.codes == ["S5250"]
    form.press("yttre-lagg:0", yttre_kategori="W01", yttre_fyra="0", yttre_fem="1")
    assert form.carried["rad"] == ["d:icd-10-se:S5250", "x:icd-10-se:W0101"]


@pytest.mark.parametrize("button", ["yttre:7", "yttre-val:0", "yttre-lagg:0", "yttre:x"])
def test_a_step_that_the_page_did_not_offer_changes_nothing(client, unit, button):
    """KL-03."""
    form = Form(client, ended(unit)).add("S52.50")
    form.press(button, yttre_handelse="F41", yttre_kategori="F41", yttre_fyra="1", yttre_fem="")
    assert form.response.status_code == 409
    assert form.codes == ["S5250"]


def test_a_procedure_has_its_own_date(client, unit):
    """KL-03: empty is the contact's own day; what is no date is refused."""
    encounter = ended(unit)
    form = Form(client, encounter).add("F41.1").add("DU011")
    assert 'type="date" id="datum-0" name="datum-0" value=""' in form.text
    form.press("spara", klar=False, **{"datum-0": "2026-11-02"})
    assert EncounterCoding.objects.get().procedures.get().date.isoformat() == "2026-11-02"
    again = Form(client, encounter)
    assert 'name="datum-0" value="2026-11-02"' in again.text
    again.press("spara", klar=False, **{"datum-0": ""})
    assert EncounterCoding.objects.get().procedures.get().date is None
    answer = client.post(again.address, again.carried | {"gor": "spara", "datum-0": "i går"})
    assert answer.status_code == 422


def test_a_substance_goes_under_the_row_that_is_chosen(client, unit):
    """KL-03: a diagnosis or a procedure; without a choice the last diagnosis."""
    form = Form(client, ended(unit)).add("F41.1").add("F32.1").add("DU011")
    form.press("lagg-till", kod_text="N02BE01", under="p:0")
    assert form.carried["rad"][-1] == "a:atc:N02BE01" and form.carried["rad"][-2].startswith("p:kva:DU011")
    form = Form(client, ended(unit)).add("F41.1").add("F32.1")
    form.press("lagg-till", kod_text="N02BE01", under="d:0")
    assert form.carried["rad"] == ["d:icd-10-se:F411", "a:atc:N02BE01", "d:icd-10-se:F321"]
    form = Form(client, ended(unit)).add("F41.1").add("F32.1").add("N02BE01")
    assert form.carried["rad"] == ["d:icd-10-se:F411", "d:icd-10-se:F321", "a:atc:N02BE01"]


def test_a_favourite_is_chosen_and_taken_back_and_shown_first(client, unit, coder):
    """ui.md 4.10: one's own, then the unit's; each code once."""
    encounter = ended(unit)
    FavouriteCode.objects.create(care_unit=unit, system_id="kva", code="DU011")
    form = Form(client, encounter).add("F41.1").press("favorit:icd-10-se:F411")
    assert list(FavouriteCode.objects.filter(user=coder).values_list("code", flat=True)) == ["F411"]
    assert form.codes == ["F411"]
    shown = client.post(f"{reverse('code-search')}?vardhandelse={encounter.pk}", {"q": ""}).content.decode()
    assert (
        shown.index("Mina favoriter") < shown.index("F41.1") < shown.index("Enhetens favoriter") < shown.index("DU011")
    )
    form.press("ej-favorit:icd-10-se:F411")
    assert not FavouriteCode.objects.filter(user=coder).exists()
    assert form.press("favorit:icd-10-se:F41X").response.status_code == 409
    assert FavouriteCode.objects.count() == 1


def test_the_page_tells_what_reporting_adds_but_never_xs_codes(client, unit):
    """PS-04, KL-04."""
    encounter = ended(unit)
    type(encounter).objects.filter(pk=encounter.pk).update(interpreter_used=True)
    form = Form(client, encounter)
    assert "ZV020 Användande av professionell tolk (tolk användes)" in form.text
    assert "XS9" not in form.text


def test_a_finding_tells_its_check_and_how_well_it_is_founded(client, unit):
    """KL-06."""
    assert (
        "Regel KL-03 · R11, andrahandskälla: Svensk Ortopedisk Förening, lathund"
        in Form(client, ended(unit)).add("S52.50").text
    )
