"""Reading of catalogue files (CSV, semicolon, heading row) into catalogue tables, repeatably.

A file is read as a whole and stops at the first thing it does not know, with line and reason: a catalogue that is
half understood would be offered to users as if it were right."""

import csv
from dataclasses import dataclass

from .models import ChangeLogEntry


class CatalogueError(Exception):
    """What was not understood: file, line, reason. The sentence is for whoever runs the command."""


class Line(dict):
    """A line of a catalogue file; it knows where it stands, so that it can refuse with its place."""

    def __init__(self, values, file, number):
        super().__init__(values)
        self.file, self.number = file, number

    def stop(self, reason):
        raise CatalogueError(f"{self.file}, rad {self.number}: {reason}")

    def required(self, heading):
        """The text under the heading, which may not be empty."""
        if not self[heading]:
            self.stop(f"{heading} saknas")
        return self[heading]

    def known(self, heading, words):
        """What the word under the heading stands for; an unknown word stops the reading."""
        word = self[heading]
        if word not in words:
            self.stop(f"okänt {heading}: ”{word}”. Kända: {', '.join(sorted(w for w in words if w))}")
        return words[word]


def lines_of(path, headings):
    """The lines of the file. The headings are exactly those expected, in their order."""
    with path.open(encoding="utf-8", newline="") as opened:
        reader = csv.reader(opened, delimiter=";", strict=True)
        found = next(reader, [])
        if found != headings:
            raise CatalogueError(f"{path.name}, rad 1: rubrikerna är {';'.join(found)}, väntade {';'.join(headings)}")
        lines = []
        for values in reader:
            line = Line(zip(headings, map(str.strip, values), strict=False), path.name, reader.line_num)
            if len(values) != len(headings):
                line.stop(f"{len(values)} värden, väntade {len(headings)}")
            lines.append(line)
        return lines


@dataclass
class Loaded:
    """What became of a file's rows. `kept` are rows that somebody has changed here: they stay as they are."""

    what: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    kept: int = 0

    def __str__(self):
        told = f"{self.what}: {self.added} nya, {self.changed} ändrade, {self.unchanged} oförändrade"
        return f"{told}, {self.kept} ändrade här och behållna" if self.kept else told


def store(model, wanted, *, key="code", what=None):
    """Adds and changes rows of the model so that they are as the files say. `wanted` are dicts of fields.

    A row that a person has changed in the administration is theirs and is left alone, so a new start of the system
    does not undo an administrator's work. Nothing is ever removed. Returns (Loaded, rows by key)."""
    loaded = Loaded(what or model._meta.verbose_name_plural)
    rows = {getattr(row, key): row for row in model.objects.all()}
    different, new = [], []
    for fields in wanted:
        row = rows.get(fields[key])
        if row is None:
            row = rows[fields[key]] = model(**fields)
            new.append(row)
        elif changes := {name: value for name, value in fields.items() if getattr(row, name) != value}:
            different.append((row, changes))
        else:
            loaded.unchanged += 1
    model.objects.bulk_create(new)
    theirs = changed_by_people(model, [row.pk for row, _ in different])
    for row, changes in different:
        if str(row.pk) in theirs:
            loaded.kept += 1
            continue
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=list(changes))
        loaded.changed += 1
    loaded.added = len(new)
    return loaded, rows


def changed_by_people(model, keys):
    """Which of the rows the change log has a person for."""
    if not keys:
        return set()
    return set(
        ChangeLogEntry.objects.filter(
            table_name=model._meta.db_table, row_id__in=[str(key) for key in keys], actor_id__isnull=False
        ).values_list("row_id", flat=True)
    )
