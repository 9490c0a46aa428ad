"""The codes of a contact while a person works with them: carried by the form from step to step, saved as a whole.

Pure. The draft has the shape of PUT encounters/{id}/coding/ (classification.judging.body_of). In the form each code is a
token, in order: `d` diagnosis, `x` external cause and `a` ATC under the code before it, `p` procedure, `k` ATC of the
contact itself."""

import re
from datetime import date

from classification import rules
from classification.judging import normalise
from sdv.common.errors import InputError, RuleError

DIAGNOSES, PROCEDURES, CONTACT = "d", "p", "k"
_UNREADABLE = "Listan över koder går inte att läsa. Läs in sidan igen."
MOST_CODES = 100
_ON_ANOTHER_DAY = " Gjordes den flera dagar: ange datum för den som står här och lägg till den igen."
CODE = re.compile(r"[0-9A-Z][0-9A-Z-]{0,11}")


def empty():
    """A draft without codes."""
    return {"diagnoses": [], "procedures": [], "atc": []}


def tokens(body):
    """The draft as the form carries it."""
    found = []
    for row in body["diagnoses"]:
        found.append(f"d:{row['system']}:{row['code']}")
        found += [f"x:{rules.ICD}:{code}" for code in row["external_causes"]]
        found += [f"a:{rules.ATC}:{code}" for code in row["atc"]]
    for row in body["procedures"]:
        day = row["date"].isoformat() if row["date"] else ""
        found.append(f"p:{row['system']}:{row['code']}:{day}")
        found += [f"a:{rules.ATC}:{code}" for code in row["atc"]]
    return [*found, *(f"k:{rules.ATC}:{code}" for code in body["atc"])]


def parsed(values):
    """The draft that the form carried. Raises InputError for what this page did not make."""
    body, last = empty(), None
    if len(values) > MOST_CODES:
        raise InputError(codes=f"En kontakt kan ha högst {MOST_CODES} koder.")
    for value in values:
        kind, system, code, *rest = [*value.split(":"), "", "", ""][:4]
        code = normalise(code)
        if not CODE.fullmatch(code) or system not in rules.SYSTEM_NAMES:
            raise InputError(codes=_UNREADABLE)
        if kind == "d":
            last = {"system": system, "code": code, "external_causes": [], "atc": []}
            body["diagnoses"].append(last)
        elif kind == "p":
            last = {"system": system, "code": code, "date": _day(rest[0]), "atc": []}
            body["procedures"].append(last)
        elif kind == "k":
            body["atc"].append(code)
        elif kind == "a" and last is not None:
            last["atc"].append(code)
        elif kind == "x" and last is not None and "external_causes" in last:
            last["external_causes"].append(code)
        else:
            raise InputError(codes=_UNREADABLE)
    return body


def _day(text):
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(codes=_UNREADABLE) from None


def add(body, system, code, display, *, is_external_cause=False, under=""):
    """Adds a code where it belongs and says where (KL-02, KL-03). `under` is the place (d:0, p:1) that an external
    cause or a substance is meant for; without one it goes under what was added last. Raises RuleError where it has no
    place."""
    if _stands_in(body, system, code) and not _on_other_days(body, system, code):
        return f"{display} finns redan." + (_ON_ANOTHER_DAY if system in rules.PROCEDURE_SYSTEMS else "")
    diagnoses = body["diagnoses"]
    owner = _owner(body, under)
    if system == rules.ICD and is_external_cause:
        if not diagnoses:
            raise RuleError("KL-03", f"{display} är en yttre orsak och hör till en diagnos. Lägg till diagnosen först.")
        (owner if owner in diagnoses else diagnoses[-1])["external_causes"].append(code)
        return f"{display} är tillagd som yttre orsak."
    if system == rules.ICD:
        diagnoses.append({"system": system, "code": code, "external_causes": [], "atc": []})
        return f"{display} är tillagd som {'huvuddiagnos' if len(diagnoses) == 1 else 'bidiagnos'}."
    if system in rules.PROCEDURE_SYSTEMS:
        body["procedures"].append({"system": system, "code": code, "date": None, "atc": []})
        return f"{display} är tillagd som åtgärd."
    if system == rules.ATC:
        last = owner or (diagnoses[-1] if diagnoses else None)
        (last["atc"] if last else body["atc"]).append(code)
        return f"{display} är tillagd som läkemedel."
    raise RuleError("KL-02", f"{display} används inte för att klassificera nya kontakter. Sök koden i ICD-10-SE.")


def _owner(body, under):
    """The diagnosis or procedure at a place, or None."""
    kind, _, number = under.partition(":")
    rows = {DIAGNOSES: body["diagnoses"], PROCEDURES: body["procedures"]}.get(kind, [])
    return rows[int(number)] if number.isdecimal() and int(number) < len(rows) else None


def date_procedures(body, dates):
    """The procedures' own days, by their places, as the form's fields have them; an empty field is the contact's day."""
    for place, text in dates.items():
        if place < len(body["procedures"]):
            body["procedures"][place]["date"] = _day(text)


def _on_other_days(body, system, code):
    """Whether it is a procedure that stands with days of its own only: once more is another occasion (R21)."""
    days = [row["date"] for row in body["procedures"] if (row["system"], row["code"]) == (system, code)]
    return bool(days) and all(days)


def _stands_in(body, system, code):
    if system in rules.PROCEDURE_SYSTEMS:
        return any((row["system"], row["code"]) == (system, code) for row in body["procedures"])
    if system == rules.ATC:
        owners = (*body["diagnoses"], *body["procedures"])
        return code in body["atc"] or any(code in row["atc"] for row in owners)
    return any(row["code"] == code or code in row["external_causes"] for row in body["diagnoses"])


def add_all(body, other):
    """Adds every code of another contact that is not here yet, with what hangs under it; the days of its procedures are
    its own. Returns how many came."""
    before = len(tokens(body))
    here = {(row["system"], row["code"]) for row in body["procedures"]}
    new = [row | {"date": None} for row in other["procedures"] if (row["system"], row["code"]) not in here]
    _take_in(body, other | {"procedures": new})
    return len(tokens(body)) - before


def merged(saved, draft):
    """What a colleague has saved, in its order and with its main diagnosis, and after it what the draft has besides:
    nothing of either is lost (PL-27, BO-02)."""
    body = parsed(tokens(saved))
    _take_in(body, draft)
    return body


def _take_in(body, other):
    _join(body["diagnoses"], other["diagnoses"], ("system", "code"))
    _join(body["procedures"], other["procedures"], ("system", "code", "date"))
    body["atc"] += [code for code in other["atc"] if not _stands_in(body, rules.ATC, code)]


def _join(rows, others, key):
    for other in others:
        same = next((row for row in rows if all(row[name] == other[name] for name in key)), None)
        if same is None:
            same = {name: [] if isinstance(value, list) else value for name, value in other.items()}
            rows.append(same)
        for under in ("external_causes", "atc"):
            if under in other:
                same[under] += [code for code in other[under] if code not in same[under]]


def move(body, place, step):
    """Moves a diagnosis up (-1) or down (+1); at the end it stays. Returns the code moved."""
    rows = body["diagnoses"]
    if not 0 <= place < len(rows):
        raise InputError(codes=_UNREADABLE)
    to = min(max(place + step, 0), len(rows) - 1)
    rows.insert(to, rows.pop(place))
    return rows[to]["code"]


def remove(body, kind, place, under=None, position=None):
    """Takes a code away: `kind` d, p or k at `place`, or what hangs under it (`under` x or a, at `position`). Returns
    its code."""
    try:
        rows = {DIAGNOSES: body["diagnoses"], PROCEDURES: body["procedures"], CONTACT: body["atc"]}[kind]
        if under:
            rows = rows[place][{"x": "external_causes", "a": "atc"}[under]]
            place = position
        if place < 0:
            raise IndexError
        gone = rows.pop(place)
    except (KeyError, IndexError, TypeError):
        raise InputError(codes=_UNREADABLE) from None
    return gone["code"] if isinstance(gone, dict) else gone


def all_keys(body):
    """Every (system, code) of the draft."""
    found = set()
    for value in tokens(body):
        _, system, code, *_ = value.split(":")
        found.add((system, code))
    return found
