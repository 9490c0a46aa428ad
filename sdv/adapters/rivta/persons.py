"""The national person service (personuppgiftstjänsten, PU) as the population register: GetPersonsForProfile 5.0 and
UpdatePerson 5.0."""

import logging
import time
from functools import cache

from django.conf import settings

from registration import identities
from registration.population_register import LARGEST_BATCH, RegisterRefused, RegisterUnavailable

from . import messages
from .soap import NotUnderstood, envelope
from .transport import Breaker, CallFailed, Patience, Transport

logger = logging.getLogger(__name__)

SECONDS_TO_CONNECT = 1
SECONDS_TO_REST = 60
TRIES_OF_A_JOB = 4
# No more is asked for than is needed: addresses and registration; relations only of minors.
PROFILE, PROFILE_WITH_RELATIONS = "P2", "P4"


class PersonService:
    """The register that SDV_POPULATION_REGISTER names."""

    def fetch(self, asked, *, with_relations=False, can_wait=False):
        asked = list(dict.fromkeys(asked))
        if len(asked) > LARGEST_BATCH:
            raise ValueError(f"at most {LARGEST_BATCH} identities a call")
        if not asked:
            return {}
        content = self._call(
            "GetPersonsForProfile",
            messages.GET_PERSONS_ACTION,
            messages.get_persons(asked, profile=PROFILE_WITH_RELATIONS if with_relations else PROFILE),
            can_wait=can_wait,
        )
        return self._understood(
            messages.persons,
            content,
            asked=asked,
            with_relations=with_relations,
            accepts_test_persons=settings.SDV_PU_TEST_PERSONS,
        )

    def allocate_reserve_identity(self, *, birth_date, sex, given_name, surname, actor_hsa_id):
        """Tried once: a number that was allocated without our knowing is a number lost, two are two."""
        content = self._call(
            "UpdatePerson",
            messages.UPDATE_PERSON_ACTION,
            messages.update_person(
                birth_date=birth_date,
                sex=sex,
                given_name=given_name,
                surname=surname,
                actor_hsa_id=actor_hsa_id,
                provider_hsa_id=settings.SDV_PU_CARE_PROVIDER,
            ),
        )
        identity, refused = self._understood(
            messages.allocated, content, accepts_test_persons=settings.SDV_PU_TEST_PERSONS
        )
        if refused:
            raise RegisterRefused("ERROR")
        if identity.kind != identities.RESERVID:
            raise RegisterUnavailable("another kind of identity")
        return identity

    def _call(self, contract, action, content, *, can_wait=False):
        transport, breaker = _line(_address(contract), settings.SDV_PU_CERTIFICATE, settings.SDV_PU_KEY)
        if not can_wait and not breaker.let_through():
            raise RegisterUnavailable("resting after a failure")
        patience = (
            Patience(SECONDS_TO_CONNECT * 10, settings.SDV_PU_JOB_SECONDS, tries=TRIES_OF_A_JOB)
            if can_wait
            else Patience(min(SECONDS_TO_CONNECT, settings.SDV_PU_SECONDS), settings.SDV_PU_SECONDS)
        )
        headers = {"x-rivta-original-serviceconsumer-hsaid": settings.SDV_PU_CONSUMER}
        begun = time.monotonic()
        try:
            answer = transport.call(
                envelope(content, logical_address=settings.SDV_PU_LOGICAL_ADDRESS),
                action=action,
                headers={name: value for name, value in headers.items() if value},
                patience=patience,
            )
        except CallFailed as failure:
            breaker.tell(worked=False)
            seconds = round(time.monotonic() - begun, 3)
            logger.warning("register call failed: %s", failure.why, extra={"seconds": seconds})
            raise RegisterUnavailable(failure.why) from None
        breaker.tell(worked=True)
        return answer

    def _understood(self, read, content, **how):
        try:
            return read(content, **how)
        except NotUnderstood as error:
            logger.warning("register answer not understood: %s", error.why)
            raise RegisterUnavailable(error.why) from None


def _address(contract):
    """The platform may have one address for each contract: {contract} stands for its name."""
    return settings.SDV_PU_ADDRESS.replace("{contract}", contract)


@cache
def _line(address, certificate, key):
    """Connections and breaker of one address, shared by the process."""
    transport = Transport(address, certificate=certificate, key=key, authorities=settings.SDV_PU_AUTHORITIES)
    return transport, Breaker(SECONDS_TO_REST)
