"""How a letter about a time is put together of catalogue texts and facts (KA-01…05). Pure: no database, no clock.

What is not known is not said: a part without a text is absent, an amount comes from the dated taxa or not at all. What a
text asks for and nobody knows stops the letter, and is named: nobody gets an empty line."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from registration.models import ReferralStatus
from scheduling.letter_words import TOLD_TIMES, WORDS
from scheduling.models import CancelledBy, LetterKind, LetterLanguage, LetterPart
from scheduling.models.letter import OWN_TEXT
from sdv.common.errors import RuleError

P = LetterPart
FIELD = re.compile(r"\{([^{}\n]*)\}")


class Field(NamedTuple):
    """What a text may ask for: what it is called when it is missing, and how it reads with an invented patient."""

    called: str
    example: str


FIELDS = {
    "tid": Field("tiden", "tisdag 1 december 2026 kl. 09.45"),
    "enhet": Field("enhetens namn", "Vårdcentralen Exempel"),
    "telefon": Field("enhetens telefon (Kallelsetexter)", "010-000 00 00"),
    "avgift": Field("besökets avgift", "200"),
    "avgift_uteblivet": Field("avgiften för uteblivet besök", "400"),
    "tolk": Field("patientens tolkbehov", "Somaliska"),
    "patient": Field("patientens namn", "Anna Exempel"),
    "sista_dag": Field("sista dagen att boka", "fredag 18 december 2026"),
    "remiss_kom": Field("dagen då remissen kom", "måndag 16 november 2026"),
    "mottagare": Field("mottagaren som remissen är sänd till", "Hjärtmottagningen Exempel"),
}
# Yrkeskategorier whose name says something to everyone; Övrig says nothing (KA-01).
WELL_KNOWN = {"Arb", "Bm", "Die", "Fys", "Kur", "Läk", "Psyk", "Ssk", "Usk"}
MEDIATION_ADDRESS = "Skatteverket\nFörmedlingsuppdrag\nBox 2820\n403 20 Göteborg"


# What a remissbekräftelse says, by what the remiss is (VA-03). Of one that is used or closed nothing is said.
OF_A_REFERRAL = {
    ReferralStatus.RECEIVED: P.REFERRAL_RECEIVED,
    ReferralStatus.ACCEPTED: P.REFERRAL_ACCEPTED,
    ReferralStatus.RETURNED: P.REFERRAL_RETURNED,
    ReferralStatus.FORWARDED: P.REFERRAL_FORWARDED,
    ReferralStatus.REJECTED: P.REFERRAL_REJECTED,
}
# What one who waits for a time is told.
OF_A_WAIT = {LetterKind.WAITING: P.WAITING, LetterKind.CALL_US: P.CALL_US}
REQUIRED = {
    P.CANCEL,
    P.COPY,
    P.OPEN_INVITATION,
    *OF_A_REFERRAL.values(),
    *OF_A_WAIT.values(),
    P.CHANGED_BY_PATIENT,
    P.CHANGED_BY_PROVIDER,
    P.CANCELLED_BY_PATIENT,
    P.CANCELLED_BY_PROVIDER,
}


@dataclass(frozen=True)
class Occasion:
    """What a letter is about: facts, already in words. Empty is not known. An öppen kallelse has a `last_day` in place
    of a `start`; a remissbekräftelse the day the remiss `came`, what it is, whom it was sent on to, and the day by which a
    time is reckoned with; one to who waits that day alone."""

    kind: str
    start: object
    unit: str
    patient: str
    place: str = ""
    form: str = ""
    meets: str = ""
    phone: str = ""
    interpreter: str = ""
    fee: int | None = None
    no_show_fee: int | None = None
    changed_by: str = ""
    # The time that the patient was last told, in the words of that letter.
    told_time: str = ""
    is_copy: bool = False
    last_day: date | None = None
    came: date | None = None
    referral_status: str = ""
    receiver: str = ""
    expected_by: date | None = None
    # What the clerk added, byte for byte; the names of the files that go with it.
    own_text: str = ""
    enclosed: tuple = ()
    language: str = LetterLanguage.SWEDISH
    # {part: text}; tillval in their order. `fallback` are the parts whose text is not in the letter's language.
    texts: dict = field(default_factory=dict)
    add_on_texts: tuple = ()
    fallback: frozenset = frozenset()


@dataclass(frozen=True)
class Composed:
    """A letter's words: heading, facts as rows, sections; and the same as plain text."""

    heading: str
    facts: tuple
    sections: tuple
    fallback: tuple = ()

    @property
    def parts(self):
        found = {"facts": [list(row) for row in self.facts], "sections": list(self.sections)}
        return found | {"fallback": list(self.fallback)} if self.fallback else found

    @property
    def body(self):
        return plain(self.parts)


def when(moment, language=LetterLanguage.SWEDISH):
    """As letters say it: tisdag 1 december 2026 kl. 09.45."""
    return WORDS[language].moment(moment)


def heading(kind, language=LetterLanguage.SWEDISH):
    """The heading of a letter of the kind."""
    return WORDS[language].headings[kind]


def whom(name, profession, abbreviation):
    """Whom one meets: the name, with the yrkeskategori where everyone knows what it is."""
    if not name:
        return ""
    return f"{name}, {profession.lower()}" if abbreviation in WELL_KNOWN else name


def gives_away(text, *names):
    """The first of the clinic's names that a sender outside the envelope would give away, or an empty text."""
    said = text.casefold()
    return next((name for name in names if name and name.casefold() in said), "")


def told_status(parts):
    """What a remissbekräftelse says that the remiss is, or an empty text."""
    said = {section["part"] for section in parts.get("sections", ())}
    return next((str(status) for status, part in OF_A_REFERRAL.items() if part in said), "")


def told_time(parts):
    """The time that a letter told, in its words."""
    return next((value for label, value in parts.get("facts", ()) if label in TOLD_TIMES), "")


def example_of(text):
    """How a text reads with an invented patient. A field that no letter has stands as it is written."""
    return FIELD.sub(lambda found: FIELDS[found[1]].example if found[1] in FIELDS else found[0], text)


def unknown_fields(text):
    """What a text asks for that no letter has."""
    return [name for name in FIELD.findall(text) if name not in FIELDS]


def compose(occasion):
    """The letter's words. Raises RuleError naming what is missing (KA-01). What the catalogue has not in the letter's
    language stands in Swedish, and says so."""
    words = WORDS[occasion.language]
    values = {
        "tid": words.moment(occasion.start) if occasion.start else "",
        "enhet": occasion.unit,
        "telefon": occasion.phone,
        "avgift": _kronor(occasion.fee),
        "avgift_uteblivet": _kronor(occasion.no_show_fee),
        "tolk": occasion.interpreter,
        "patient": occasion.patient,
        "sista_dag": words.day(occasion.last_day) if occasion.last_day else "",
        "remiss_kom": words.day(occasion.came) if occasion.came else "",
        "mottagare": occasion.receiver,
    }
    missing, sections, fallback = [], [], []
    for part in _parts_of(occasion):
        if part == OWN_TEXT:
            sections.append({"part": OWN_TEXT, "heading": "", "text": occasion.own_text})
            continue
        texts = occasion.add_on_texts if part == P.ADD_ON else (occasion.texts.get(part, ""),)
        for text in texts:
            if not text:
                # Without these the letter does not say what it is for: how to cancel, and who changed the time (PL-09).
                if part in REQUIRED:
                    missing.append(f"texten {P(part).label} (Kallelsetexter)")
                continue
            section = {
                "part": str(part),
                "heading": words.sections.get(part, ""),
                "text": FIELD.sub(lambda found: _value(found, values, missing), text),
            }
            if part in occasion.fallback:
                section["heading"] = " – ".join(filter(None, (section["heading"], words.only_swedish)))
                section["language"] = str(LetterLanguage.SWEDISH)
                fallback.append(str(part))
            sections.append(section)
    about = {LetterKind.OPEN_INVITATION: "sista_dag", LetterKind.REFERRAL_RECEIPT: "remiss_kom"}
    about |= dict.fromkeys(OF_A_WAIT, "enhet")
    for name in (about.get(occasion.kind, "tid"), "enhet"):
        if not values[name]:
            missing.append(FIELDS[name].called)
    if missing:
        raise missing_refusal(missing)
    return Composed(
        words.headings[occasion.kind], tuple(_facts(occasion)), tuple(sections), tuple(dict.fromkeys(fallback))
    )


def _is_open(occasion):
    return occasion.kind == LetterKind.OPEN_INVITATION


def missing_refusal(missing):
    """KA-01: what is missing is named, and no letter is written."""
    named = ", ".join(dict.fromkeys(missing))
    return RuleError(
        "KA-01",
        f"Brevet kan inte skrivas: {named} saknas. Fyll i det, och skriv brevet igen.",
        code="letter_field_missing",
    )


def plain(parts):
    """The same words as plain text: what 1177 and the API show, kept beside the structure."""
    blocks = ["\n".join(f"{label}: {value}" for label, value in parts["facts"])]
    for section in parts["sections"]:
        blocks.append(f"{section['heading']}\n{section['text']}" if section["heading"] else section["text"])
    return "\n\n".join(block for block in blocks if block)


def _kronor(amount):
    return "" if amount is None else str(amount)


def _value(found, values, missing):
    name = found[1]
    value = values.get(name, "")
    if not value:
        missing.append(FIELDS[name].called if name in FIELDS else f"fältet {{{name}}}")
    return value


def _parts_of(occasion):
    """The parts of a letter of the kind, in their order."""
    first = [P.COPY] if occasion.is_copy else []
    own = [OWN_TEXT] if occasion.own_text else []
    if occasion.kind == LetterKind.REFERRAL_RECEIPT or occasion.kind in OF_A_WAIT:
        interpreter = [P.INTERPRETER] if occasion.interpreter else []
        says = OF_A_WAIT.get(occasion.kind) or OF_A_REFERRAL[occasion.referral_status]
        return [says, *own, *interpreter, P.OPENING]
    if occasion.kind == LetterKind.CANCELLATION:
        by_patient = occasion.changed_by == CancelledBy.PATIENT
        return [*first, P.CANCELLED_BY_PATIENT if by_patient else P.CANCELLED_BY_PROVIDER, *own, P.OPENING]
    if _is_open(occasion):
        # Nothing of what it costs not to come: no time is agreed on yet (PL-14).
        fee = [] if occasion.fee is None else [P.FREE if occasion.fee == 0 else P.FEE]
        interpreter = [P.INTERPRETER] if occasion.interpreter else []
        return [*first, P.OPEN_INVITATION, *own, P.INFORMATION, *interpreter, P.OPENING, *fee, P.BRING]
    if occasion.kind == LetterKind.CHANGE:
        by_patient = occasion.changed_by == CancelledBy.PATIENT
        first.append(P.CHANGED_BY_PATIENT if by_patient else P.CHANGED_BY_PROVIDER)
    parts = [*first, P.WORDING, *own, P.PREPARATION, P.ADD_ON, P.INFORMATION]
    if occasion.interpreter:
        parts.append(P.INTERPRETER)
    if not occasion.form:
        parts.append(P.DIRECTIONS)
    parts += [P.CANCEL, P.OPENING]
    if occasion.fee is not None:
        parts.append(P.FREE if occasion.fee == 0 else P.FEE)
    if occasion.no_show_fee is not None:
        parts.append(P.NO_SHOW)
    return [*parts, P.BRING]


def _facts(occasion):
    """Time first. Never what the contact is for in a clinic's words, nor a personnummer."""
    words = WORDS[occasion.language]
    if occasion.kind == LetterKind.CANCELLATION:
        yield words.cancelled_time, words.moment(occasion.start)
        yield words.where, occasion.unit
        return
    if occasion.kind == LetterKind.REFERRAL_RECEIPT or occasion.kind in OF_A_WAIT:
        if occasion.came:
            yield words.referral_came, words.day(occasion.came)
        if occasion.expected_by:
            yield words.expected_by, words.day(occasion.expected_by)
    elif _is_open(occasion):
        yield words.book_by, words.day(occasion.last_day)
    else:
        yield (words.new_time if occasion.kind == LetterKind.CHANGE else words.when), words.moment(occasion.start)
    if occasion.told_time:
        yield words.earlier_time, occasion.told_time
    yield words.where, f"{occasion.unit}, {occasion.place}" if occasion.place else occasion.unit
    if occasion.form:
        yield words.how, occasion.form
    if occasion.meets:
        yield words.meets, occasion.meets
    if occasion.interpreter:
        yield words.interpreter, occasion.interpreter
    if occasion.enclosed:
        yield words.enclosed, ", ".join(occasion.enclosed)
