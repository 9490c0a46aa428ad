"""The messages of GetCareContacts 3.0: requests read, answers written."""

from dataclasses import dataclass
from datetime import date

from lxml import etree

from registration.shared_contacts import Kind
from sdv.common.time import local

from .soap import NotUnderstood

DOMAIN = "urn:riv:clinicalprocess:logistics:logistics"
CORE = f"{DOMAIN}:3"
GET_CARE_CONTACTS = f"{DOMAIN}:GetCareContactsResponder:3"
GET_CARE_CONTACTS_ACTION = f"{GET_CARE_CONTACTS}:GetCareContacts"

KV_CONTACT = "1.2.752.129.2.2.2.25"
KV_SEX = "1.2.752.129.2.2.1.1"
SNOMED_CT_SE = "1.2.752.116.2.1.1"
ENDED = ("53671000052101", "avslutad vårdkontakt")
BROKEN_OFF = ("53661000052105", "avbruten vårdkontakt")
# Codes that are known of KV Vårdkontakttyp: those of the contract's own list. What they do not say is said in words, as
# the contract allows: either code, system and name, or a text.
CODES = {Kind.VISIT: ("1", "Besök"), Kind.PHONE: ("2", "Telefon"), Kind.STAY: ("3", "Vårdtillfälle")}
WORDS = {
    Kind.VIDEO: "Distanskontakt via video",
    Kind.TEXT: "Distanskontakt via text",
    Kind.OBSERVATION: "Observation",
    Kind.NEWBORN: "Nyfödd",
    Kind.TREATMENT: "Pågående behandling i öppenvård",
}
INVALID_REQUEST = "INVALID_REQUEST"


@dataclass(frozen=True)
class Asked:
    """A request. Dates are as told, and may not exist."""

    identity: str
    identity_type: str
    care_units: tuple = ()
    care_providers: tuple = ()
    first: str = ""
    last: str = ""
    source_system: str = ""
    ids: tuple = ()


class NoSuchDate(ValueError):
    """Eight digits that are no day."""


def read(content):
    """The request in an element that is valid by the schema. Raises NotUnderstood where it is another message."""
    if content.tag != f"{{{GET_CARE_CONTACTS}}}GetCareContacts":
        raise NotUnderstood("another message")
    patient, period = _child(content, "patientId"), _child(content, "datePeriod")
    return Asked(
        identity=_text(patient, "id"),
        identity_type=_text(patient, "type"),
        care_units=_texts(content, "careUnitHSAId"),
        care_providers=_texts(content, "careGiverHSAId"),
        first="" if period is None else _text(period, "start"),
        last="" if period is None else _text(period, "end"),
        source_system=(content.findtext(f"{{{GET_CARE_CONTACTS}}}sourceSystemHSAId") or "").strip(),
        ids=_texts(content, "careContactId"),
    )


def day(told):
    """The date that YYYYMMDD means. Raises NoSuchDate."""
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise NoSuchDate from None


def request(asked):
    """The request as an element: what the simulator of 1177 asks."""
    root = etree.Element(f"{{{GET_CARE_CONTACTS}}}GetCareContacts", nsmap={"r": GET_CARE_CONTACTS, "c": CORE})
    for unit in asked.care_units:
        _add(root, "careUnitHSAId", unit, GET_CARE_CONTACTS)
    for provider in asked.care_providers:
        _add(root, "careGiverHSAId", provider, GET_CARE_CONTACTS)
    _patient(root, asked, GET_CARE_CONTACTS)
    if asked.first:
        period = _add(root, "datePeriod", namespace=GET_CARE_CONTACTS)
        _add(period, "start", asked.first)
        _add(period, "end", asked.last)
    if asked.source_system:
        _add(root, "sourceSystemHSAId", asked.source_system, GET_CARE_CONTACTS)
    for each in asked.ids:
        _add(root, "careContactId", each, GET_CARE_CONTACTS)
    return root


def response(contacts, *, asked, source_system, log_id, about=None):
    """The answer: each contact under the number that was asked about. `about` tells who the patient is, where no register
    can."""
    root = _root()
    for contact in contacts:
        row = _add(root, "careContact", namespace=GET_CARE_CONTACTS)
        _header(row, contact, asked, source_system)
        _body(row, contact, about)
    _result(root, "OK", log_id)
    return root


def refused(message, *, log_id):
    """The answer to a request that cannot be answered: what is wrong with it, never about whom it was."""
    root = _root()
    _result(root, "ERROR", log_id, error_code=INVALID_REQUEST, message=message)
    return root


def stamp(moment):
    """YYYYMMDDhhmmss on Stockholm's clock."""
    return local(moment).strftime("%Y%m%d%H%M%S")


def _header(row, contact, asked, source_system):
    header = _add(row, "careContactHeader")
    _add(header, "documentId", str(contact.id))
    _add(header, "sourceSystemHSAId", source_system)
    _patient(header, asked)
    accountable = _add(header, "accountableHealthcareProfessional")
    _add(accountable, "authorTime", stamp(contact.registered_at))
    if contact.practitioner:
        _add(accountable, "healthcareProfessionalHSAId", contact.practitioner.hsa_id)
        _add(accountable, "healthcareProfessionalName", contact.practitioner.name)
        if contact.profession:
            # Yrkeskategori is no befattning: said in words, not by a code of KV Befattning.
            _add(_add(accountable, "healthcareProfessionalRoleCode"), "originalText", contact.profession)
    _unit(accountable, "healthcareProfessionalOrgUnit", contact.care_unit)
    _add(accountable, "healthcareProfessionalCareUnitHSAId", contact.care_unit.hsa_id)
    _add(accountable, "healthcareProfessionalCareGiverHSAId", contact.care_provider.hsa_id)
    _add(header, "approvedForPatient", "true")


def _body(row, contact, about):
    body = _add(row, "careContactBody")
    code = _add(body, "careContactCode")
    if contact.kind in CODES:
        _coded(code, *CODES[contact.kind], KV_CONTACT, "KV Vårdkontakttyp")
    else:
        _add(code, "originalText", WORDS[contact.kind])
    _unit(body, "careContactOrgUnit", contact.place)
    period = _add(body, "careContactTimePeriod")
    _add(period, "start", stamp(contact.start))
    _add(period, "end", stamp(contact.end))
    status = BROKEN_OFF if contact.is_broken_off else ENDED
    _coded(_add(body, "careContactStatus"), *status, SNOMED_CT_SE, "SNOMED CT SE")
    if about is not None:
        _about(body, about)


def _about(body, about):
    told = _add(body, "additionalPatientInformation")
    if isinstance(about.birth_date, date):
        born = _add(told, "dateOfBirth")
        _add(born, "format", "YYYYMMDD")
        _add(born, "value", about.birth_date.strftime("%Y%m%d"))
    sex = _add(told, "gender")
    _add(sex, "code", about.sex)
    _add(sex, "codeSystem", KV_SEX)
    _add(sex, "displayName", {"0": "okänt", "1": "man", "2": "kvinna"}.get(about.sex, "ej tillämpligt"))


def _patient(parent, asked, namespace=CORE):
    patient = _add(parent, "patientId", namespace=namespace)
    _add(patient, "id", asked.identity)
    _add(patient, "type", asked.identity_type)


def _unit(parent, name, part):
    unit = _add(parent, name)
    _add(unit, "orgUnitHSAId", part.hsa_id)
    _add(unit, "orgUnitName", part.name)


def _coded(parent, code, name, system, system_name):
    _add(parent, "code", code)
    _add(parent, "codeSystem", system)
    _add(parent, "codeSystemName", system_name)
    _add(parent, "displayName", name)


def _result(root, code, log_id, *, error_code="", message=""):
    result = _add(root, "result", namespace=GET_CARE_CONTACTS)
    _add(result, "resultCode", code)
    if error_code:
        _add(result, "errorCode", error_code)
    _add(result, "logId", log_id)
    if message:
        _add(result, "message", message)


def _root():
    return etree.Element(f"{{{GET_CARE_CONTACTS}}}GetCareContactsResponse", nsmap={"r": GET_CARE_CONTACTS, "c": CORE})


def _add(parent, name, text=None, namespace=CORE):
    child = etree.SubElement(parent, f"{{{namespace}}}{name}")
    if text is not None:
        child.text = text
    return child


def _child(content, name):
    return content.find(f"{{{GET_CARE_CONTACTS}}}{name}")


def _text(parent, name):
    return (parent.findtext(f"{{{CORE}}}{name}") or "").strip()


def _texts(content, name):
    return tuple((row.text or "").strip() for row in content.findall(f"{{{GET_CARE_CONTACTS}}}{name}"))
