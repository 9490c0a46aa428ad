"""Several who code the same contact: the second is told, and nothing is lost (PL-27, BO-02)."""

import pytest
from django.urls import reverse

from classification.deriving import derived_of
from classification.models import CodedDiagnosis, CodingHistory, EncounterCoding
from registration.actions import participants
from registration.models import Encounter, EncounterParticipant
from sdv.accounts.permissions import Role
from sdv.common.time import now
from sdv.desk import coding_draft

from .. import factories
from ..api.conftest import Caller
from ..classification.conftest import _loaded_codes, starter_codes  # noqa: F401
from .coding_form import Form, ended
from .signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter_codes")]


@pytest.fixture
def unit(db):
    return factories.HealthCentreFactory()


@pytest.fixture
def client(unit):
    return signed_in(factories.staff(Role.CODER, unit))


@pytest.fixture
def team(unit):
    """An ended team visit, with its doctor, who is main responsible, and its psychologist: two users."""
    people = [
        factories.PractitionerFactory(abbreviation=abbreviation, user=factories.clinician(unit, name=name))
        for abbreviation, name in (("Läk", "Dan Doktor"), ("Psyk", "Pia Psyk"))
    ]
    encounter = ended(unit)
    participants.register(
        encounter_id=encounter.pk, main=people[0], others=people[1:], by=people[0].user, at=encounter.end
    )
    return encounter, *(person.user for person in people)


def test_all_who_took_part_code_and_each_is_traced(team, unit):
    """BO-02, VH-21, KL-04: one main diagnosis, bidiagnoses and procedures of each; the team's codes are derived."""
    encounter, doctor, psychologist = team
    assert [code.code for code in derived_of(encounter).codes] == ["XS902", "XS915", "XS917"]
    for user in (doctor, psychologist):
        assert str(encounter.pk) in signed_in(user).get(reverse("coding"), {"visa": "mina"}).content.decode()
    form = Form(signed_in(doctor), encounter)
    assert "läkare (huvudansvarig); " in form.text and "psykolog" in form.text
    form.add("F41.1").press("spara", klar=False)
    form = Form(signed_in(psychologist), encounter).add("I10.9").add("DU011")
    assert form.press("nasta").status_code == 302
    coding = EncounterCoding.objects.get()
    assert [row.code.code for row in coding.diagnoses.all()] == ["F411", "I109"]
    assert [row.code.code for row in coding.procedures.all()] == ["DU011"]
    assert coding.is_complete and coding.completed_by == psychologist
    assert [row.by for row in coding.history.order_by("id")] == [doctor, psychologist]
    # Somebody who takes part is added afterwards: what is derived follows, and what is coded stands.
    nurse = factories.PractitionerFactory(abbreviation="Ssk")
    main, other = (encounter.participants.get(practitioner__user=user).practitioner for user in (doctor, psychologist))
    participants.register(encounter_id=encounter.pk, main=main, others=[other, nurse], by=doctor, at=now())
    encounter = Encounter.objects.get(pk=encounter.pk)
    assert [code.code for code in derived_of(encounter).codes] == ["XS902", "XS915", "XS917", "XS919"]
    assert [row.code.code for row in EncounterCoding.objects.get().diagnoses.all()] == ["F411", "I109"]


def test_two_of_a_team_by_rest_do_not_overwrite_each_other(team):
    """BO-02, PL-27: the second is answered 412, reads what stands, and adds to it."""
    encounter, doctor, psychologist = team
    path = f"encounters/{encounter.pk}/coding/"
    first, second = Caller(doctor), Caller(psychologist)
    body = {"diagnoses": [{"code": "F41.1"}], "procedures": []}
    assert first.put(path, body, If_Match='"0"').status_code == 200
    mine = {"diagnoses": [{"code": "I10.9"}], "procedures": [{"code": "DU011"}]}
    assert second.put(path, mine, If_Match='"0"').status_code == 412
    assert [row.code.code for row in CodedDiagnosis.objects.all()] == ["F411"]
    stands = second.get(path)
    both = {"diagnoses": [*stands.json()["diagnoses"], *mine["diagnoses"]], "procedures": mine["procedures"]}
    kept = [{"code": row["code"]} for row in both["diagnoses"]]
    saved = second.put(path, both | {"diagnoses": kept, "complete": True}, If_Match=stands.headers["ETag"])
    assert saved.status_code == 200
    assert [row["code"] for row in saved.json()["diagnoses"]] == ["F411", "I109"]
    assert [row.by for row in CodingHistory.objects.order_by("id")] == [doctor, psychologist]


def test_one_of_another_unit_codes_a_visit_of_its_own(team):
    """BO-02: a team visit across units is registered where the patient was; the other unit registers a consult visit."""
    encounter, *_ = team
    stranger = factories.PractitionerFactory(
        abbreviation="Ssk", user=factories.clinician(factories.HealthCentreFactory())
    )
    EncounterParticipant.objects.create(
        encounter=encounter, practitioner=stranger, profession=stranger.profession, is_main_responsible=False
    )
    assert signed_in(stranger.user).get(reverse("encounter-coding", args=[encounter.pk])).status_code == 404


def overtaken(client, unit, encounter):
    """A form with a draft that a colleague was before, as Spara answers it."""
    slow = Form(client, encounter).add("I10.9").add("DU011")
    Form(signed_in(factories.staff(Role.CODER, unit, name="Kim Kod")), encounter).add("F41.1").add("DU011").press(
        "spara"
    )
    return slow.press("spara")


def test_two_who_code_the_same_contact_do_not_overwrite_each_other(client, unit):
    """PL-27: the second is told by whom and what, and keeps the draft."""
    told = overtaken(client, unit, ended(unit))
    assert told.response.status_code == 409
    assert "Kim Kod sparade klassificeringen" in told.text and "Tillagt: F41.1" in told.text and "PL-27" in told.text
    assert told.codes == ["I109", "DU011"]
    assert [row.code.code for row in CodedDiagnosis.objects.all()] == ["F411"]
    # Without a choice nothing is written over, however often Spara is pressed.
    assert told.press("spara").response.status_code == 409
    assert CodingHistory.objects.count() == 1


def test_the_second_adds_own_codes_after_the_saved_ones(client, unit):
    """PL-27, BO-02: the main diagnosis stays common; nothing of either is lost, and what both have stands once."""
    encounter = ended(unit)
    form = overtaken(client, unit, encounter).press("lagg-samman@1")
    assert form.codes == ["F411", "I109", "DU011"] and "Dina koder står efter de sparade" in form.text
    assert form.press("spara").status_code == 302
    assert [row.code.code for row in CodedDiagnosis.objects.all()] == ["F411", "I109"]
    assert CodingHistory.objects.count() == 2


def test_the_second_keeps_own_codes_only_over_what_was_seen(client, unit):
    """PL-27: a third save in between is told as the first was."""
    encounter = ended(unit)
    form = overtaken(client, unit, encounter).press("behall@1")
    assert form.codes == ["I109", "DU011"]
    Form(signed_in(factories.staff(Role.CODER, unit, name="Lo Tredje")), encounter).add("F41.9").press("spara")
    told = form.press("spara")
    assert told.response.status_code == 409 and "Lo Tredje sparade" in told.text
    assert told.press("behall@2").press("spara").status_code == 302
    assert [row.code.code for row in CodedDiagnosis.objects.all()] == ["I109"]


def test_a_second_click_on_save_is_no_conflict(client, unit):
    form = Form(client, ended(unit)).add("F41.1")
    data = form.carried | {"gor": "spara", "klar": "1"}
    assert [client.post(form.address, data).status_code for _ in range(2)] == [302, 302]
    assert CodingHistory.objects.count() == 1


def test_a_version_that_nobody_made_is_a_conflict(client, unit):
    form = Form(client, ended(unit)).add("F41.1")
    assert client.post(form.address, form.carried | {"gor": "spara", "version": "99"}).status_code == 409
    assert not EncounterCoding.objects.exists()


def test_what_hangs_under_a_code_of_both_is_kept_of_both():
    """PL-27: a cause or a substance of each, once."""
    first = coding_draft.parsed(["d:icd-10-se:S525", "x:icd-10-se:W0101", "p:kva:DU011:2026-11-02"])
    second = coding_draft.parsed(
        ["d:icd-10-se:S525", "x:icd-10-se:W0101", "a:atc:N02BE01", "p:kva:DU011:2026-11-03", "k:atc:N05BA01"]
    )
    before = coding_draft.tokens(first)
    assert coding_draft.tokens(coding_draft.merged(first, second)) == [
        "d:icd-10-se:S525",
        "x:icd-10-se:W0101",
        "a:atc:N02BE01",
        "p:kva:DU011:2026-11-02",
        "p:kva:DU011:2026-11-03",
        "k:atc:N05BA01",
    ]
    assert coding_draft.tokens(first) == before
