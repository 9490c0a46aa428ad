"""What a register of the population tells of a person, and how it is asked (PA-04): the one interface between patients
and the national person service (PU). The implementation is named by SDV_POPULATION_REGISTER, as outbox channels are;
without a name there is no register, and care goes on with what is held here.

None means *not told*: whatever a register leaves out of an answer is left as it is here. An empty text or tuple means
that the register has told that there is nothing."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from sdv.common.errors import RuleError

# The largest number of identities one call may ask about.
LARGEST_BATCH = 500
SOURCE = "Folkbokföringen"

# Relations as the register codes them.
GUARDIAN = "V"
IS_GUARDIAN_OF = "VF"
DECEASED_CODE = "AV"


@dataclass(frozen=True, order=True)
class RegisterIdentity:
    """An identity number as told: `kind` is one of registration.identities.KINDS, empty where it is not known here."""

    kind: str
    value: str
    issuer: str = ""


@dataclass(frozen=True)
class LinkedIdentity:
    """Another identity of the same person: linked (reserve identity) or referred (old or new number)."""

    identity: RegisterIdentity
    is_primary: bool = False
    status: str = ""


@dataclass(frozen=True)
class RegisterName:
    """Names as told. `given_name_in_use` is what the person is called (tilltalsnamn), where the register marks it."""

    given_name: str = ""
    middle_name: str = ""
    surname: str = ""
    given_name_in_use: str = ""


@dataclass(frozen=True)
class RegisterAddress:
    """One address. `street` is what stands between c/o and post code; a foreign one has only lines and country."""

    care_of: str = ""
    street: str = ""
    postal_code: str = ""
    town: str = ""
    country: str = ""


@dataclass(frozen=True)
class RegisterAddresses:
    """The addresses that the register owns (PA-07); None where it told of no such address."""

    residential: RegisterAddress | None = None
    special_postal: RegisterAddress | None = None
    abroad: RegisterAddress | None = None


@dataclass(frozen=True)
class Deregistration:
    """Why and when somebody left the population register. Unknown codes are kept as told; dates may be partial."""

    code: str = ""
    on: str = ""
    found_dead_on: str = ""


@dataclass(frozen=True)
class RegisterRelation:
    """Somebody near: `kind` as coded (GUARDIAN …). Identity and name may both be missing."""

    kind: str
    identity: RegisterIdentity | None = None
    born: str = ""
    name: RegisterName | None = None
    since: str = ""
    until: str = ""
    status: str = ""


@dataclass(frozen=True)
class PersonRecord:
    """What the register tells of one person. Dates are texts: ÅÅÅÅ, ÅÅÅÅ-MM or ÅÅÅÅ-MM-DD."""

    identity: RegisterIdentity
    has_protection_mark: bool = False
    has_protected_registration: bool = False
    version: str = ""
    sex: str | None = None
    born: str | None = None
    name: RegisterName | None = None
    county_code: str | None = None
    municipality_code: str | None = None
    registered_on: str | None = None
    addresses: RegisterAddresses | None = None
    deregistration: Deregistration | None = None
    identity_level: str | None = None
    identity_level_on: str | None = None
    identity_status: str | None = None
    identity_status_on: str | None = None
    identity_status_cause: str | None = None
    coordination_deceased_on: str | None = None
    linked: tuple[LinkedIdentity, ...] = ()
    referred: tuple[LinkedIdentity, ...] = ()
    relations: tuple[RegisterRelation, ...] | None = None

    @property
    def is_protected(self):
        return self.has_protection_mark or self.has_protected_registration

    @property
    def guardians(self):
        """The guardians told of, or None where the register was not asked or may not tell (RE-01)."""
        if self.relations is None:
            return None
        return tuple(relation for relation in self.relations if relation.kind == GUARDIAN)


class RegisterUnavailable(Exception):
    """The register did not answer in a way that can be used. `why` is a word for logs, never what was answered."""

    def __init__(self, why):
        super().__init__(f"the population register cannot be used: {why}")
        self.why = why


class RegisterRefused(RegisterUnavailable):
    """The register answered that it will not do what was asked."""


class PopulationRegister(Protocol):
    """Asks a register. Both methods raise RegisterUnavailable when it does not answer as it should."""

    def fetch(
        self, identities: list[RegisterIdentity], *, with_relations: bool = False, can_wait: bool = False
    ) -> dict[RegisterIdentity, PersonRecord | None]:
        """What is told of each asked identity; None for one that the register does not know, nothing for one it left
        out. A record may be of another identity than the one asked: the person has got a new number. Relations only
        where they are needed. `can_wait` is for jobs: without it somebody stands at the desk."""

    def allocate_reserve_identity(
        self, *, birth_date: date | None, sex: str, given_name: str, surname: str, actor_hsa_id: str
    ) -> RegisterIdentity:
        """A new national reserve identity. Without birth date or sex the number tells neither."""


def population_register():
    """The register that the settings name, or None where none is connected."""
    path = settings.SDV_POPULATION_REGISTER
    return import_string(path)() if path else None


def new_reserve_identity(*, birth_date, sex, given_name, surname, actor_hsa_id):
    """A national reserve identity for somebody without a personnummer; its number (RI-01). Never made up here: where
    the register is out of reach the way on is a local, temporary routine."""
    register = population_register()
    if register is None:
        raise RuleError(
            "RI-01",
            "Ingen anslutning till personuppgiftstjänsten finns, så inget nytt reservID kan tas ut här. Ta ut numret i"
            " tjänstens egen webbsida och registrera patienten på det.",
            code="register_not_connected",
        )
    try:
        return register.allocate_reserve_identity(
            birth_date=birth_date, sex=sex, given_name=given_name, surname=surname, actor_hsa_id=actor_hsa_id
        ).value
    except RegisterRefused:
        raise RuleError(
            "RI-01",
            "Personuppgiftstjänsten lämnade inte ut något reservID för uppgifterna. Kontrollera födelsedatum och kön,"
            " eller ta ut numret i tjänstens egen webbsida och registrera patienten på det.",
            code="register_refused",
        ) from None
    except RegisterUnavailable:
        raise RuleError(
            "RI-01",
            "Personuppgiftstjänsten svarar inte, så inget nytt reservID kan tas ut just nu. Ge vården, anteckna enligt"
            " reservrutinen och försök igen om en stund.",
            code="register_unavailable",
        ) from None
