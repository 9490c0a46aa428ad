"""The numbers a patient is known by (PA-01, PA-02): read, judged and written. Pure: no database, no request, no clock.

Four kinds name a patient: personnummer, samordningsnummer, nationellt reservID and Region Skåne's local reserve number
from PASiS, which is never primary. LMA and passport numbers are search keys; interimsnummer belong to the schools.

A birth date or sex read here is what the number says. What the register (PU) says goes before it: a personnummer may
carry a nearby day, and a person's sex or birth date may have been changed.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

PERSONNUMMER = "personnummer"
SAMORDNINGSNUMMER = "samordningsnummer"
RESERVID = "reservid"
LOKALT_RESERVNUMMER = "lokalt_reservnummer"

KINDS = (PERSONNUMMER, SAMORDNINGSNUMMER, RESERVID, LOKALT_RESERVNUMMER)
PRIMARY_KINDS = (PERSONNUMMER, SAMORDNINGSNUMMER, RESERVID)
LABELS = {
    PERSONNUMMER: "personnummer",
    SAMORDNINGSNUMMER: "samordningsnummer",
    RESERVID: "nationellt reservID",
    LOKALT_RESERVNUMMER: "lokalt reservnummer",
}

# Recognised so that the refusal can say what the number is, but no identity of a patient here.
INTERIMSNUMMER = "interimsnummer"
LMA_NUMMER = "lma_nummer"
ANNAN_REGIONS_RESERVNUMMER = "annan_regions_reservnummer"

# Namespaces of the kinds in national contracts. The one for Region Skåne's local numbers is uncertain: a draft of the
# national FHIR base profiles (2023) has this, a public library of 2022 has 1.2.752.74.9.4. Settle it with the region
# before the first message that carries a local number.
OIDS = {
    PERSONNUMMER: "1.2.752.129.2.1.3.1",
    SAMORDNINGSNUMMER: "1.2.752.129.2.1.3.3",
    RESERVID: "1.2.752.74.9.1",
    LOKALT_RESERVNUMMER: "1.2.752.219.1.10.10.1",
}

# KV Kön.
SEX_UNKNOWN, SEX_MAN, SEX_WOMAN, SEX_NOT_APPLICABLE = "0", "1", "2", "9"

MONTHS = [
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
]
CENTURIES = ("18", "19", "20")
# Nobody has lived this long: without a sign, a century that makes somebody older is not asked about.
HIGHEST_AGE = 125
RESERVID_LETTERS = "ABCDEFGHJKLMNPRSTUXYZ"
INTERIM_LETTERS = "TRSUWXJKLMN"
HOW_TO_WRITE = "Skriv ÅÅÅÅMMDD-NNNN."

DASHES = "-‐‑‒–—−"
TEN_DIGITS = re.compile(r"[0-9]{10}")
TWELVE_DIGITS = re.compile(r"[0-9]{12}")
RESERVID_SHAPE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([A-Z]{2})([0-9A-Z])([0-9])")
LOCAL_SHAPE = re.compile(r"(?:[0-9]{2})?[0-9]{6}[A-Z]{2}[0-9][A-Z]")
LETTER_FIRST_SHAPE = re.compile(r"(?:[0-9]{2})?[0-9]{6}[A-Z][0-9]{3}")
LMA_SHAPE = re.compile(r"[0-9]{2}-?[0-9]{6}(?:/[0-9]{1,2})?")
PASSPORT_SHAPE = re.compile(r"[A-Z]{1,3}[0-9]{5,9}")
OTHER_LOCAL_SHAPE = re.compile(r"(?=.*[0-9])[0-9A-Z]{10,13}")


class IdentityError(ValueError):
    """Why the text is not an identity: one Swedish sentence or two, what is wrong and what to do."""

    def __init__(self, sentence):
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Identity:
    """A well-formed number: its kind, its one stored spelling, and the birth date and sex that it says.

    `birth_date` is None where the number does not tell a whole date, `sex` is KV Kön ("0" where it does not tell)."""

    kind: str
    value: str
    birth_date: date | None
    sex: str

    def __str__(self):
        return display(self.kind, self.value)


def parse(text, *, today, kind=None):
    """The identity that the text spells, with or without century, sign and spaces (PA-02).

    `kind` says which of the four the asker expects. Raises IdentityError with a sentence for the person who typed."""
    compact, sign = _compact(text)
    if kind is not None and kind not in KINDS:
        raise IdentityError("Välj personnummer, samordningsnummer, nationellt reservID eller lokalt reservnummer.")
    if not compact:
        raise IdentityError("Skriv ett personnummer, samordningsnummer eller reservnummer.")
    identity = _read(text, compact, sign, today, kind)
    if kind is not None and identity.kind != kind:
        raise IdentityError(f"Detta är ett {LABELS[identity.kind]}, inte ett {LABELS[kind]}. Välj rätt sort.")
    return identity


def well_formed(kind, text, *, today):
    """Whether the text is a well-formed number of the kind: one of the four, or one of the three recognised beside."""
    compact, sign = _compact(text)
    if kind in KINDS:
        try:
            return _read(text, compact, sign, today, kind).kind == kind
        except IdentityError:
            return False
    if kind == INTERIMSNUMMER:
        return _is_interim(compact, sign, today)
    if kind == LMA_NUMMER:
        return bool(LMA_SHAPE.fullmatch(text.strip()))
    if kind == ANNAN_REGIONS_RESERVNUMMER:
        return bool(OTHER_LOCAL_SHAPE.fullmatch(compact))
    raise ValueError(f"unknown kind {kind}")


def display(kind, value):
    """How a stored identity is shown: 19960322-9882; reserve numbers have no hyphen anywhere."""
    if kind in (PERSONNUMMER, SAMORDNINGSNUMMER):
        return f"{value[:8]}-{value[8:]}"
    return value


def short_form(value, today):
    """The ten-character form of a stored value: 960322-9882, with + from the year the person turns 100. A local number
    only loses its century; a nationellt reservID has no shorter form."""
    if TWELVE_DIGITS.fullmatch(value) or (len(value) == 12 and LETTER_FIRST_SHAPE.fullmatch(value)):
        sign = "+" if int(value[:4]) <= today.year - 100 else "-"
        return f"{value[2:8]}{sign}{value[8:]}"
    if len(value) == 12 and LOCAL_SHAPE.fullmatch(value):
        return value[2:]
    return value


def candidates(text, today):
    """Every stored value that the text could mean, the likeliest first: for searching, so nothing is refused (RI-01).

    A ten-digit number without sign may belong to either side of 100 years. One with "-" means the younger, but the
    older comes after: an identity card printed before the hundredth birthday still says "-"."""
    compact, sign = _compact(text)
    if TEN_DIGITS.fullmatch(compact):
        return tuple(f"{century}{compact}" for century in _centuries(compact, sign, today))
    if TWELVE_DIGITS.fullmatch(compact):
        return (compact,)
    if OTHER_LOCAL_SHAPE.fullmatch(compact):
        if LOCAL_SHAPE.fullmatch(compact) and len(compact) == 10:
            # Older local numbers were stored as they were written, so the text itself is among the answers.
            return (*(f"{century}{compact}" for century in _centuries(compact, sign, today)), compact)
        if LOCAL_SHAPE.fullmatch(compact):
            return (compact, compact[2:])
        return (compact,)
    return ()


def search_key(text):
    """A number that is searched for but is no identity (LMA, passport), in its one spelling: 12-345678 → 12345678."""
    return _compact(text)[0]


def may_be_search_key(text):
    """Whether the text has the shape of an LMA or passport number, which may be sought but names nobody for certain."""
    written = str(text or "").strip().upper()
    return bool(LMA_SHAPE.fullmatch(written) or PASSPORT_SHAPE.fullmatch(_compact(written)[0]))


def mistaken(value):
    """The spellings of a whole number with two neighbouring digits in each other's place (PL-21)."""
    swapped = {value[:at] + value[at + 1] + value[at] + value[at + 2 :] for at in range(len(value) - 1)}
    return sorted(swapped - {value})


def check_digit(digits):
    """The last digit of a personnummer, from the nine before it: weights 2, 1, 2, 1 … (Luhn)."""
    total = 0
    for position, digit in enumerate(digits):
        product = int(digit) * (2 if position % 2 == 0 else 1)
        total += product // 10 + product % 10
    return str((10 - total % 10) % 10)


def reservid_check_digit(characters):
    """The last digit of a nationellt reservID, from the eleven before it: Luhn from the right, where a letter counts
    as its ASCII value in one position."""
    total = 0
    for position, character in enumerate(reversed(characters)):
        number = int(character) if character.isdigit() else ord(character)
        total += sum(int(digit) for digit in str(number * 2 if position % 2 == 0 else number))
    return str((10 - total % 10) % 10)


# --- Reading --------------------------------------------------------------------------------------------------


def _compact(text):
    """The text without spaces, hyphens and invisible characters, in upper case, and its sign ("+", "-" or "").

    The sign counts only where a short form has it: after six or eight characters."""
    kept, sign = [], ""
    for character in str(text or ""):
        if character in DASHES or character == "+":
            if len(kept) in (6, 8):
                sign = "+" if character == "+" else sign or "-"
                continue
            if character in DASHES:
                continue
        if character.isspace() or unicodedata.category(character) in ("Cf", "Cc", "Zs"):
            continue
        kept.append(character.upper())
    return "".join(kept), sign


def _read(text, compact, sign, today, kind):
    if TWELVE_DIGITS.fullmatch(compact) and kind not in (RESERVID, LOKALT_RESERVNUMMER):
        return _civic(compact, sign, today)
    if TEN_DIGITS.fullmatch(compact) and kind not in (RESERVID, LOKALT_RESERVNUMMER):
        return _civic(_with_century(compact, sign, today), sign, today)
    if RESERVID_SHAPE.fullmatch(compact) and kind in (None, RESERVID):
        return _reservid(compact, today)
    if LOCAL_SHAPE.fullmatch(compact) and kind in (None, LOKALT_RESERVNUMMER):
        return _local(compact, sign, today)
    raise IdentityError(_what_it_is(str(text).strip().upper(), compact, kind))


def _what_it_is(written, compact, kind):
    """The refusal of a text without the shape of an identity."""
    if kind == RESERVID:
        return "Ett nationellt reservID är åtta siffror, två bokstäver, en siffra eller bokstav och en siffra."
    if kind == LOKALT_RESERVNUMMER:
        return "Ett lokalt reservnummer är datum, två bokstäver, 0 eller 1 och en bokstav, som 19810829DA1B."
    if LETTER_FIRST_SHAPE.fullmatch(compact):
        return (
            "Numret har en bokstav först av de fyra sista: interimsnummer och andra regioners reservnummer gäller inte"
            " som identitet här. Sök patienten på namn och födelsedatum, eller registrera ett nationellt reservID."
        )
    if LMA_SHAPE.fullmatch(written) and (not compact.isdigit() or "-" in written):
        return (
            "Detta är ett LMA-nummer. Det går att söka på, men patienten registreras på personnummer,"
            " samordningsnummer eller nationellt reservID."
        )
    if PASSPORT_SHAPE.fullmatch(compact):
        return (
            "Detta ser ut som ett passnummer. Det går att söka på, men patienten registreras på personnummer,"
            " samordningsnummer eller nationellt reservID."
        )
    if re.fullmatch(r"[0-9]+", compact):
        return f"Numret har {len(compact)} siffror, det ska ha 10 eller 12. {HOW_TO_WRITE}"
    if kind in (PERSONNUMMER, SAMORDNINGSNUMMER):
        return f"Ett {LABELS[kind]} har bara siffror. {HOW_TO_WRITE}"
    return f"Numret känns inte igen. {HOW_TO_WRITE} Ett nationellt reservID skrivs som 12 tecken utan bindestreck."


def _centuries(compact, sign, today):
    """The centuries that a number without century may belong to, the likeliest first; never a year to come."""
    years = [int(f"{century}{compact[:2]}") for century in reversed(CENTURIES)]
    years = [year for year in years if year <= today.year]
    if sign == "+":
        years = [year for year in years if year <= today.year - 100]
    return [str(year)[:2] for year in years]


def _with_century(compact, sign, today):
    """The twelve digits of a ten-digit number. Without a sign, two possible persons are a question, not a guess."""
    possible = _centuries(compact, sign, today)
    if sign:
        return f"{possible[0]}{compact}"
    likely = [
        century
        for century in possible
        if today.year - int(century + compact[:2]) < HIGHEST_AGE and not _date_refusal(century + compact, today)
    ]
    if len(likely) > 1:
        years = " eller ".join(century + compact[:2] for century in reversed(likely))
        raise IdentityError(f"Numret kan höra till någon född {years}. Skriv årtalet med fyra siffror.")
    return f"{(likely or possible)[0]}{compact}"


def _civic(value, sign, today):
    """Personnummer, or samordningsnummer where the day is above 60 (PA-02)."""
    if value[:2] not in CENTURIES:
        raise IdentityError(f"Årtalet {value[:4]} kan inte stämma. {HOW_TO_WRITE}")
    if refusal := _date_refusal(value, today):
        raise IdentityError(refusal)
    if sign == "+" and int(value[:4]) > today.year - 100:
        raise IdentityError(f"Plustecken betyder 100 år eller äldre, men årtalet är {value[:4]}. {HOW_TO_WRITE}")
    if value[8:11] == "000":
        raise IdentityError("Födelsenumret 000 används inte. Kontrollera de fyra sista siffrorna.")
    if value[11] != check_digit(value[2:11]):
        raise IdentityError("Kontrollsiffran stämmer inte. Kontrollera siffrorna mot legitimationen.")
    kind = SAMORDNINGSNUMMER if int(value[6:8]) >= 60 else PERSONNUMMER
    return Identity(kind, value, _birth_date(value), SEX_MAN if int(value[10]) % 2 else SEX_WOMAN)


def _date_refusal(value, today):
    """What is wrong with the first eight digits, or None. A samordningsnummer is checked by range, not by calendar:
    month 00, day 60 and days that the month has not all occur."""
    year, month, day = int(value[:4]), int(value[4:6]), int(value[6:8])
    coordination = day >= 60
    if month > 12 or (month == 0 and not coordination):
        return f"Månaden {value[4:6]} finns inte. {HOW_TO_WRITE}"
    if day > 91 or 31 < day < 60 or day == 0:
        return f"Dagen {value[6:8]} finns inte. {HOW_TO_WRITE} I ett samordningsnummer är dagen 60–91."
    if not coordination and not _calendar(year, month, day):
        return f"Den {day} {MONTHS[month - 1]} finns inte år {year}. {HOW_TO_WRITE}"
    # What the number leaves open is read as early as it can be.
    born = (year, month, max(day - 60, 0) if coordination else day)
    if born > (today.year, today.month, today.day):
        return f"Födelsedatumet ligger i framtiden. {HOW_TO_WRITE}"
    return None


def _birth_date(value):
    day = int(value[6:8])
    return _calendar(int(value[:4]), int(value[4:6]), day - 60 if day >= 60 else day)


def _calendar(year, month, day):
    """The date, or None where no calendar has it."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _reservid(value, today):
    """Nationellt reservID: XXYYMMDDNNGC, where XX is the birth century plus a multiple of three, or 00."""
    series, year, month, day, letters, sex, check = RESERVID_SHAPE.fullmatch(value).groups()
    born = None
    if series == "00":
        if int(month) < 20 or not 40 <= int(day) <= 59:
            raise IdentityError(
                "Ett reservID som börjar med 00 har inget födelsedatum: tecken 5–6 är 20–99 och tecken 7–8 är 40–59."
                " Kontrollera numret."
            )
    else:
        if int(series) < 22 or series == "99":
            raise IdentityError(f"Ett reservID börjar aldrig med {series}. Kontrollera numret.")
        century = next(century for century in CENTURIES if (int(series) - int(century)) % 3 == 0)
        born = _calendar(int(century + year), int(month), int(day))
        if born is None:
            raise IdentityError(f"Datumet {century}{year}-{month}-{day} i numret finns inte. Kontrollera numret.")
        if born > today:
            raise IdentityError("Födelsedatumet i numret ligger i framtiden. Kontrollera numret.")
    for letter in letters + ("" if sex.isdigit() else sex):
        if letter not in RESERVID_LETTERS:
            raise IdentityError(f"Bokstaven {letter} används inte i ett reservID. Kontrollera numret.")
    if check != reservid_check_digit(value[:11]):
        raise IdentityError("Kontrollsiffran stämmer inte. Kontrollera reservID:t tecken för tecken.")
    return Identity(RESERVID, value, born, _sex(sex))


def _sex(character):
    if not character.isdigit():
        return SEX_UNKNOWN
    return SEX_MAN if int(character) % 2 else SEX_WOMAN


def _local(compact, sign, today):
    """Region Skåne's local number from PASiS: date, D/E/F, a letter, 1 man or 0 woman, a letter. No check digit. The
    date of an anonymous person's number is partly the day it was made, so no age is computed from it."""
    values = [compact] if len(compact) == 12 else [f"{c}{compact}" for c in _centuries(compact, sign, today)]
    dates = [_calendar(int(value[:4]), int(value[4:6]), int(value[6:8])) for value in values]
    value, born = next(
        ((value, born) for value, born in zip(values, dates, strict=True) if born and born <= today),
        (values[0], dates[0]),
    )
    if value[:2] not in CENTURIES or born is None:
        raise IdentityError("Datumet i det lokala reservnumret finns inte. Kontrollera de första siffrorna.")
    if born > today:
        raise IdentityError("Datumet i det lokala reservnumret ligger i framtiden. Kontrollera de första siffrorna.")
    if value[8] not in "DEF":
        raise IdentityError("Första bokstaven i ett lokalt reservnummer är D, E eller F. Kontrollera numret.")
    if value[10] not in "01":
        raise IdentityError("Tredje tecknet av de fyra sista är 0 (kvinna) eller 1 (man). Kontrollera numret.")
    return Identity(LOKALT_RESERVNUMMER, value, born, SEX_MAN if value[10] == "1" else SEX_WOMAN)


def _is_interim(compact, sign, today):
    """An education-sector number: as a personnummer, with a letter that counts as 1 in the check digit."""
    if not LETTER_FIRST_SHAPE.fullmatch(compact) or compact[-4] not in INTERIM_LETTERS:
        return False
    value = compact if len(compact) == 12 else f"{_centuries(compact, sign, today)[0]}{compact}"
    digits = value[:8] + "1" + value[9:]
    return not _date_refusal(digits, today) and digits[11] == check_digit(digits[2:11])
