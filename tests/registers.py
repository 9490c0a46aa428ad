"""A population register for tests: the simulator on a port of this machine, and its people."""

from contextlib import contextmanager

from django.test import override_settings

from registration import identities
from registration.population_register import (
    PersonRecord,
    RegisterAddress,
    RegisterAddresses,
    RegisterIdentity,
    RegisterName,
)
from sdv.adapters.rivta import persons
from sdv.adapters.rivta.simulator import Simulator

SECONDS = 0.5


@contextmanager
def connected(*records, seconds=SECONDS, **options):
    """The simulator as the register that the product asks, waiting half a second for it."""
    persons._line.cache_clear()
    with (
        Simulator(records, **options) as simulator,
        override_settings(
            SDV_POPULATION_REGISTER="sdv.adapters.rivta.persons.PersonService",
            SDV_PU_ADDRESS=simulator.address,
            SDV_PU_TEST_PERSONS=True,
            SDV_PU_SECONDS=seconds,
            SDV_PU_JOB_SECONDS=seconds,
            SDV_PU_CONSUMER="SE2321000255-SDV1",
            SDV_PU_CARE_PROVIDER="SE2321000255-VG01",
        ),
    ):
        yield simulator
    persons._line.cache_clear()


def person(value, *, given_name="Vera", surname="Wahl", kind=identities.PERSONNUMMER, **told):
    """What the register tells of somebody resident in Lund."""
    is_civic = kind == identities.PERSONNUMMER
    home = RegisterAddress(street="Provgatan 1", postal_code="22100", town="LUND")
    standard = {
        "version": "20260101000000",
        "sex": "2",
        "born": f"{value[:4]}-{value[4:6]}-{value[6:8]}" if is_civic else None,
        "name": RegisterName(given_name=given_name, surname=surname),
        "county_code": "12" if is_civic else None,
        "municipality_code": "81" if is_civic else None,
        "addresses": RegisterAddresses(residential=home) if is_civic else None,
    }
    return PersonRecord(identity=RegisterIdentity(kind, value), **standard | told)
