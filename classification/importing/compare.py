"""What a list changes: codes added, changed and ended, told before anything is let into effect (KL-05)."""

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field

# What a code is compared by, with the words that the preview shows.
COMPARED = {
    "title": "titel",
    "display": "skrivs",
    "level": "nivå",
    "parent": "överordnad",
    "is_registrable": "kan registreras",
    "is_leaf": "utan fördjupning",
    "may_be_main": "kan vara huvuddiagnos",
    "is_external_cause": "yttre orsak",
    "mark": "märke",
    "sex": "bara kön",
    "valid_from": "giltig från",
    "valid_to": "giltig till",
    "texts": "förklaringar",
    "relations": "hänvisningar",
}
SHOWN = 200
COLUMNS = ("vad", "kod", "titel", "andring")


@dataclass(frozen=True, slots=True)
class Change:
    """A code whose meaning changes: (what, before, after) for each thing."""

    row: object
    what: tuple


@dataclass
class Comparison:
    """A list beside what stood before."""

    added: list = field(default_factory=list)
    changed: list = field(default_factory=list)
    ended: list = field(default_factory=list)
    same: int = 0

    @property
    def fingerprint(self):
        """Of all that would change: what is let into effect is what was seen."""
        told = hashlib.sha256()
        for kind, codes in (
            ("+", [(row.code, row.title) for row in self.added]),
            ("~", [(change.row.code, [str(part) for part in change.what]) for change in self.changed]),
            ("-", [code for code, _ in self.ended]),
        ):
            told.update(json.dumps([kind, codes], ensure_ascii=False).encode())
        return told.hexdigest()

    def report(self, remarks=(), **more):
        """What is kept and shown: the counts, the first of each kind, and the remarks."""
        return {
            "counts": {
                "added": len(self.added),
                "changed": len(self.changed),
                "ended": len(self.ended),
                "same": self.same,
            },
            "added": [[row.display or row.code, row.title] for row in self.added[:SHOWN]],
            "changed": [
                [
                    change.row.display or change.row.code,
                    change.row.title,
                    [[name, _words(before), _words(after)] for name, before, after in change.what],
                ]
                for change in self.changed[:SHOWN]
            ],
            "ended": [[code, title] for code, title in self.ended[:SHOWN]],
            "remarks": list(remarks),
            **more,
        }

    def written(self):
        """All of it as a file: what, code, title, and what of it changes."""
        text = io.StringIO()
        file = csv.writer(text, delimiter=";", lineterminator="\r\n")
        file.writerow(COLUMNS)
        file.writerows(("ny", row.display or row.code, row.title, "") for row in self.added)
        file.writerows(
            (
                "ändrad",
                change.row.display or change.row.code,
                change.row.title,
                "; ".join(f"{name}: {_words(before)} → {_words(after)}" for name, before, after in change.what),
            )
            for change in self.changed
        )
        file.writerows(("upphör", code, title, "") for code, title in self.ended)
        return text.getvalue().encode("utf-8-sig")


def compare(rows, before):
    """The rows beside `before`: {code: row of the same shape} of what is in force. What has already ended is not ended
    again; where a list says nothing about sex, what is known stands."""
    found = Comparison()
    codes = set()
    for row in rows:
        codes.add(row.code)
        known = before.get(row.code)
        if known is None:
            found.added.append(row)
        elif differences := _differences(known, row):
            found.changed.append(Change(row, differences))
        else:
            found.same += 1
    found.ended = sorted(
        (known.display or code, known.title)
        for code, known in before.items()
        if code not in codes and known.valid_to is None
    )
    return found


def _differences(before, after):
    what = []
    for name, word in COMPARED.items():
        old, new = getattr(before, name), getattr(after, name)
        if name == "sex" and new is None:
            continue
        if name == "relations":
            old, new = sorted(old), sorted(new)
        if old != new:
            what.append((word, old, new))
    return tuple(what)


def _words(value):
    if value is True or value is False:
        return "ja" if value else "nej"
    if isinstance(value, dict | list | tuple):
        return f"{len(value)} st" if value else "inga"
    return str(value)[:300] if value not in (None, "") else "–"
