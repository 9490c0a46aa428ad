"""PA-04: the person service asked over HTTP: batches, time-outs, retries, a breaker, mutual TLS, and every way to fail."""

import logging
import os
import ssl
import subprocess
import sys
import time
from datetime import date

import pytest
from django.test import override_settings

from registration import identities
from registration.population_register import (
    LARGEST_BATCH,
    RegisterIdentity,
    RegisterRefused,
    RegisterUnavailable,
    population_register,
)
from sdv.adapters.rivta import persons
from sdv.adapters.rivta.simulator import FAILURES
from sdv.adapters.rivta.transport import Breaker, Patience
from sdv.common.logs import JsonFormatter
from tests.registers import connected, person

VERA = person("199002222397", surname="Wahlgren")
MARIA = person("196101182803", surname="Ordinär")
NO_USABLE_ANSWER = sorted(set(FAILURES) - {"strange", "missing", "other-person", "error-result"})


@pytest.fixture
def simulator():
    with connected(VERA, MARIA) as running:
        yield running


def fetch(*records, **options):
    return population_register().fetch([record.identity for record in records], **options)


def test_those_asked_for_are_answered_and_an_unknown_one_is_known_to_be_unknown(simulator):
    nobody = RegisterIdentity(identities.PERSONNUMMER, "191212121212")
    told = population_register().fetch([VERA.identity, MARIA.identity, nobody])
    assert told[VERA.identity].name.surname == "Wahlgren"
    assert told[MARIA.identity].addresses.residential.town == "LUND"
    assert told[nobody] is None
    assert simulator.requests == ["GetPersonsForProfile"]


def test_nobody_is_asked_when_no_register_is_connected():
    with override_settings(SDV_POPULATION_REGISTER=""):
        assert population_register() is None


def test_five_hundred_is_the_most_in_a_call(simulator):
    """PA-04: more is refused here before anything is sent, and by the register."""
    many = [RegisterIdentity(identities.PERSONNUMMER, f"19900101{number:04d}") for number in range(LARGEST_BATCH + 1)]
    told = population_register().fetch(many[:LARGEST_BATCH])
    assert len(told) == simulator.largest_batch == LARGEST_BATCH
    with pytest.raises(ValueError, match="500"):
        population_register().fetch(many)
    assert simulator.requests == ["GetPersonsForProfile"]


def test_nothing_is_sent_for_nobody(simulator):
    assert population_register().fetch([]) == {}
    assert simulator.requests == []


@pytest.mark.parametrize("failure", NO_USABLE_ANSWER)
def test_a_failing_register_is_told_within_its_time(simulator, failure):
    """PA-04: whatever it does, somebody at the desk waits no longer than was set."""
    simulator.fail(failure)
    begun = time.monotonic()
    with pytest.raises(RegisterUnavailable):
        fetch(VERA)
    assert time.monotonic() - begun < 3, failure


def test_unknown_elements_missing_records_and_records_of_others_are_no_failures(simulator):
    simulator.fail("strange")
    assert fetch(VERA)[VERA.identity].name.surname == "Wahlgren"
    simulator.fail("missing")
    assert list(fetch(VERA, MARIA)) == [MARIA.identity]
    simulator.fail("other-person")
    assert fetch(MARIA) == {}


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_no_person_stands_in_a_log_line_or_an_error(simulator, failure, caplog):
    """SK-05: neither name nor number, whatever the register does."""
    simulator.fail(failure)
    errors = []
    with caplog.at_level(logging.DEBUG):
        try:
            fetch(VERA)
        except RegisterUnavailable as error:
            errors = [str(error), repr(error), repr(error.__cause__)]
    ours = [JsonFormatter().format(row) for row in caplog.records if row.name.startswith("sdv")]
    assert failure in ("strange", "missing", "other-person") or ours
    for line in [*ours, *(row.getMessage() for row in caplog.records), *errors]:
        assert "Wahlgren" not in line
        assert "9002222397" not in line


# --- Patience -------------------------------------------------------------------------------------------------------


def test_after_a_failure_the_reception_is_not_slowed_again(simulator):
    """A dead register is asked once; those after are told at once, until it has rested."""
    simulator.fail("slow")
    with pytest.raises(RegisterUnavailable):
        fetch(VERA)
    begun = time.monotonic()
    for _ in range(50):
        with pytest.raises(RegisterUnavailable):
            fetch(VERA)
    assert time.monotonic() - begun < 0.2
    assert simulator.requests == ["slow"]


def test_the_breaker_lets_one_through_when_it_has_rested_and_closes_at_a_success():
    breaker = Breaker(rest=0.05)
    assert breaker.let_through()
    breaker.tell(worked=False)
    assert not breaker.let_through()
    time.sleep(0.06)
    assert [breaker.let_through() for _ in range(3)] == [True, False, False]
    breaker.tell(worked=True)
    assert [breaker.let_through() for _ in range(3)] == [True, True, True]


def test_a_job_tries_again_and_takes_what_comes(simulator, monkeypatch):
    waits = []

    def works_after_the_second_wait(seconds):
        waits.append(seconds)
        simulator.fail("" if len(waits) == 2 else "http-500")

    monkeypatch.setattr("sdv.adapters.rivta.transport.time.sleep", works_after_the_second_wait)
    simulator.fail("http-500")
    assert fetch(VERA, can_wait=True)[VERA.identity].name.surname == "Wahlgren"
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2


def test_a_job_does_not_repeat_a_request_that_was_wrong(simulator, monkeypatch):
    monkeypatch.setattr("sdv.adapters.rivta.transport.time.sleep", pytest.fail)
    simulator.fail("client-fault")
    with pytest.raises(RegisterUnavailable):
        fetch(VERA, can_wait=True)
    assert len(simulator.requests) == 1


def test_those_who_failed_together_do_not_come_back_together():
    """No thundering herd: each waits a time of its own, doubled each time."""
    patience = Patience(1, 1, tries=4)
    waits = {patience.wait_before(3) for _ in range(100)}
    assert len(waits) > 90
    assert all(1 <= wait <= 2 for wait in waits)


# --- A new reserve identity --------------------------------------------------------------------------------------


def allocate(**told):
    asked = {"birth_date": None, "sex": "0", "given_name": "", "surname": "", "actor_hsa_id": "SE2321000255-T001"}
    return population_register().allocate_reserve_identity(**asked | told)


def test_a_reserve_identity_is_allocated(simulator):
    """RI-01, PA-01."""
    first, second = allocate(sex="2"), allocate(sex="2")
    assert first.kind == identities.RESERVID
    assert first != second
    assert identities.parse(first.value, today=date(2026, 11, 26)).sex == "2"


def test_the_register_refuses_to_allocate(simulator):
    simulator.fail("error-result")
    with pytest.raises(RegisterRefused):
        allocate()


@pytest.mark.parametrize("failure", NO_USABLE_ANSWER)
def test_no_reserve_identity_comes_out_of_a_failure(simulator, failure):
    simulator.fail(failure)
    with pytest.raises(RegisterUnavailable):
        allocate()


# --- Mutual TLS ------------------------------------------------------------------------------------------------------


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, a server of this machine, a client of the authority, and one of another authority."""
    folder = tmp_path_factory.mktemp("certificates")
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    for authority in ("authority", "stranger"):
        name = f"/CN={authority}"
        openssl(
            folder,
            "req",
            "-x509",
            *ec,
            "-days",
            "2",
            "-subj",
            name,
            "-keyout",
            f"{authority}.key",
            "-out",
            f"{authority}.pem",
        )
    for who, authority in (("server", "authority"), ("client", "authority"), ("intruder", "stranger")):
        openssl(folder, "req", *ec, "-subj", f"/CN={who}", "-keyout", f"{who}.key", "-out", f"{who}.csr")
        signing = ["x509", "-req", "-days", "2", "-in", f"{who}.csr", "-CA", f"{authority}.pem", "-CAkey"]
        extra = ["-extfile", "server.ext"] if who == "server" else []
        openssl(folder, *signing, f"{authority}.key", "-CAcreateserial", "-out", f"{who}.pem", *extra)
    return folder


@pytest.fixture
def over_tls(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.load_verify_locations(certificates / "authority.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with connected(VERA, tls=context, seconds=2) as simulator:
        yield simulator


def as_client(certificates, who, authority="authority"):
    return override_settings(
        SDV_PU_CERTIFICATE=str(certificates / f"{who}.pem"),
        SDV_PU_KEY=str(certificates / f"{who}.key"),
        SDV_PU_AUTHORITIES=str(certificates / f"{authority}.pem"),
    )


def test_both_ends_show_their_certificates(over_tls, certificates):
    assert over_tls.address.startswith("https://")
    with as_client(certificates, "client"):
        assert fetch(VERA)[VERA.identity].name.surname == "Wahlgren"


@pytest.mark.parametrize(("who", "authority"), [("intruder", "authority"), ("client", "stranger")])
def test_a_certificate_of_another_authority_is_not_believed(over_tls, certificates, who, authority):
    """Neither the client's by the register, nor the register's by us."""
    with as_client(certificates, who, authority), pytest.raises(RegisterUnavailable):
        fetch(VERA)
    assert over_tls.requests == []


def test_without_a_certificate_nothing_is_told(over_tls, certificates):
    persons._line.cache_clear()
    with override_settings(SDV_PU_AUTHORITIES=str(certificates / "authority.pem")), pytest.raises(RegisterUnavailable):
        fetch(VERA)
    assert over_tls.requests == []


def test_the_simulator_starts_only_where_all_is_practice():
    command = [sys.executable, "-m", "sdv.adapters.rivta.simulator", "0"]
    environment = {name: value for name, value in os.environ.items() if name != "SDV_DEMO"}
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "bara där SDV_DEMO är 1" in refused.stderr
