"""The engagement index is told that a patient has contacts to fetch here, that something has happened to them, and that
there are none any longer (VH-20, VH-21): in the contract's wire format, against a simulator that judges by the schema."""

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from pathlib import Path

import pytest
import urllib3
from django.core.management import CommandError, call_command
from django.db import connection
from lxml import etree

from registration.actions import admissions, births, clock
from registration.models import EngagementEntry, PatientIdentity
from registration.population_register import LinkedIdentity, RegisterIdentity
from registration.shared_contacts import Engagement
from registration.type_choice import DIRECT_ADMISSION
from scheduling.actions import appointments
from sdv.adapters.rivta import engagement_index, schemas, soap
from sdv.adapters.rivta.simulator import index as simulator
from sdv.common.logs import JsonFormatter
from sdv.common.time import STOCKHOLM, at_local
from sdv.common.uuid7 import uuid7
from sdv.flows import cancellation, correction, protection
from sdv.flows import register as registers
from sdv.organisation.models import CareProvider, Facility
from sdv.outbox import delivery, messages
from sdv.outbox.models import OF_CONTACTS, OutboxMessage, Topic
from tests import factories as make
from tests.adapters.contacts import SYSTEM, connected, deliver, ended
from tests.clinic import DAY, HALF_HOUR, NOW, Clinic
from tests.flows import merges
from tests.registers import person

pytestmark = pytest.mark.django_db
EXAMPLES = Path(__file__).parent / "examples"
NUMBER = "189001189811"
RESERVE = "22790814AA19"


@pytest.fixture
def index():
    with connected() as running:
        yield running


@pytest.fixture
def clinic():
    return Clinic(kind="vardcentral", area="Pv", name="Vårdcentralen Norr")


def example(name):
    return soap.parse((EXAMPLES / name).read_bytes())


def plain(content):
    return [(part.tag, (part.text or "").strip()) for part in content.iter() if isinstance(part.tag, str)]


def told(index):
    """What the index was told, (is gone, number), in order; forgotten thereafter."""
    found = [(is_gone, entry["registeredResidentIdentification"]) for is_gone, entry in index.updates]
    index.updates.clear()
    return found


def act(clinic, **fields):
    return {"by": clinic.doctor, "at": NOW, "reason": "Fel patient"} | fields


# --- The examples -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("EngagementIndex*.xml")), ids=lambda path: path.stem)
def test_every_example_is_valid_by_the_schema(path):
    assert schemas.is_valid(example(path.name))


def test_the_example_update_is_what_we_write(settings):
    """But for the vårdgivare: the example names it by SE and its organisation number, we by its HSA-id."""
    settings.SDV_HSA_ID = SYSTEM
    engagement = Engagement(PatientIdentity(value="196101182803"), CareProvider(hsa_id="SE2321000255"))
    written = engagement_index.update({engagement: datetime(2026, 11, 12, 10, 15, tzinfo=STOCKHOLM)}, {})
    assert schemas.is_valid(written)
    assert plain(written) == plain(example("EngagementIndex_Update_1.0_request.xml"))


def test_the_example_answer_is_read_and_written():
    assert engagement_index.is_taken(example("EngagementIndex_Update_1.0_response.xml"))
    assert plain(simulator.response("OK")) == plain(example("EngagementIndex_Update_1.0_response.xml"))
    assert engagement_index.is_taken(simulator.response("INFO"))
    assert not engagement_index.is_taken(simulator.response("ERROR"))
    with pytest.raises(soap.NotUnderstood):
        engagement_index.is_taken(example("EngagementIndex_ProcessNotification_1.0_response.xml"))


def test_the_example_notification_is_read_and_written_by_the_simulator():
    entries = simulator.notified(example("EngagementIndex_ProcessNotification_1.0_request.xml"))
    assert [(is_gone, entry["owner"]) for is_gone, entry in entries] == [(False, "SE2321000255-EI01")]
    written = simulator.notification(entries)
    assert schemas.is_valid(written)
    assert plain(written) == plain(example("EngagementIndex_ProcessNotification_1.0_request.xml"))


# --- What is told, and when -------------------------------------------------------------------------------------------


def test_an_ended_contact_makes_an_entry(clinic, index):
    """VH-20: patient, domain, category and source; never the single contact."""
    ended(clinic)
    written = OutboxMessage.objects.get(topic=Topic.ENCOUNTER_ENDED)
    assert deliver() == (1, 0)
    ((is_gone, entry),) = index.updates
    assert not is_gone
    assert entry == {
        "registeredResidentIdentification": NUMBER,
        "serviceDomain": "riv:clinicalprocess:logistics:logistics",
        "categorization": "vko",
        "logicalAddress": SYSTEM,
        "businessObjectInstanceIdentifier": "NA",
        "clinicalProcessInterestId": "NA",
        "mostRecentContent": engagement_index.stamp(written.created_at),
        "sourceSystem": SYSTEM,
        "dataController": "SE-P",
    }
    assert EngagementEntry.objects.get().identity.value == NUMBER
    assert schemas.is_valid(simulator.notification([(False, index.of(NUMBER)[0])]))


def test_a_later_change_is_told_with_the_time_of_the_change(clinic, index):
    """VH-21"""
    encounter = ended(clinic)
    deliver()
    told(index)
    messages.encounter_changed(encounter)
    later = datetime(2027, 1, 5, 12, 0, tzinfo=UTC)
    OutboxMessage.objects.filter(topic=Topic.ENCOUNTER_CHANGED).update(created_at=later)
    deliver()
    assert [entry["mostRecentContent"] for _, entry in index.updates] == ["20270105130000"]
    assert EngagementEntry.objects.get().most_recent_content == later


def test_the_last_contact_annulled_withdraws_the_entry_and_one_of_two_only_tells_of_a_change(clinic, index):
    """VH-12, PL-13: that one of several is gone is an event too."""
    patient = clinic.patient()
    first, second = ended(clinic, patient), ended(clinic, patient, NOW - 2 * DAY)
    deliver()
    assert told(index) == [(False, NUMBER)]
    for encounter, is_gone in ((first, False), (second, True)):
        correction.reopen(encounter_id=encounter.pk, **act(clinic))
        cancellation.annul(encounter_id=encounter.pk, **act(clinic))
        deliver()
        assert told(index) == [(is_gone, NUMBER)]
    assert index.of(NUMBER) == []
    assert not EngagementEntry.objects.exists()


def test_what_was_opened_again_and_ended_again_is_told_again(clinic, index):
    """VH-21"""
    encounter = ended(clinic)
    deliver()
    correction.reopen(encounter_id=encounter.pk, **act(clinic))
    deliver()
    cancellation.end_by_hand(encounter_id=encounter.pk, by=clinic.doctor, at=NOW)
    deliver()
    assert told(index) == [(False, NUMBER), (True, NUMBER), (False, NUMBER)]


def test_nothing_is_told_of_what_is_not_shown(clinic, index):
    """VH-20: a contact opened again before anybody was told of it, and one that nobody is told of."""
    encounter = ended(clinic)
    correction.reopen(encounter_id=encounter.pk, **act(clinic))
    missed = clinic.book(clinic.patient(), NOW - DAY + HALF_HOUR, at=NOW - 2 * DAY)
    appointments.no_show(appointment_id=missed.pk, by=clinic.nurse, at=NOW - DAY + HALF_HOUR)
    clock.auto_discharge(at=NOW)
    deliver()
    assert (index.calls, EngagementEntry.objects.count()) == (0, 0)
    assert not OutboxMessage.objects.filter(delivered_at=None).exists()


def test_a_protected_person_is_withdrawn_and_told_again_when_the_marking_is_lifted(clinic, index):
    """SK-05"""
    encounter = ended(clinic)
    deliver()
    protection.set_by_hand(patient_id=encounter.patient_id, ground="threat", by=clinic.nurse, at=NOW)
    deliver()
    assert index.of(NUMBER) == []
    protection.lift(patient_id=encounter.patient_id, **act(clinic))
    deliver()
    assert told(index) == [(False, NUMBER), (True, NUMBER), (False, NUMBER)]


def test_of_somebody_protected_before_anything_was_told_the_index_hears_nothing(clinic, index):
    """SK-05: not even a withdrawal, which would tell that there had been something."""
    patient = clinic.patient()
    protection.set_by_hand(patient_id=patient.pk, ground="threat", by=clinic.nurse, at=NOW)
    ended(clinic, patient)
    deliver()
    assert index.calls == 0


def test_a_marking_of_the_population_register_withdraws_too(clinic, index):
    """SK-01, SK-04"""
    patient = clinic.patient()
    ended(clinic, patient)
    deliver()
    record = person(NUMBER, has_protected_registration=True, version="20270101000000")
    registers.take_over(patient_id=patient.pk, record=record, at=NOW)
    deliver()
    assert told(index) == [(False, NUMBER), (True, NUMBER)]


def test_a_merge_moves_the_entry_to_the_present_number_and_its_undo_moves_it_back(clinic, index):
    """RI-02, PL-13"""
    present, old = clinic.patient(), merges.on_reserve_number(clinic.patient(), RESERVE)
    ended(clinic, old)
    deliver()
    assert told(index) == [(False, RESERVE)]
    merges.do(old, present, clinic)
    deliver()
    assert told(index) == [(False, NUMBER), (True, RESERVE)]
    merges.undo(present, clinic)
    deliver()
    assert sorted(told(index)) == [(False, RESERVE), (True, NUMBER)]
    assert [entry.identity.value for entry in EngagementEntry.objects.all()] == [RESERVE]


def test_a_local_reserve_number_has_no_entry_until_it_leads_to_a_national_one(clinic, index):
    """RI-02, and the index's rule kR4."""
    old = clinic.patient()
    PatientIdentity.objects.filter(patient=old).update(kind="lokalt_reservnummer", value="810829DA1B", is_primary=False)
    ended(clinic, old)
    deliver()
    assert index.calls == 0
    present = clinic.patient()
    merges.do(old, present, clinic)
    number = present.identities.get(is_primary=True).value
    deliver()
    assert told(index) == [(False, number)]


def test_a_newborn_s_personnummer_takes_over_the_entry(index):
    """VH-13, PA-03: what was told by the temporary identity is told by the personnummer."""
    unit, by = make.MaternityUnitFactory(), make.UserFactory()
    mother = admissions.begin(
        patient_id=make.patient().pk,
        care_unit=unit,
        situation=DIRECT_ADMISSION,
        admitted_from="home",
        by=by,
        at=NOW,
    )
    number = make.test_number()
    noon = at_local(date(int(number[:4]), int(number[4:6]), int(number[6:8])), time(12))
    (birth,) = births.prepare(
        mother_encounter_id=mother.pk, identity=RESERVE, by=by, at=NOW, actor_hsa_id="SE0000000000-U1"
    )
    births.born(encounter_id=birth.encounter_id, born_at=noon, sex="1", accept_warnings=("VH-13",), by=by, at=NOW)
    cancellation.end_by_hand(encounter_id=birth.encounter_id, by=by, at=NOW)
    deliver()
    assert told(index) == [(False, RESERVE)]
    births.give_personnummer(encounter_id=birth.encounter_id, identity=number, by=by, at=NOW)
    deliver()
    assert told(index) == [(False, number), (True, RESERVE)]


def test_a_new_number_told_by_the_population_register_takes_over_the_entry(clinic, index):
    """PA-03, PA-04"""
    patient, new = clinic.patient(), "199002222397"
    ended(clinic, patient)
    deliver()
    old = LinkedIdentity(RegisterIdentity("personnummer", NUMBER))
    registers.take_over(patient_id=patient.pk, record=person(new, referred=(old,), version="20270101000000"), at=NOW)
    deliver()
    assert told(index) == [(False, NUMBER), (False, new), (True, NUMBER)]


def test_each_vardgivare_has_an_entry_of_its_own(clinic, index):
    """The index's key has the vårdgivare in it: what happens at one is no event of the other's."""
    patient, other = clinic.patient(), Clinic(kind="vardcentral", area="Pv", name="Privata vårdcentralen")
    private = CareProvider.objects.create(hsa_id="SE-PRIVAT", name="Vårdbolaget")
    other.unit.facility = Facility.objects.create(hsa_id="SE-F2", name="Bolagets hus", care_provider=private)
    other.unit.save()
    ended(clinic, patient)
    theirs = ended(other, patient, NOW - 2 * DAY)
    deliver()
    assert sorted(entry["dataController"] for entry in index.of(NUMBER)) == ["SE-P", "SE-PRIVAT"]
    index.updates.clear()
    correction.reopen(encounter_id=theirs.pk, **act(clinic))
    deliver()
    assert [(is_gone, entry["dataController"]) for is_gone, entry in index.updates] == [(True, "SE-PRIVAT")]


# --- Together, late, twice, and when the index fails -------------------------------------------------------------------


def test_what_waits_about_one_patient_is_told_at_once(clinic, index):
    """The index is not to hear of the same key again and again: one call for all that waits, with the latest time."""
    patient = clinic.patient()
    for day in (1, 2, 3):
        ended(clinic, patient, NOW - day * DAY)
    waiting = list(OutboxMessage.objects.order_by("pk"))
    OutboxMessage.objects.filter(pk=waiting[1].pk).update(created_at=datetime(2027, 1, 5, 12, 0, tzinfo=UTC))
    assert deliver() == (3, 0)
    assert [entry["mostRecentContent"] for _, entry in index.updates] == ["20270105130000"]


def test_a_message_delivered_twice_changes_nothing(clinic, index):
    """Kill -9 between the answer and the note of it: the lease runs out and it comes again."""
    ended(clinic)
    deliver()
    held = dict(index.of(NUMBER)[0])
    OutboxMessage.objects.update(delivered_at=None)
    deliver()
    again = dict(index.of(NUMBER)[0])
    assert again | {"updateTime": ""} == held | {"updateTime": ""}
    assert EngagementEntry.objects.count() == 1


@pytest.mark.parametrize("failure", sorted(simulator.FAILURES))
def test_a_failing_index_is_told_later_and_nobody_s_name_is_logged(clinic, index, failure, caplog):
    """SK-05: the kind of fault alone; the same message comes again with its back-off, and what was lost is told again."""
    ended(clinic)
    index.failure = failure
    with caplog.at_level(logging.DEBUG):
        assert deliver() == (0, 1)
    row = OutboxMessage.objects.get()
    assert (row.delivered_at, row.last_error, row.due_at) == (None, "NotTaken", NOW + timedelta(minutes=1))
    assert not EngagementEntry.objects.exists()
    for record in caplog.records:
        assert NUMBER not in JsonFormatter().format(record)
    index.failure = ""
    engagement_index._line.cache_clear()
    assert deliver() == (1, 0)
    assert len(index.of(NUMBER)) == EngagementEntry.objects.count() == 1


def test_a_dead_index_is_left_alone_until_it_has_rested(clinic, index):
    """Two hundred messages do not each wait for it."""
    for number in range(3):
        ended(clinic, clinic.patient(), NOW - DAY - number * HALF_HOUR)
    index.failure = "http-500"
    assert deliver() == (0, 3)
    assert index.calls == 1


def test_a_contact_changed_after_the_first_look_waits_for_its_own_message(clinic, index, monkeypatch):
    """What is read is at least as new as the messages it tells of: one written meanwhile is not counted as told."""
    encounter = ended(clinic)
    look = delivery.together_with

    def and_then_something_happens(message):
        found = look(message)
        if not OutboxMessage.objects.filter(topic=Topic.ENCOUNTER_CHANGED).exists():
            messages.encounter_changed(encounter)
        return found

    monkeypatch.setattr(delivery, "together_with", and_then_something_happens)
    OutboxMessage.objects.update(due_at=NOW)
    delivery.deliver_due(at=NOW)
    assert not OutboxMessage.objects.get(topic=Topic.ENCOUNTER_CHANGED).delivered_at
    deliver()
    assert [is_gone for is_gone, _ in index.updates] == [False, False]


def test_messages_of_one_patient_keep_one_order_whatever_they_are_about():
    """An end is never told after the withdrawal that followed it; other patients' go on."""
    patient, other = uuid7(), uuid7()
    row = {"due_at": NOW, "payload": {}}
    first = OutboxMessage.objects.create(topic=Topic.ENCOUNTER_ENDED, subject_id=uuid7(), patient_id=patient, **row)
    OutboxMessage.objects.create(topic=Topic.CONTACTS_CHANGED, subject_id=patient, patient_id=patient, **row)
    OutboxMessage.objects.create(topic=Topic.ENCOUNTER_WITHDRAWN, subject_id=uuid7(), patient_id=patient, **row)
    letter = OutboxMessage.objects.create(topic=Topic.LETTER_TO_PORTAL, subject_id=uuid7(), patient_id=patient, **row)
    theirs = OutboxMessage.objects.create(topic=Topic.ENCOUNTER_ENDED, subject_id=uuid7(), patient_id=other, **row)
    assert {each.pk for each in delivery.claim(at=NOW)} == {first.pk, letter.pk, theirs.pk}


def test_what_had_ended_before_the_index_was_connected_is_told_by_a_command(clinic, index, settings, tmp_path):
    """VH-20: each patient once, however often it is run; the protected and those with nothing to tell not at all."""
    address, settings.SDV_EI_ADDRESS, settings.SDV_OUTBOX_FOLDER = settings.SDV_EI_ADDRESS, "", str(tmp_path)
    shown, hidden = clinic.patient(), clinic.patient()
    ended(clinic, shown), ended(clinic, shown, NOW - 2 * DAY), ended(clinic, hidden, NOW - 3 * DAY), clinic.patient()
    deliver()
    protection.set_by_hand(patient_id=hidden.pk, ground="threat", by=clinic.nurse, at=NOW)
    with pytest.raises(CommandError, match="SDV_EI_ADDRESS"):
        call_command("tell_engagement_index")
    settings.SDV_EI_ADDRESS = address
    out = StringIO()
    for _ in range(2):
        call_command("tell_engagement_index", stdout=out)
    assert out.getvalue().splitlines() == ["patienter att berätta om: 1", "patienter att berätta om: 0"]
    deliver()
    assert told(index) == [(False, NUMBER)]
    call_command("tell_engagement_index", stdout=out)
    assert out.getvalue().splitlines()[-1] == "patienter att berätta om: 0"


def test_without_an_address_nothing_is_sent(clinic, settings, tmp_path):
    """Off until somebody says where: a file for each message, as before."""
    settings.SDV_OUTBOX_FOLDER = str(tmp_path)
    ended(clinic)
    assert deliver() == (1, 0)
    assert len(list(tmp_path.iterdir())) == 1
    assert not EngagementEntry.objects.exists()


def test_every_topic_of_contacts_is_the_index_s():
    assert set(engagement_index.TOPICS) == set(OF_CONTACTS)
    assert delivery._CLAIM.count(f"IN ({', '.join(repr(str(topic)) for topic in OF_CONTACTS)})") == 2


def test_the_oldest_of_a_patient_is_looked_up_in_its_index():
    """Twenty thousand that wait, as after a stop, are claimed as fast as ten."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {delivery._CLAIM}", {"at": NOW, "lease": NOW, "batch": 200})
        plan = [row[0] for row in cursor.fetchall()]
    assert any("Index Only Scan using outbox_contacts_by_patient" in each for each in plan), plan


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"SDV_EI_ADDRESS": "https://ei.example.se"}, "SDV_HSA_ID"),
        (
            {"SDV_EI_ADDRESS": "http://ei.example.se", "SDV_HSA_ID": SYSTEM, "SDV_EI_LOGICAL_ADDRESS": "SE1"},
            "https",
        ),
    ],
)
def test_the_settings_refuse_what_is_not_safe(given, missing):
    """In production: over TLS with a certificate, and as a system that has a name."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SDV_LOCAL")}
    environment |= {"SDV_SECRET_KEY": "x" * 50, "SDV_ALLOWED_HOSTS": "sdv.example.se", "SDV_BROKER_URL": "redis://x"}
    environment |= {"SDV_DATABASE_URL": "postgresql://sdv@db/sdv"} | given
    ran = subprocess.run(
        [sys.executable, "-c", "import sdv.settings"], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert missing in ran.stderr.splitlines()[-1]


def test_the_simulator_starts_only_where_all_is_practice():
    environment = {name: value for name, value in os.environ.items() if name != "SDV_DEMO"}
    command = [sys.executable, "-m", "sdv.adapters.rivta.simulator.index", "0"]
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "bara där SDV_DEMO är 1" in refused.stderr


def test_the_simulator_judges_as_the_index_does(index, settings):
    """Two entries of one key, another owner, and what is the index's own to set are refused; a PUT makes it fail."""
    settings.SDV_HSA_ID = SYSTEM
    engagement = Engagement(PatientIdentity(value=NUMBER), CareProvider(hsa_id="SE-P"))
    one = engagement_index.update({engagement: NOW}, {})
    two = engagement_index.update({engagement: NOW}, {engagement: NOW})
    owned = engagement_index.update({engagement: NOW}, {})
    etree.SubElement(next(owned.iter(f"{{{engagement_index.INDEX}}}engagement")), f"{{{engagement_index.INDEX}}}owner")
    for content, owner in ((two, simulator.OWNER), (one, "SE-ANNAN"), (owned, simulator.OWNER)):
        assert index.answer(soap.envelope(content, logical_address=owner))[0] == 500
    assert index.answer(soap.envelope(one, logical_address=simulator.OWNER))[0] == 200
    http = urllib3.PoolManager(retries=False)
    assert http.request("PUT", index.address, body=b"unknown").status == 404
    assert http.request("PUT", index.address, body=b"lost").status == 200
    assert index.failure == "lost"
    assert json.loads(http.request("GET", index.address).data)[0]["registeredResidentIdentification"] == NUMBER
