"""Which registration a contact at a distance gets (DI-01…07, DI-09): the instruction's decision table, asked with what
happened. Pure. The guide shows the answer, registration asks the same module why not."""

import csv
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from django.db.models import TextChoices

from registration.lifecycle import CONTACT_WITHOUT_VISIT
from sdv.common.errors import RuleError

DATA = Path(__file__).parent / "data"
SUPPORT_PROGRAMME = "UW040 Stöd- och behandlingsprogram"
PHONE, VIDEO, TEXT, STAFF = "phone", "video", "text", "staff"


class Counterpart(TextChoices):
    """Whom the contact was with."""

    PATIENT = "patient", "Patienten"
    LEGAL_REPRESENTATIVE = "legal", "Legal företrädare, till exempel vårdnadshavare"
    PROXY = "ombud", "Ombud eller närstående"
    STAFF = "personal", "Annan personal, om patienten"
    NOBODY = "ingen", "Ingen: dokument, provsvar eller patient som inte kom"


class Way(TextChoices):
    """How it took place. Chat alone is text, sound alone is telephone (DI-03)."""

    VIDEO = VIDEO, "Realtid med ljud, bild och chatt, via anvisad tjänst med inloggning"
    PHONE = PHONE, "Telefon, eller bara ljud"
    TEXT = TEXT, "Text: meddelande, chatt eller brev"


class Result(TextChoices):
    """What the guide can answer."""

    REGISTER = "register", "Registrera Kontakt utan besök"
    TRIAGE = "triage", "Registrera inget eget: samtalet är triage före besöket"
    NOTE_FIRST = "note_first", "Skriv anteckningen först"
    NOTHING = "nothing", "Inget att registrera"


# What each question is called in a form, and the words for a choice of yes and no.
QUESTIONS = {
    "who": "Vem var kontakten med?",
    "way": "Hur skedde den?",
    "in_programme": "Var kontakten en del av ett stöd- och behandlingsprogram i 1177?",
    "replaces_visit": "Ersätter kontakten ett besök?",
    "led_to_visit": "Ledde samtalet till ett besök samma dag på samma enhet?",
    "is_documented": "Är eller blir kontakten antecknad i journalen?",
}


@dataclass(frozen=True)
class Answers:
    """What the user has answered so far; None is not answered."""

    who: str = ""
    way: str = ""
    in_programme: bool | None = None
    replaces_visit: bool | None = None
    led_to_visit: bool | None = None
    is_documented: bool | None = None


@dataclass(frozen=True)
class Advice:
    """The registration that the answers lead to. `pasis` and `pmo` are the old systems' words; XS codes are never
    shown (DI-01). `contact_form` and `replaces_visit` are what is registered here."""

    result: Result
    why: str
    rule: str
    pasis: str = ""
    pmo: str = ""
    booked_as: str = ""
    codes: tuple = ()
    contact_form: str = ""
    replaces_visit: bool | None = None
    in_programme: bool = False
    examples: tuple = field(default=())

    @property
    def is_to_register(self):
        return self.result == Result.REGISTER


@cache
def _table():
    """Rows of distanskontakt_beslut.csv by channel, answer and condition."""
    with (DATA / "distanskontakt_beslut.csv").open(encoding="utf-8", newline="") as lines:
        return {
            (row["kanal"], row["ersatter_besok"], row["villkor"]): row for row in csv.DictReader(lines, delimiter=";")
        }


@cache
def examples(conclusion):
    """Examples of the instruction, in our words (DI-09)."""
    with (DATA / "distanskontakt_exempel.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(row["exempel"] for row in csv.DictReader(lines, delimiter=";") if row["slutsats"] == conclusion)


_CHANNEL = {VIDEO: "realtid ljud/bild/chatt i kombination", PHONE: "telefon", TEXT: "text", STAFF: "mellan personal"}
_WORD = {VIDEO: "video", PHONE: "telefon", TEXT: "text"}
_TRIAGE = "leder till besök samma dag på samma enhet"


def _row(channel, answer):
    """The row of a channel and answer that is no special case."""
    rows = _table()
    return next(
        rows[key] for key in rows if key[0] == _CHANNEL[channel] and key[1] == answer and not key[2].startswith("leder")
    )


def next_question(answers):
    """The name of the question that is to be answered next, or None where the answers suffice (DI-09)."""
    if not answers.who:
        return "who"
    if answers.who in (Counterpart.STAFF, Counterpart.NOBODY):
        return None
    if not answers.way:
        return "way"
    if answers.in_programme is None:
        return "in_programme"
    # An ombud can never be the other part of what replaces a visit (DI-02).
    if answers.who != Counterpart.PROXY and answers.replaces_visit is None:
        return "replaces_visit"
    if _replaces(answers) or answers.in_programme:
        return "is_documented" if answers.is_documented is None else None
    if answers.way == Way.PHONE and answers.led_to_visit is None:
        return "led_to_visit"
    return None


def asked(answers):
    """The questions that these answers meet, in order, the next one last."""
    met, known = [], Answers()
    while (question := next_question(known)) is not None:
        met.append(question)
        answer = getattr(answers, question)
        if answer in (None, ""):
            break
        known = Answers(**{name: getattr(answers, name) for name in met})
    return met


def _replaces(answers):
    return answers.who != Counterpart.PROXY and bool(answers.replaces_visit)


def advise(answers):
    """What to register, or None while a question remains (DI-01, DI-09)."""
    if next_question(answers) is not None:
        return None
    if answers.who == Counterpart.NOBODY:
        return _nothing("ingen", "Ingen vårdkontakt ägde rum. En kommentar i journalen räcker.", "DI-01")
    if answers.who == Counterpart.STAFF:
        row = _row(STAFF, "nej")
        return Advice(
            Result.REGISTER,
            "Kontakt mellan personal är ingen vårdkontakt och räknas inte som en. Den kan behöva antecknas i journalen.",
            "DI-07",
            pasis=row["pasis"],
            pmo=row["pmo"],
            contact_form=STAFF,
            replaces_visit=False,
            examples=examples("personal"),
        )
    if answers.in_programme and not answers.is_documented:
        if _replaces(answers):
            return _note_first()
        return _nothing(
            "ingen-i-program",
            "I ett stöd- och behandlingsprogram registreras bara det som antecknas i journalen.",
            "DI-04",
        )
    if _replaces(answers):
        return _visit(answers) if answers.is_documented else _note_first()
    if answers.way == Way.PHONE and answers.led_to_visit and not answers.in_programme:
        row = _table()[(_CHANNEL[PHONE], "nej", _TRIAGE)]
        return Advice(
            Result.TRIAGE,
            "Samtalet hör till besöket samma dag på samma enhet. Registrera ankomsten, eller boka besöket.",
            "DI-06",
            pasis=row["pasis"],
            pmo=row["pmo"],
            examples=examples("triage"),
        )
    return _no_visit(answers)


def _nothing(conclusion, why, rule):
    return Advice(Result.NOTHING, why, rule, examples=examples(conclusion))


def _note_first():
    return Advice(
        Result.NOTE_FIRST,
        "En kontakt som ersätter ett besök ska journalföras som ett besök. Skriv anteckningen och registrera sedan kontakten.",
        "DI-04",
    )


def _codes(answers):
    return (SUPPORT_PROGRAMME,) if answers.in_programme else ()


def _visit(answers):
    row = _row(answers.way, "ja")
    return Advice(
        Result.REGISTER,
        "Kontakten motsvarar ett besök i innehåll och tid, med bedömning och beslut. Var den bokad registreras bokningen i stället.",
        "DI-02",
        pasis=row["pasis"],
        pmo=row["pmo"],
        booked_as=row["sdv_bokad"],
        codes=_codes(answers),
        contact_form=answers.way,
        replaces_visit=True,
        in_programme=bool(answers.in_programme),
        examples=examples(f"{_WORD[answers.way]}-ersatter"),
    )


def _no_visit(answers):
    row = _row(answers.way, "nej")
    why = "Ett ombud kan inte vara den andra parten i en kontakt som ersätter ett besök."
    if answers.who != Counterpart.PROXY:
        why = (
            "Kontakten har inte den bedömning och det beslut som gör att den ersätter ett besök. Anteckning krävs inte."
        )
    return Advice(
        Result.REGISTER,
        why,
        "DI-02" if answers.who == Counterpart.PROXY else "DI-01",
        pasis=row["pasis"],
        pmo=row["pmo"],
        codes=_codes(answers),
        contact_form=answers.way,
        replaces_visit=False,
        in_programme=bool(answers.in_programme),
        examples=examples(f"{_WORD[answers.way]}-ersatter-inte"),
    )


# --- Registration -------------------------------------------------------------------------------------------------------


def registration_refusal(*, encounter_type, contact_form, replaces_visit, in_programme):
    """Why a contact may not be registered so, or None (DI-01, DI-05, DI-07)."""
    if encounter_type != CONTACT_WITHOUT_VISIT:
        if in_programme:
            return RuleError(
                "DI-05",
                "Stöd- och behandlingsprogram anges på en kontakt utan besök. Välj Kontakt utan besök, eller ta bort uppgiften.",
                code="not_a_distance_contact",
            )
        return None
    if contact_form not in _CHANNEL:
        return RuleError(
            "DI-01", "Ange hur kontakten skedde: telefon, video, text eller mellan personal.", code="form_missing"
        )
    if replaces_visit is None:
        return RuleError("DI-01", "Ange om kontakten ersätter ett besök.", code="replaces_visit_missing")
    if contact_form == STAFF and (replaces_visit or in_programme):
        return RuleError(
            "DI-07",
            "Kontakt mellan personal är ingen vårdkontakt: den ersätter inget besök och hör inte till ett program."
            " Välj telefon, video eller text om patienten var med.",
            code="no_care_contact",
        )
    return None


def triage_warning(*, contact_form, replaces_visit, visits_today):
    """DI-06: a call that leads to a visit the same day at the same unit is triage, not a contact of its own. A warning:
    the call may have been about something else. `visits_today` are local times of the patient's visits there that day."""
    if contact_form != PHONE or replaces_visit or not visits_today:
        return None
    when = " och ".join(f"kl. {moment:%H.%M}" for moment in sorted(visits_today))
    return RuleError(
        "DI-06",
        f"Patienten har besök här i dag {when}. Ledde samtalet till besöket är det triage och registreras inte för sig."
        " Registrera bara om samtalet gällde något annat.",
        code="triage",
        is_warning=True,
    )
