"""GetCareContacts 3.0: what 1177 journal and NPÖ are told of a patient's ended contacts, held against the contract's own
schema (VH-20)."""

import logging
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from registration import identities
from registration.actions import patients
from registration.shared_contacts import Kind, Part, ToldContact
from sdv.accounts.models import AccessLogEntry
from sdv.accounts.permissions import Role
from sdv.adapters.rivta import care_contacts, schemas, soap
from sdv.common.time import STOCKHOLM
from sdv.flows import cancellation, correction, protection
from sdv.organisation.models import Reception
from tests import factories as make
from tests.adapters.contacts import (
    ADDRESS,
    PERSONNUMMER,
    SYSTEM,
    ask,
    contacts,
    ended,
    ids,
    key_of,
    post,
    result,
    texts,
)
from tests.clinic import DAY, NOW, Clinic
from tests.flows import merges

pytestmark = pytest.mark.django_db
EXAMPLES = Path(__file__).parent / "examples"
ACT = {"at": NOW, "reason": "Fel patient"}


@pytest.fixture
def clinic(settings):
    settings.SDV_HSA_ID = SYSTEM
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


@pytest.fixture
def key(clinic):
    return key_of(clinic)


def example(name):
    return soap.parse((EXAMPLES / name).read_bytes())


def plain(content):
    return [(part.tag, (part.text or "").strip()) for part in content.iter() if isinstance(part.tag, str)]


# --- The examples -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("GetCareContacts*.xml")), ids=lambda path: path.stem)
def test_every_example_is_valid_by_the_schema(path):
    assert schemas.is_valid(example(path.name))


def test_the_example_request_is_read_and_written():
    asked = care_contacts.read(example("GetCareContacts_3.0_request.xml"))
    assert asked == care_contacts.Asked(
        identity="196101182803",
        identity_type=PERSONNUMMER,
        care_units=("SE2321000255-VE01",),
        first="20260101",
        last="20261231",
    )
    assert plain(care_contacts.request(asked)) == plain(example("GetCareContacts_3.0_request.xml"))


def test_the_example_answer_s_ended_visit_is_what_we_write():
    """Apart from what we never tell: the patient's own words, a befattning by code, the unit's phone. The example's other
    contact is booked, and is nothing that we tell (VH-20)."""
    unit = Part("SE2321000255-ENH1", "Exempelmottagningen Lund")
    contact = ToldContact(
        id=UUID("7f3c2c54-7a2e-4d0e-9f6b-6a8b4d2f0c11"),
        registered_at=datetime(2026, 11, 12, 10, 15, tzinfo=STOCKHOLM),
        kind=Kind.VISIT,
        start=datetime(2026, 11, 12, 9, 30, tzinfo=STOCKHOLM),
        end=datetime(2026, 11, 12, 9, 30, tzinfo=STOCKHOLM),
        is_broken_off=False,
        place=unit,
        care_unit=Part("SE2321000255-VE01", unit.name),
        care_provider=Part("SE2321000255-VG01", "Region Skåne"),
        practitioner=Part("SE2321000255-T001", "Test Testsson"),
        profession="",
    )
    written = care_contacts.response(
        [contact],
        asked=care_contacts.Asked("196101182803", PERSONNUMMER),
        source_system="SE2321000255-SYS1",
        log_id="c0b7d1de-42c5-4f55-9d2c-2b2f1f3f9a10",
    )
    assert schemas.is_valid(written)
    expected = example("GetCareContacts_3.0_response.xml")
    space = f"{{{care_contacts.CORE}}}"
    expected.remove(expected.findall(f"{{{care_contacts.GET_CARE_CONTACTS}}}careContact")[1])
    for name in ("careContactReason", "healthcareProfessionalRoleCode", "orgUnitTelecom"):
        for part in list(expected.iter(space + name)):
            part.getparent().remove(part)
    # The example's unit that answers and its organisational unit differ; ours is one.
    next(written.iter(f"{space}orgUnitHSAId")).text = unit.hsa_id
    assert plain(written) == plain(expected)


# --- What is told -----------------------------------------------------------------------------------------------------


def test_an_ended_visit_is_told_with_who_where_and_when(clinic, key):
    """VH-20: an outpatient visit has its start as both start and end, registration is the author's time."""
    encounter = ended(clinic)
    told = ask(key)
    (contact,) = contacts(told)
    assert result(told) == ("OK", None)
    assert UUID(texts(told, "logId")[0])
    assert texts(contact, "documentId") == [str(encounter.pk)]
    assert texts(contact, "sourceSystemHSAId") == [SYSTEM]
    assert (texts(contact, "id"), texts(contact, "type")) == (["189001189811"], [PERSONNUMMER])
    assert texts(contact, "authorTime") == [care_contacts.stamp(encounter.created_at)]
    assert texts(contact, "healthcareProfessionalName") == ["Sara Norén"]
    assert texts(contact, "healthcareProfessionalCareUnitHSAId") == ["SE-Vårdcentralen Norr"]
    assert texts(contact, "healthcareProfessionalCareGiverHSAId") == ["SE-P"]
    assert texts(contact, "orgUnitName") == ["Vårdcentralen Norr"] * 2
    assert texts(contact, "approvedForPatient") == ["true"]
    assert texts(contact, "start") == texts(contact, "end") == ["20261119090000"]
    assert texts(contact, "code") == ["1", "53671000052101"]
    assert "Abdi" not in etree.tostring(told, encoding="unicode")
    assert texts(contact, "careContactReason") == []


def test_a_contact_at_a_reception_is_told_to_have_been_there(clinic, key):
    encounter = ended(clinic)
    encounter.reception = Reception.objects.create(care_unit=clinic.unit, hsa_id="SE-M1", name="Diabetesmottagningen")
    encounter.save()
    assert texts(ask(key), "orgUnitName") == ["Vårdcentralen Norr", "Diabetesmottagningen"]


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"contact_form": "phone"}, ["2", "53671000052101"], []),
        ({"contact_form": "video"}, ["53671000052101"], ["Distanskontakt via video"]),
        ({"type_id": "slutenvard"}, ["3", "53671000052101"], []),
        ({"type_id": "observation"}, ["53671000052101"], ["Observation"]),
        ({"type_id": "akutsjukvard", "broken_off": "before_assessment"}, ["1", "53661000052105"], []),
    ],
)
def test_what_a_contact_was_is_told_by_the_codes_that_are_known_and_else_in_words(clinic, key, fields, code, words):
    """VH-20"""
    encounter = ended(clinic)
    for name, value in fields.items():
        setattr(encounter, name, value)
    encounter.save()
    (contact,) = contacts(ask(key))
    assert texts(contact, "code") == code
    assert [text for text in texts(contact, "originalText") if text != "Sjuksköterska"] == words
    lasts = fields.get("type_id") in ("slutenvard", "observation")
    assert texts(contact, "end") == (["20261119235900"] if lasts else ["20261119090000"])


@pytest.mark.parametrize(
    "fields",
    [
        *[{"type_id": code} for code in ("annullerad", "utebliven-bokad-kontakt", "admin", "foster", "historisk")],
        {"type_id": "kontakt-utan-besok", "contact_form": "staff", "replaces_visit": False},
        {"status": "in_progress", "end": None},
    ],
)
def test_nothing_is_told_of_what_is_not_shown(clinic, key, fields):
    """VH-20, DI-07: not what goes on, is annulled, missed, admin, foster, historisk, or between staff."""
    encounter = ended(clinic)
    for name, value in fields.items():
        setattr(encounter, name, value)
    encounter.save()
    told = ask(key)
    assert (contacts(told), result(told)) == ([], ("OK", None))


def test_what_is_opened_again_or_annulled_is_no_longer_told(clinic, key):
    """VH-12, VH-21, PL-13"""
    encounter, by = ended(clinic), {"by": clinic.doctor}
    correction.reopen(encounter_id=encounter.pk, **ACT, **by)
    assert contacts(ask(key)) == []
    cancellation.end_by_hand(encounter_id=encounter.pk, at=NOW, **by)
    assert ids(ask(key)) == [str(encounter.pk)]
    correction.reopen(encounter_id=encounter.pk, **ACT, **by)
    cancellation.annul(encounter_id=encounter.pk, **ACT, **by)
    assert contacts(ask(key)) == []


def test_nothing_is_told_of_a_protected_person_until_the_marking_is_lifted(clinic, key):
    """SK-05: the answer is that of a person of whom there is nothing."""
    encounter = ended(clinic)
    protection.set_by_hand(patient_id=encounter.patient_id, ground="threat", by=clinic.nurse, at=NOW)
    told, nobody = ask(key), ask(key, "199002222397")
    for each in (told, nobody):
        next(each.iter(f"{{{care_contacts.CORE}}}logId")).text = "-"
    assert plain(told) == plain(nobody)
    protection.lift(patient_id=encounter.patient_id, by=clinic.nurse, **ACT)
    assert ids(ask(key)) == [str(encounter.pk)]


def test_a_patient_is_found_by_every_number_and_answered_under_the_one_asked(clinic, key):
    """PA-03, RI-02: an earlier number, a merged record's, a local one; none of them tells of another."""
    patient, old = clinic.patient(), merges.on_reserve_number(clinic.patient(), "22790814AA19")
    mine, theirs = ended(clinic, patient), ended(clinic, old, NOW - 2 * DAY)
    merges.do(old, patient, clinic)
    local = patients.link_identity(
        patient_id=patient.pk,
        identity="810829DA1B",
        kind=identities.LOKALT_RESERVNUMMER,
        by=clinic.nurse,
        at=NOW,
    )
    both = [str(mine.pk), str(theirs.pk)]
    asked = [
        ("189001189811", PERSONNUMMER, {}),
        ("22790814AA19", identities.OIDS[identities.RESERVID], {}),
        (local.value, identities.OIDS[identities.LOKALT_RESERVNUMMER], {"source_system": SYSTEM}),
        (f"{SYSTEM}{local.value}", "1.2.752.129.2.1.2.1", {"source_system": SYSTEM}),
    ]
    for number, kind, filters in asked:
        told = ask(key, number, kind, **filters)
        assert ids(told) == both, number
        assert set(texts(told, "id")) == {number}
        assert set(texts(told, "type")) == {kind}
        # A number without a register behind it comes with who it is.
        assert len(texts(told, "gender", care_contacts.CORE)) == (2 if local.value in number else 0)


def test_a_number_of_another_kind_or_issuer_is_another_person_s(clinic, key):
    ended(clinic)
    samordningsnummer = identities.OIDS[identities.SAMORDNINGSNUMMER]
    assert contacts(ask(key, "189001189811", samordningsnummer)) == []
    assert contacts(ask(key, "189001189811", "1.2.752.97.3.1.3", source_system=SYSTEM)) == []


# --- Filters -----------------------------------------------------------------------------------------------------------


def test_units_care_providers_and_ids_filter(clinic, key):
    patient = clinic.patient()
    other = Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Söder")
    here, there = ended(clinic, patient), ended(other, patient, NOW - 3 * DAY)
    assert ids(ask(key)) == [str(here.pk), str(there.pk)]
    assert ids(ask(key, care_units=("SE-Vårdcentralen Söder",))) == [str(there.pk)]
    assert ids(ask(key, care_units=("SE-Vårdcentralen Söder", clinic.unit.hsa_id))) == [str(here.pk), str(there.pk)]
    assert ids(ask(key, care_units=("SE-OKÄND",))) == []
    assert ids(ask(key, care_providers=("SE-P",))) == [str(here.pk), str(there.pk)]
    assert ids(ask(key, care_providers=("SE-ANNAN",))) == []
    own = {"source_system": SYSTEM}
    assert ids(ask(key, ids=(str(there.pk), "något annat"), **own)) == [str(there.pk)]
    assert ids(ask(key, ids=("något annat",), **own)) == []


@pytest.mark.parametrize(
    ("first", "last", "is_told"),
    [
        ("20261119", "20261119", True),
        ("20261101", "20261119", True),
        ("20261120", "20261130", True),  # registered on the 20th: the interval is from then to the start
        ("20261101", "20261118", False),
        ("20261121", "20261130", False),
    ],
)
def test_a_period_keeps_contacts_whose_interval_overlaps_it(clinic, key, first, last, is_told):
    """As dates in Stockholm, of registration, start and end."""
    encounter = ended(clinic)
    encounter.created_at = datetime(2026, 11, 20, 0, 5, tzinfo=STOCKHOLM)
    encounter.save()
    assert len(contacts(ask(key, first=first, last=last))) == is_told


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"first": "20260231", "last": "20260301"}, "datum som inte finns"),
        ({"first": "20260301", "last": "20260201"}, "slutar innan den börjar"),
        ({"number": "9001189811"}, "tolv tecken"),
        ({"logical_address": "SE2321000255-ANNAN"}, "LogicalAddress"),
        ({"source_system": "SE2321000255-ANNAN"}, "sourceSystemHSAId"),
        ({"ids": ("01a1fd28-5767-7de2-9ff4-e87cae4c4a2a",)}, "sourceSystemHSAId krävs"),
        ({"number": "810829DA1B", "kind": identities.OIDS[identities.LOKALT_RESERVNUMMER]}, "sourceSystemHSAId krävs"),
    ],
)
def test_a_request_that_cannot_be_answered_is_told_so_by_its_result(clinic, key, asked, words):
    ended(clinic)
    told = ask(key, **asked)
    assert (contacts(told), result(told)) == ([], ("ERROR", "INVALID_REQUEST"))
    assert words in texts(told, "message")[0]
    assert not AccessLogEntry.objects.filter(what="vårdkontakter till 1177 och NPÖ").exists()


# --- What is no request ------------------------------------------------------------------------------------------------

BOMB = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'


def another_message():
    return soap.envelope(example("GetPersonsForProfile_5.0_request.xml"), logical_address=SYSTEM)


def an_older_message():
    return soap.envelope(example("GetPersonsForProfile_3.1_request.xml"), logical_address=SYSTEM)


def invalid():
    content = example("GetCareContacts_3.0_request.xml")
    content.remove(content.find(f"{{{care_contacts.GET_CARE_CONTACTS}}}patientId"))
    return soap.envelope(content, logical_address=SYSTEM)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"inte XML",
        b"<a/>",
        BOMB,
        another_message,
        an_older_message,
        invalid,
        lambda: soap.fault("Client", "fel"),
        lambda: b" " * (300 * 1024),
    ],
)
def test_what_is_no_request_is_answered_by_a_fault(clinic, key, body, caplog):
    """By SOAP 1.1 a fault has the status 500; it names a log id and nobody."""
    answer = post(body() if callable(body) else body, key)
    assert answer.status_code == 500
    assert answer["Content-Type"] == "text/xml; charset=utf-8"
    with pytest.raises(soap.Fault) as fault:
        soap.opened(answer.content)
    assert fault.value.is_ours
    text = answer.content.decode()
    assert "Begäran kunde inte tolkas" in text
    for what in (text, caplog.text):
        assert "196101182803" not in what


def test_a_failure_of_our_own_is_a_fault_without_its_words(clinic, key, monkeypatch, caplog):
    """SK-05"""

    def fails(*_, **__):
        raise RuntimeError("Hodan Abdi 189001189811")

    monkeypatch.setattr("registration.shared_contacts.patient_known_as", fails)
    content = care_contacts.request(care_contacts.Asked("189001189811", PERSONNUMMER))
    with caplog.at_level(logging.DEBUG):
        answer = post(soap.envelope(content, logical_address=SYSTEM), key)
    with pytest.raises(soap.Fault) as fault:
        soap.opened(answer.content)
    assert (answer.status_code, fault.value.code) == (500, "Server")
    for what in (answer.content.decode(), caplog.text):
        assert "Abdi" not in what
        assert "189001189811" not in what


# --- Who may ask -------------------------------------------------------------------------------------------------------


def test_only_an_account_with_the_one_right_may_ask(clinic):
    """Least right by default: the role of national services and no other; no key, an ended one, or a session: nobody."""
    ended(clinic)
    body = soap.envelope(
        care_contacts.request(care_contacts.Asked("189001189811", PERSONNUMMER)), logical_address=SYSTEM
    )
    assert post(body).status_code == 401
    assert post(body, "sdv_fel").status_code == 401
    for role in set(Role) - {Role.NATIONAL_SERVICES}:
        assert post(body, key_of(clinic, role)).status_code == 403, role
    key = key_of(clinic)
    assert not AccessLogEntry.objects.filter(what="vårdkontakter till 1177 och NPÖ").exists()
    assert post(body, key).status_code == 200
    assert AccessLogEntry.objects.filter(what="vårdkontakter till 1177 och NPÖ").count() == 1


def test_it_answers_nobody_until_the_system_has_an_hsa_id(clinic, key, settings):
    settings.SDV_HSA_ID = ""
    assert post(b"", key).status_code == 404


def test_only_post_is_answered(clinic, client):
    assert client.get(ADDRESS).status_code == 405


def test_every_answer_about_a_patient_stands_in_the_access_log(clinic, key):
    """PDL: who was told, when, as which account; also of a protected person, of whom nothing was told."""
    encounter = ended(clinic)
    ask(key)
    protection.set_by_hand(patient_id=encounter.patient_id, ground="threat", by=clinic.nurse, at=NOW)
    ask(key)
    ask(key, "199002222397")
    rows = AccessLogEntry.objects.filter(what="vårdkontakter till 1177 och NPÖ")
    assert [(row.patient_id, row.action) for row in rows] == [(encounter.patient_id, "read")] * 2
    assert {row.care_unit_id for row in rows} == {clinic.unit.pk}


def test_many_contacts_take_as_many_queries_as_one(clinic, key, django_assert_max_num_queries):
    patient = clinic.patient()
    for day in range(1, 9):
        ended(clinic, patient, NOW - day * DAY)
        with django_assert_max_num_queries(8):
            told = ask(key)
        assert len(contacts(told)) == day


def test_a_stay_is_told_from_admission_to_discharge_on_the_night_the_clock_changes(clinic, key):
    """VH-16: Stockholm's clock, also on the night with two hours between two and three."""
    encounter = ended(clinic)
    encounter.type_id = "slutenvard"
    encounter.start = datetime(2026, 10, 25, 0, 30, tzinfo=STOCKHOLM)
    encounter.end = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=STOCKHOLM)
    encounter.save()
    (contact,) = contacts(ask(key))
    assert (texts(contact, "start"), texts(contact, "end")) == (["20261025003000"], ["20261025023000"])


def test_a_practitioner_s_profession_is_said_in_words(clinic, key):
    """A yrkeskategori is no befattning of KV Befattning."""
    ended(clinic)
    (contact,) = contacts(ask(key))
    role = next(contact.iter(f"{{{care_contacts.CORE}}}healthcareProfessionalRoleCode"))
    assert [etree.QName(part).localname for part in role] == ["originalText"]


def test_a_newborn_s_stay_is_no_admission(clinic, key):
    """VH-13, VH-20: told as Nyfödd in words, not as a vårdtillfälle."""
    encounter = ended(clinic, make.patient())
    encounter.type_id = "nyfodd"
    encounter.save()
    number = encounter.patient.identities.get().value
    (contact,) = contacts(ask(key, number))
    assert "Nyfödd" in texts(contact, "originalText")
    assert "3" not in texts(contact, "code")
