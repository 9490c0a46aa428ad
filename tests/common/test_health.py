"""/health/live and /health/ready: 503 for the database only; broker and beat are told as degraded."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from sdv.common import health, probe


@pytest.fixture
def beat_tick(settings):
    """Sets the age of beat's last tick; None: there never was one. Under a name of the test's own."""

    def set_age(age):
        with health.broker() as client:
            client.delete(health.BEAT_KEY)
        if age is not None:
            health.note_beat_tick(timezone.now() - age)

    yield set_age
    set_age(None)


@pytest.fixture(autouse=True)
def own_key(monkeypatch, request):
    monkeypatch.setattr(health, "BEAT_KEY", f"sdv:beat-tick:{request.node.nodeid}")


def test_a_living_process_says_so_without_asking_the_database(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        answer = client.get("/health/live")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
    assert "no-store" in answer["Cache-Control"]


def test_everything_works(client, db, beat_tick):
    beat_tick(timedelta(minutes=1))
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "broker": "ok", "beat": "ok"}


def test_the_answer_costs_one_query_and_no_session(client, db, beat_tick, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get("/health/ready")


@pytest.mark.parametrize("age", [None, timedelta(minutes=4)], ids=["never", "four minutes ago"])
def test_a_beat_that_is_silent_is_degraded_and_the_answer_still_200(client, db, beat_tick, age):
    beat_tick(age)
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "broker": "ok", "beat": "degraded"}


@pytest.mark.parametrize(
    "url", ["redis+socket:///nowhere/valkey.sock", "redis://127.0.0.1:9/0"], ids=["no socket", "nobody listens"]
)
def test_a_broker_that_does_not_answer_is_degraded_and_the_answer_still_200(client, db, settings, url):
    settings.BROKER_URL = url
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "broker": "degraded", "beat": "degraded"}


def test_without_the_database_the_answer_is_503(client, db, beat_tick, monkeypatch):
    class Gone:
        def cursor(self):
            raise OperationalError

    monkeypatch.setattr(health, "connection", Gone())
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["database"] == "failed"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_only_asked(client, db, path):
    assert client.post(path).status_code == 405


def test_the_container_asks_the_live_address_by_a_name_the_settings_accept(live_server, settings, monkeypatch):
    port = int(live_server.url.rsplit(":", 1)[1])
    settings.ALLOWED_HOSTS = ["sdv.example.se"]
    monkeypatch.setenv("SDV_ALLOWED_HOSTS", "sdv.example.se,other.example.se")
    assert probe.answers(port)
    monkeypatch.setenv("SDV_ALLOWED_HOSTS", "stranger.example.se")
    assert not probe.answers(port)
    assert not probe.answers(port=9)
