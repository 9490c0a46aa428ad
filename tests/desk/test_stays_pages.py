"""Akuten and Platser as pages: arrival in three fields, waiting times, who lies where, and the acts over them
(VH-03, VH-09, VH-10, VH-23, RI-01)."""

from datetime import time, timedelta

import pytest
from django.urls import reverse

from registration import realtime
from registration.actions import admissions, births, encounters, places, stays
from registration.models import Birth, Encounter
from registration.type_choice import DIRECT_ADMISSION, EMERGENCY_ARRIVAL, ONGOING_TREATMENT
from sdv.accounts.permissions import Role
from sdv.common.time import at_local, local, local_date, now
from sdv.desk.presenters.realtime import filled
from tests import factories as make
from tests.registers import connected

from .signed_in import queries_of, signed_in

HOUR = timedelta(hours=1)


@pytest.fixture
def emergency(db):
    return make.EmergencyDepartmentFactory()


@pytest.fixture
def unit(db):
    unit = make.InpatientUnitFactory()
    ward = make.WardFactory(care_unit=unit, name="Avdelning 1")
    for name in ("Säng 1A", "Säng 1B", "Säng 2A"):
        make.PlaceFactory(care_unit=unit, ward=ward, kind="bed", name=name)
    return unit


def at_work(unit, role=Role.CLINICIAN):
    return signed_in(make.staff(role, unit))


def admitted(unit, place=None, *, at=None, patient=None, **fields):
    return admissions.begin(
        patient_id=(patient or make.patient()).pk,
        care_unit=unit,
        situation=DIRECT_ADMISSION,
        admitted_from="home",
        place_id=unit.places.get(name=place).pk if place else None,
        by=make.UserFactory(),
        at=at or now() - HOUR,
        **fields,
    )


def arrived(emergency, *, at=None, patient=None):
    return make.unbooked_visit(care_unit=emergency, situation=EMERGENCY_ARRIVAL, at=at or now() - HOUR, patient=patient)


def fresh(row):
    return Encounter.objects.get(pk=row.pk)


# --- Akuten ------------------------------------------------------------------------------------------------------------


def test_an_arrival_is_three_fields(emergency):
    """VH-03 c, PA-09"""
    patient, client = make.patient(), at_work(emergency, Role.RECEPTIONIST)
    page = client.get(reverse("emergency-arrival"))
    asked = [name for name in page.context["form"].fields if name not in ("clock", "day")]
    assert asked == ["identity", "contact_reason", "identity_shown"]
    answer = client.post(
        reverse("emergency-arrival"),
        {
            "identity": patient.identities.get().value,
            "contact_reason": make.contact_reason("bedömning ospecificerad").pk,
            "identity_shown": "Legitimation",
        },
    )
    assert (answer.status_code, answer.url) == (302, reverse("emergency"))
    visit = Encounter.objects.get()
    assert (visit.patient, visit.type_id, visit.identity_shown) == (patient, "akutsjukvard", "Legitimation")


def test_an_arrival_noted_on_paper_has_its_true_time(emergency):
    """PL-15"""
    patient, came = make.patient(), local(now() - timedelta(hours=30))
    at_work(emergency).post(
        reverse("emergency-arrival"),
        {
            "patient": patient.pk,
            "contact_reason": make.contact_reason("bedömning ospecificerad").pk,
            "identity_shown": "Legitimation",
            "clock": f"{came:%H:%M}",
            "day": f"{came:%Y-%m-%d}",
        },
    )
    visit = Encounter.objects.get()
    assert (visit.start, visit.history.get().at) == (came, came)
    assert visit.history.get().registered_at > came + timedelta(hours=29)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"identity": "", "identity_shown": "Legitimation"}, "identity"),
        ({"identity": "191212121212", "identity_shown": "okand"}, "identity"),
        ({"identity": "hej", "identity_shown": "Legitimation"}, "identity"),
        ({"identity": "191212121212", "identity_shown": "Legitimation", "contact_reason": ""}, "contact_reason"),
    ],
)
def test_an_arrival_that_cannot_be_read_says_what_to_do_and_registers_nothing(emergency, given, field):
    """VH-24"""
    reason = make.contact_reason("bedömning ospecificerad").pk
    answer = at_work(emergency).post(reverse("emergency-arrival"), {"contact_reason": reason} | given)
    assert (answer.status_code, field in answer.context["form"].errors) == (422, True)
    assert not Encounter.objects.exists()


def test_an_unknown_patient_without_a_register_is_told_the_way_on(emergency, settings):
    """RI-01: a number is never made up here."""
    settings.SDV_POPULATION_REGISTER = None
    answer = at_work(emergency).post(
        reverse("emergency-arrival"),
        {"contact_reason": make.contact_reason("bedömning ospecificerad").pk, "identity_shown": "okand"},
    )
    assert answer.status_code == 422
    assert "reservID" in str(answer.context["form"].errors["identity_shown"])
    assert not Encounter.objects.exists()


def test_the_list_tells_how_long_each_has_waited(emergency):
    """VH-03: until the doctor's assessment, or until now."""
    waits = arrived(emergency, at=now() - timedelta(minutes=125))
    seen = arrived(emergency, at=now() - timedelta(minutes=80))
    stays.assess(encounter_id=seen.pk, by=make.UserFactory(), at=now() - timedelta(minutes=50))
    gone = arrived(emergency)
    encounters.discharge(encounter_id=gone.pk, by=make.UserFactory(), at=now())
    page = at_work(emergency).get(reverse("emergency"))
    rows = {row.pk: [cell.text for cell in row.cells] for row in page.context["rows"]}
    assert list(rows) == [waits.pk, seen.pk]
    assert (rows[waits.pk][2], rows[seen.pk][2], rows[seen.pk][3]) == ("2 h 05 min", "30 min", "1 h 20 min")
    assert [chip.count for chip in page.context["chips"]] == [2, 1, 1, 0]
    assert "Lång väntan" in page.content.decode()
    filtered = at_work(emergency).get(reverse("emergency"), {"visa": "bedomda"})
    assert [row.pk for row in filtered.context["rows"]] == [seen.pk]


def test_the_list_asks_the_same_number_of_questions_however_many_there_are(emergency):
    client = at_work(emergency)
    arrived(emergency)
    client.get(reverse("emergency"))
    few = queries_of(lambda: client.get(reverse("emergency")))
    for _ in range(8):
        arrived(emergency)
    assert queries_of(lambda: client.get(reverse("emergency"))) == few


def test_a_protected_patient_is_in_the_list_without_a_name(emergency):
    """SK-02, SK-05"""
    arrived(emergency, patient=make.protected_patient(given_name="Hemlig", surname="Gömd"))
    shown = at_work(emergency).get(reverse("emergency")).content.decode()
    assert "Hemlig" not in shown
    assert "Gömd" not in shown
    assert "Sekretessmarkering" in shown


def test_from_the_emergency_department_to_a_ward_home_or_away(emergency, unit):
    """VH-01, VH-03, VH-23"""
    client = at_work(emergency)
    visit, left = arrived(emergency), arrived(emergency)
    unit.facility.care_provider = emergency.facility.care_provider
    unit.facility.save()
    url = reverse("encounter-continue", args=[visit.pk])
    back = reverse("emergency")
    assert client.get(url, {"tillbaka": back}).context["close"] == back
    answer = client.post(url, {"care_unit": unit.pk, "admitted_from": "home", "back": back})
    assert (answer.status_code, answer.url) == (302, back)
    stay = Encounter.objects.get(type="slutenvard")
    assert (stay.continues, fresh(visit).status, stay.care_unit) == (visit, "ended", unit)
    page = client.get(reverse("encounter", args=[visit.pk])).content.decode()
    assert "Fortsatte i" in page
    form = client.get(reverse("encounter-discharge", args=[left.pk])).context["form"]
    assert list(form.fields) == ["broken_off", "clock", "day"]
    client.post(reverse("encounter-discharge", args=[left.pk]), {"broken_off": "before_assessment", "back": back})
    assert (fresh(left).status, fresh(left).broken_off) == ("ended", "before_assessment")


def test_observation_is_begun_at_a_free_place(emergency):
    """VH-03 k, VH-09"""
    spot = make.PlaceFactory(care_unit=emergency, kind="bed", name="Obs 1")
    visit = arrived(emergency)
    at_work(emergency).post(reverse("encounter-observe", args=[visit.pk]), {"place": spot.pk})
    observed = Encounter.objects.get(type="observation")
    assert (observed.continues, observed.place_stays.get().place) == (visit, spot)


# --- Platser -------------------------------------------------------------------------------------------------------------


def test_the_board_tells_free_taken_to_clean_waiting_and_expected(unit):
    """VH-09"""
    lies = admitted(unit, "Säng 1A", at=now() - timedelta(days=2))
    waits = admitted(unit)
    gone = admitted(unit, "Säng 1B")
    encounters.discharge(encounter_id=gone.pk, discharged_to="home", by=make.UserFactory(), at=now())
    admissions.plan_admission(
        patient_id=make.patient().pk, care_unit=unit, expected_start=now() + HOUR, by=make.UserFactory(), at=now()
    )
    page = at_work(unit).get(reverse("ward"))
    assert [(spot.place.name, spot.state) for spot in page.context["board"].spots] == [
        ("Säng 1A", "taken"),
        ("Säng 1B", "to_clean"),
        ("Säng 2A", "free"),
    ]
    assert dict(page.context["figures"]) == {
        "Platser": 3,
        "Upptagna": 1,
        "Lediga": 1,
        "Ska städas": 1,
        "Utan plats": 1,
        "Väntade": 1,
    }
    spot = page.context["board"].spots[0].row
    assert (spot.pk, spot.cells[1].text) == (lies.pk, "2")
    assert [row.pk for row in page.context["board"].waiting] == [waits.pk]
    assert at_work(unit).get(reverse("ward"), {"visa": "karta"}).status_code == 200


def test_what_goes_on_without_a_place_is_on_the_board_until_somebody_ends_it(db):
    """VH-03 h, k, VH-16: dialysis, and a child that is not born yet; the visits of a clinic are not."""
    dialysis, maternity = make.DialysisUnitFactory(), make.MaternityUnitFactory()
    treated = make.unbooked_visit(care_unit=dialysis, situation=ONGOING_TREATMENT, at=now() - 40 * 24 * HOUR)
    with connected():
        births.prepare(mother_encounter_id=admitted(maternity).pk, by=None, at=now(), actor_hsa_id="SE0000000000-U1")
    board = at_work(dialysis).get(reverse("ward")).context["board"]
    (row,) = board.ongoing
    assert (row.pk, [button.label for button in row.buttons], board.waiting) == (treated.pk, ["Skriv ut"], [])
    assert row.marking == "Klinisk/LM pågående specialiserad öppenvård"
    page = at_work(maternity).get(reverse("ward"))
    (row,) = page.context["board"].ongoing
    assert [button.label for button in row.buttons] == ["Registrera födelse"]
    assert len(page.context["board"].waiting) == 1
    encounters.discharge(encounter_id=treated.pk, by=make.UserFactory(), at=now())
    assert at_work(dialysis).get(reverse("ward")).context["board"].ongoing == []


def test_a_place_is_given_changed_left_and_cleaned(unit):
    """VH-09"""
    client, stay = at_work(unit), admitted(unit)
    url, place = reverse("encounter-place", args=[stay.pk]), unit.places.get(name="Säng 1A")
    client.post(url, {"place": place.pk})
    assert stay.place_stays.get().place == place
    other = unit.places.get(name="Säng 2A")
    client.post(url, {"place": other.pk})
    client.post(reverse("place-cleaned", args=[place.pk]))
    assert [spot.state for spot in client.get(reverse("ward")).context["board"].spots] == ["free", "free", "taken"]
    taken = client.post(reverse("encounter-place", args=[admitted(unit).pk]), {"place": other.pk})
    assert (taken.status_code, "ledig" in str(taken.context["form"].errors["place"])) == (422, True)


def test_permission_and_return_with_their_times(unit):
    """VH-09, PL-15"""
    client, stay = at_work(unit), admitted(unit, "Säng 1A", at=now() - timedelta(hours=30))
    went = local(now() - timedelta(hours=26))
    answer = client.post(
        reverse("encounter-leave", args=[stay.pk]),
        {"clock": f"{went:%H:%M}", "day": f"{went:%Y-%m-%d}"},
    )
    assert answer.status_code == 302
    assert stay.leaves.get().period.lower == went
    assert client.get(reverse("ward")).context["board"].spots[0].state == "on_leave"
    client.post(reverse("encounter-return", args=[stay.pk]))
    assert stay.leaves.get().period.upper is not None


def test_a_time_that_has_not_come_is_refused_in_the_form(unit):
    """PL-15"""
    stay = admitted(unit, "Säng 1A")
    tomorrow = local(now() + timedelta(days=1))
    answer = at_work(unit).post(
        reverse("encounter-leave", args=[stay.pk]), {"clock": "12:00", "day": f"{tomorrow:%Y-%m-%d}"}
    )
    assert (answer.status_code, stay.leaves.count()) == (422, 0)


def test_inskrivning_now_to_a_bed_and_planned_for_a_day(unit):
    """VH-03 f, g, VH-07, VH-23"""
    client, patient = at_work(unit), make.patient()
    bed = unit.places.get(name="Säng 1A")
    words = {"identity": patient.identities.get().value, "admitted_from": "home", "identity_shown": "Legitimation"}
    assert client.post(reverse("admission"), words | {"place": bed.pk}).url == reverse("ward")
    stay = Encounter.objects.get(patient=patient)
    assert (stay.type_id, stay.admitted_from, stay.place_stays.get().place) == ("slutenvard", "home", bed)
    other, soon = make.patient(), local(now() + timedelta(days=2))
    planned = {"patient": other.pk, "expected_on": f"{soon:%Y-%m-%d}", "expected_clock": "09:00"}
    client.post(reverse("admission"), planned | {"admitted_from": "special_housing"})
    expected = Encounter.objects.get(patient=other)
    assert (expected.type_id, expected.is_planned) == ("forhandsregistrerad-inskrivning", True)
    early = client.post(
        reverse("encounter-admit", args=[expected.pk]), {"admitted_from": "home", "identity_shown": "Legitimation"}
    )
    assert early.status_code == 409
    assert fresh(expected).type_id == "forhandsregistrerad-inskrivning"


def test_a_planned_admission_s_day_is_changed_on_its_page(unit):
    """VH-03 f"""
    client, at = at_work(unit), at_local(local_date(now()) + timedelta(days=2), time(10))
    stay = admissions.plan_admission(
        patient_id=make.patient().pk, care_unit=unit, expected_start=at, by=make.UserFactory(), at=now()
    )
    url = reverse("encounter-complete", args=[stay.pk])
    form = client.get(url).context["form"]
    assert (form["expected_on"].value(), form["expected_clock"].value()) == (at.date().isoformat(), "10:00")
    later = local_date(at) + timedelta(days=1)
    words = {"expected_on": later.isoformat(), "expected_clock": "13:15"}
    assert client.post(url, words).status_code == 302
    assert fresh(stay).planned_start == at_local(later, time(13, 15))


def test_discharge_asks_for_utsatt_and_for_insatt_where_it_is_missing(unit):
    """VH-23"""
    client, stay = at_work(unit), admitted(unit, "Säng 1A")
    url = reverse("encounter-discharge", args=[stay.pk])
    assert list(client.get(url).context["form"].fields) == ["discharged_to", "clock", "day"]
    assert client.post(url, {}).status_code == 422
    client.post(url, {"discharged_to": "special_housing"})
    assert (fresh(stay).status, fresh(stay).discharged_to) == ("ended", "special_housing")
    client.post(reverse("encounter-complete", args=[stay.pk]), {"admitted_from": "home", "discharged_to": "hospital"})
    assert (fresh(stay).discharged_to, fresh(stay).admitted_from) == ("hospital", "home")


def test_a_consult_is_begun_from_the_care_that_goes_on(unit):
    """VH-10"""
    client, stay = at_work(unit), admitted(unit, "Säng 1A")
    reason = make.contact_reason("bedömning ospecificerad")
    client.post(reverse("encounter-consult", args=[stay.pk]), {"contact_reason": reason.pk})
    consult = Encounter.objects.get(type="oppenvardskonsult")
    assert (consult.during, consult.patient_id, consult.status) == (stay, stay.patient_id, "in_progress")


def test_the_board_asks_the_same_number_of_questions_however_many_lie_there(unit):
    client = at_work(unit)
    admitted(unit, "Säng 1A")
    client.get(reverse("ward"))
    few = queries_of(lambda: client.get(reverse("ward")))
    for place in ("Säng 1B", "Säng 2A", None, None):
        admitted(unit, place)
    assert queries_of(lambda: client.get(reverse("ward"))) == few


def test_another_unit_s_place_and_stay_are_not_there(unit, emergency):
    """PA-08"""
    client = at_work(emergency)
    assert client.post(reverse("place-cleaned", args=[unit.places.first().pk])).status_code == 404
    assert client.post(reverse("encounter-leave", args=[admitted(unit, "Säng 1A").pk])).status_code == 404


def test_places_are_assigned_by_the_action_the_page_calls(unit):
    """VH-09, PL-27: one's own second click does nothing and says nothing."""
    client, stay = at_work(unit), admitted(unit)
    url, place = reverse("encounter-place", args=[stay.pk]), unit.places.get(name="Säng 1A")
    client.post(url, {"place": place.pk})
    places.assign(encounter_id=stay.pk, place_id=place.pk, by=make.UserFactory(), at=now())
    assert stay.place_stays.count() == 1


# --- Förlossningen ---------------------------------------------------------------------------------------------------------


def test_from_foster_to_personnummer_on_the_pages(db):
    """VH-03 h, VH-13, PA-03"""
    maternity = make.MaternityUnitFactory()
    mother = admitted(maternity)
    client = at_work(maternity)
    page = client.get(reverse("encounter", args=[mother.pk])).content.decode()
    assert "Foster eller nyfödd" in page
    with connected():
        client.post(reverse("encounter-children", args=[mother.pk]), {"how_many": "2"})
    births = list(mother.children.order_by("number"))
    assert [each.encounter.type_id for each in births] == ["foster", "foster"]
    page = client.get(reverse("encounter", args=[mother.pk])).content.decode()
    assert ("Barn 1" in page, "Barn 2" in page) == (True, True)
    child = births[0].encounter
    assert "Moderns vårdhändelse" in client.get(reverse("encounter", args=[child.pk])).content.decode()
    assert client.post(reverse("encounter-birth", args=[child.pk]), {"sex": "2"}).status_code == 422
    number = make.test_number()
    day = f"{number[:4]}-{number[4:6]}-{number[6:8]}"
    early = {"sex": "2", "clock": "11:30", "day": day}
    warned = client.post(reverse("encounter-birth", args=[child.pk]), early)
    assert (warned.status_code, fresh(child).type_id) == (409, "foster")
    assert "ligger före moderns inskrivning" in warned.content.decode()
    client.post(reverse("encounter-birth", args=[child.pk]), early | {"overrule": "1"})
    assert fresh(child).type_id == "nyfodd"
    client.post(reverse("encounter-personnummer", args=[child.pk]), {"identity": number})
    assert child.patient.identities.get(is_primary=True).value == number
    assert len(client.get(reverse("ward")).context["board"].waiting) == 2


def test_two_who_prepare_for_the_same_child_make_one(db):
    """PL-27, VH-13: the form says which child is meant; the second is told who was first, and twins are two forms."""
    maternity = make.MaternityUnitFactory()
    mother, first, second = admitted(maternity), at_work(maternity), at_work(maternity)
    url = reverse("encounter-children", args=[mother.pk])
    number = {client: client.get(url).context["form"]["number"].value() for client in (first, second)}
    with connected():
        answers = [client.post(url, {"how_many": "1", "number": number[client]}) for client in (first, second)]
        assert [answer.status_code for answer in answers] == [302, 409]
        told = answers[1].content.decode()
        assert "Barn 1 är redan registrerat" in told and Birth.objects.get().registered_by.name in told
        assert second.get(url).context["form"]["number"].value() == 2
        assert second.post(url, {"how_many": "1", "number": 2}).status_code == 302
    assert [each.number for each in mother.children.order_by("number")] == [1, 2]


def test_a_time_of_birth_is_put_right_on_the_page(db):
    """VH-13, VH-21: also after the end; the form begins with what is registered."""
    maternity = make.MaternityUnitFactory()
    mother, client = admitted(maternity), at_work(maternity)
    was, right = (local(now() - timedelta(minutes=minutes)).replace(second=0, microsecond=0) for minutes in (30, 20))
    words = {"how_many": "1", "born_day": f"{was:%Y-%m-%d}", "born_clock": f"{was:%H:%M}", "sex": "1"}
    with connected():
        client.post(reverse("encounter-children", args=[mother.pk]), words)
    child = mother.children.get().encounter
    client.post(reverse("encounter-discharge", args=[child.pk]), {})
    assert fresh(child).status == "ended"
    assert "Rätta födelsetiden" in client.get(reverse("encounter", args=[child.pk])).content.decode()
    url = reverse("encounter-birth-time", args=[child.pk])
    form = client.get(url).content.decode()
    assert f'value="{was:%H:%M}"' in form and f'value="{was:%Y-%m-%d}"' in form
    assert client.post(url, {"clock": "", "day": ""}).status_code == 422
    before = {"clock": f"{right:%H:%M}", "day": f"{right - timedelta(days=3):%Y-%m-%d}"}
    assert "ligger före moderns inskrivning" in client.post(url, before).content.decode()
    assert fresh(child).start == was
    client.post(url, {"clock": f"{right:%H:%M}", "day": f"{right:%Y-%m-%d}", "reason": "Läst fel"})
    assert (fresh(child).start, fresh(child).birth.born_at) == (right, right)
    page = client.get(reverse("encounter", args=[child.pk])).content.decode()
    assert "Rättad födelsetid" in page and "Läst fel" in page


def test_a_child_born_already_and_another_unit_without_births(db):
    """VH-03 k"""
    maternity, ward = make.MaternityUnitFactory(), make.InpatientUnitFactory()
    mother = admitted(maternity)
    when = local(now() - timedelta(minutes=30))
    words = {"how_many": "1", "born_day": f"{when:%Y-%m-%d}", "born_clock": f"{when:%H:%M}"}
    url = reverse("encounter-children", args=[mother.pk])
    client = at_work(maternity)
    assert client.post(url, words).status_code == 422
    with connected():
        client.post(url, words | {"sex": "1"})
    assert mother.children.get().encounter.type_id == "nyfodd"
    stay = admitted(ward)
    page = at_work(ward).get(reverse("encounter", args=[stay.pk])).content.decode()
    assert "Foster eller nyfödd" not in page


# --- Realtidsregistrering ------------------------------------------------------------------------------------------------


def test_every_field_of_the_care_form_is_there_and_says_who_fills_it(unit):
    """VH-23, REG 3.4"""
    patient = make.patient(payer="Region Skåne", listing_unit="Vårdcentralen Öster")
    stay = admitted(unit, "Säng 1A", patient=patient)
    page = at_work(unit).get(reverse("encounter-realtime", args=[stay.pk]))
    rows = {row.name: (row.value, row.filled_by) for row in page.context["rows"]}
    assert set(rows) == {field.name for field in realtime.fields("sluten_vard")}
    assert rows["Insätt (varifrån)"] == ("Ordinärt boende", "hand")
    assert rows["Planerat/Oplanerat"] == ("Oplanerat", "system")
    assert rows["Huvudman"] == ("Region Skåne", "system")
    assert rows["Vårdutförande/tjänsteutförande enhet"] == ("Avdelning 1", "system")
    assert (rows["Utsätt (till)"], rows["Huvuddiagnos"]) == (("", "hand"), ("", "hand"))


def test_payer_and_listing_stay_as_they_were_at_the_start(unit):
    """VH-23"""
    patient = make.patient(payer="Region Skåne", listing_unit="Vårdcentralen Öster")
    stay = admitted(unit, "Säng 1A", patient=patient)
    patient.refresh_from_db()
    patient.payer, patient.listing_unit = "Region Halland", "Vårdcentralen Väster"
    patient.save(update_fields=["payer", "listing_unit"])
    rows = {row.name: row.value for row in filled(fresh(stay), at=now())}
    assert (rows["Huvudman"], rows["Listningsenhet"]) == ("Region Skåne", "Vårdcentralen Öster")


def test_a_protected_person_s_fields_show_what_sk_02_leaves(unit):
    """SK-02"""
    stay = admitted(unit, "Säng 1A", patient=make.protected_patient(surname="Gömd"))
    rows = {row.name: row.value for row in filled(fresh(stay), at=now())}
    assert (rows["Huvudman"], rows["Listningsenhet"], rows["Vårdnadshavare"]) == ("", "", "")
    assert rows["Personnummer"] != ""


def test_the_table_s_two_columns_are_read_whole():
    """VH-23: an unknown field stops."""
    assert len(realtime.fields("oppen_vard")) == 26
    assert len(realtime.fields("sluten_vard")) == 21
    assert {field.filled_by for field in realtime.fields("oppen_vard")} == {"system", "hand", "elsewhere"}


# --- Begun at the desk ----------------------------------------------------------------------------------------------------


def test_dialysis_and_admin_are_begun_at_the_desk_without_reason(db):
    """VH-03 k: one long vårdhändelse that is discharged by hand; Admin has no end."""
    dialysis = make.DialysisUnitFactory()
    client, patient = at_work(dialysis), make.patient()
    number = patient.identities.get().value
    for word, code in (("pagaende", "klinisk-lm-pagaende-specialiserad-oppenvard"), ("admin", "admin")):
        answer = client.post(reverse("drop-in"), {"identity": number, "situation": word})
        assert answer.status_code == 302, answer.context["form"].errors
        assert Encounter.objects.get(type=code).contact_reason is None
    missing = client.post(reverse("drop-in"), {"identity": number, "situation": "drop-in"})
    assert missing.status_code == 422
    assert {"visit_type", "contact_reason"} <= set(missing.context["form"].errors)
    ongoing = Encounter.objects.get(type="klinisk-lm-pagaende-specialiserad-oppenvard")
    client.post(reverse("encounter-discharge", args=[ongoing.pk]))
    assert fresh(ongoing).status == "ended"
    admin = Encounter.objects.get(type="admin")
    assert client.post(reverse("encounter-discharge", args=[admin.pk])).status_code == 409


def test_a_chair_for_the_day_is_given_and_left(db):
    """VH-09: rum, säng, stol; checked out, then discharged, and the chair is to be cleaned."""
    clinic = make.SpecialisedClinicFactory()
    chair = make.PlaceFactory(care_unit=clinic, name="Dagvård stol 1")
    patient = make.patient()
    make.open_commitment(patient=patient, care_unit=clinic)
    visit = make.unbooked_visit(care_unit=clinic, patient=patient, requires_place=True, at=now() - HOUR)
    client = at_work(clinic)
    places.assign(encounter_id=visit.pk, place_id=chair.pk, by=make.UserFactory(), at=now() - HOUR)
    spot = client.get(reverse("ward")).context["board"].spots[0]
    assert (spot.row.pk, [button.label for button in spot.row.buttons]) == (visit.pk, ["Byt plats"])
    make.check_visit_out(fresh(visit), outcome="no_further_planning", by=make.UserFactory())
    client.post(reverse("encounter-discharge", args=[visit.pk]))
    assert client.get(reverse("ward")).context["board"].spots[0].state == "to_clean"


# --- Two at once ---------------------------------------------------------------------------------------------------------


def test_the_second_clerk_is_told_who_admitted_the_patient_and_one_s_own_second_click_says_nothing(unit):
    """VH-09, PL-27"""
    patient, first, second = make.patient(), at_work(unit), at_work(unit)
    asked = {
        "identity": patient.identities.get().value,
        "admitted_from": "home",
        "identity_shown": "Legitimation",
        "place": str(unit.places.get(name="Säng 1A").pk),
    }
    assert first.post(reverse("admission"), asked).status_code == 302
    bed = {"place": str(unit.places.get(name="Säng 1B").pk)}
    answer = second.post(reverse("admission"), asked | bed)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Patienten är redan här: Slutenvård" in text and "VH-09" in text
    assert Encounter.objects.get().created_by.name in text
    repeated = first.post(reverse("admission"), asked | {"place": ""})
    assert (repeated.status_code, repeated.url) == (302, reverse("ward"))
    assert Encounter.objects.count() == 1


def test_an_emergency_visit_forgotten_elsewhere_asks_why_and_is_registered_with_the_reason(emergency):
    """PL-06, PL-27"""
    patient, clerk = make.patient(), at_work(emergency, Role.RECEPTIONIST)
    arrived(make.EmergencyDepartmentFactory(), patient=patient)
    asked = {
        "identity": patient.identities.get().value,
        "contact_reason": make.contact_reason("bedömning ospecificerad").pk,
        "identity_shown": "Legitimation",
    }
    warned = clerk.post(reverse("emergency-arrival"), asked)
    assert warned.status_code == 409 and "Vill du spara ändå?" in warned.content.decode()
    for kept, status in (({"overrule": "1"}, 409), ({"overrule": "1", "reason": "Glömd utskrivning där"}, 302)):
        assert clerk.post(reverse("emergency-arrival"), asked | kept).status_code == status
    assert emergency.encounters.get().history.get().reason == "Glömd utskrivning där"
    # One's own second click says nothing; another's is told.
    assert clerk.post(reverse("emergency-arrival"), asked).status_code == 302
    assert at_work(emergency).post(reverse("emergency-arrival"), asked).status_code == 409
    assert emergency.encounters.count() == 1


def test_a_bed_registered_into_what_is_known_of_the_stay_is_a_sentence_on_the_page(unit):
    """VH-09, PL-15"""
    two = make.WardFactory(care_unit=unit, name="Avdelning 2")
    stay = admitted(unit, "Säng 1A", at=now() - 5 * HOUR)
    stays.transfer(encounter_id=stay.pk, ward_id=two.pk, by=make.UserFactory(), at=now() - 2 * HOUR)
    was = local(now() - 4 * HOUR)
    asked = {"place": str(unit.places.get(name="Säng 1B").pk), "clock": f"{was:%H:%M}", "day": f"{was:%Y-%m-%d}"}
    answer = at_work(unit).post(reverse("encounter-place", args=[stay.pk]), asked | {"version": fresh(stay).version})
    assert answer.status_code == 409 and "registrerade fram till" in answer.content.decode()


def test_the_list_of_those_expected_says_how_many_it_leaves_out(unit, monkeypatch):
    """VH-03 f"""
    monkeypatch.setattr("sdv.desk.presenters.wards.MOST_EXPECTED", 2)
    client, clerk = at_work(unit), make.UserFactory()
    for number in range(1, 5):
        page = client.get(reverse("ward")).content.decode()
        assert ("väntas senare" in page) == (number > 3)
        admissions.plan_admission(
            patient_id=make.patient().pk, care_unit=unit, expected_start=now() + number * HOUR, by=clerk, at=now()
        )
    page = client.get(reverse("ward")).content.decode()
    assert "Listan visar de 2 som väntas först. Ytterligare 2 väntas senare" in page
    assert "Väntade <b>4</b>" in page
