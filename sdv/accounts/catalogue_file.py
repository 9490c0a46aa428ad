"""A catalogue that goes out and comes in as a file, declared by its model and its columns (KA-03).

The file is the whole list, or the whole of what it names. A row that it no longer has gets an end date, the day before;
nothing that history refers to is deleted. What the file would change is tried against the model's own rules before it is
shown, and takes effect as a whole or not at all."""

import csv
import hashlib
import io
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection, models, transaction
from django.utils.text import slugify

from sdv.common.catalogues import CatalogueError
from sdv.common.errors import RuleError
from sdv.common.spreadsheets import as_text, read_back
from sdv.common.time import local_date, start_of_day

MOST_ROWS = 5000
YES_OR_NO = {"ja": True, "nej": False}


class Column:
    """A field as a column under the name the administration has for it. A row pointed out is told by its code, by the
    HSA-id of a part of the organisation or a person, or by its name, after its unit's HSA-id where a unit has names of its
    own."""

    def __init__(self, field):
        self.field = field
        self.heading = slugify(field.verbose_name).replace("-", "_")

    @cached_property
    def codes(self):
        if not self.field.is_relation:
            return {}
        model = self.field.related_model
        names = {field.name for field in model._meta.concrete_fields}
        known = [name for name in ("code", "hsa_id") if name in names][:1] or ["name"]
        if known == ["name"] and "care_unit" in names:
            known = ["care_unit__hsa_id", "name"]
        return {key: " ".join(told) for key, *told in model.objects.values_list("pk", *known)}

    @cached_property
    def words(self):
        """What a cell may say where not everything can be said."""
        if isinstance(self.field, models.BooleanField):
            return dict(YES_OR_NO)
        if self.field.is_relation:
            return {as_text(code): key for key, code in self.codes.items()}
        return {word: word for word, _ in self.field.flatchoices}

    def admit(self, told, row):
        """Later lines may point out a row that the file itself adds."""
        if self.words.setdefault(told, row.pk) == row.pk:
            self.codes[row.pk] = told

    def is_within(self, model):
        return self.field.related_model is model

    def cell(self, row):
        """The row's value as the file says it."""
        value = getattr(row, self.field.attname)
        if value is None:
            return ""
        if isinstance(value, bool):
            return "ja" if value else "nej"
        if isinstance(value, list):
            return as_text(", ".join(value))
        return as_text(str(self.codes.get(value, value)))

    def value(self, cell):
        """What the cell says, or a ValueError with why it says nothing. Lengths and bounds are the model's to judge."""
        field = self.field
        if isinstance(field, ArrayField):
            return [word.strip() for word in read_back(cell).split(",") if word.strip()]
        if not cell:
            if not (field.null or field.blank):
                raise ValueError("saknas.")
            return None if field.null else ""
        if self.words or field.is_relation:
            if cell not in self.words:
                known = f" Kända: {', '.join(filter(None, self.words))}." if len(self.words) <= 20 else ""
                raise ValueError(f"”{cell}” är inte känt.{known}")
            return self.words[cell]
        if isinstance(field, models.IntegerField):
            if not (cell.isascii() and cell.isdigit() and len(cell) <= 10):
                raise ValueError(f"”{cell}” är inget heltal.")
            return int(cell)
        if isinstance(field, models.DateField):
            try:
                return date.fromisoformat(cell)
            except ValueError:
                raise ValueError(f"”{cell}” är inget datum (ÅÅÅÅ-MM-DD).") from None
        return read_back(cell)


@dataclass(frozen=True)
class Change:
    """What becomes of a row, of which line, and how it is told."""

    row: models.Model
    values: dict
    told: str
    line: int = 0

    def __str__(self):
        return self.told


@dataclass(frozen=True)
class Comparison:
    """What the file would change, and a fingerprint of it: what takes effect is what was seen, or nothing. `left` are rows
    that the file does not have and that stay, with why."""

    added: tuple
    changed: tuple
    ended: tuple
    left: tuple
    same: int
    fingerprint: str
    # What else it does, to be seen before the yes.
    told: str = ""


@dataclass(frozen=True)
class CatalogueFile:
    """The door's words and functions (`FileImport`) for a model. `key` names the fields that say which row a line is of,
    `fixed` those that stay once a row is there (the admin's), `rule` the rule it is maintained by. With `within` the file
    is the whole list of those that it names there, and others are left alone. `is_removed`: what the file no longer has is
    taken away, where nothing refers to it."""

    model: type
    rule: str
    columns: tuple
    fixed: tuple = ("code",)
    key: tuple = ("code",)
    within: str = ""
    is_removed: bool = False
    # Which rows of the model are the catalogue's.
    only: models.Q = field(default_factory=models.Q)

    confirm = "Låt raderna gälla"
    done = "Filen är inläst."
    help_text = "Hela listan, med exportens rubriker."
    another = "Katalogen har ändrats sedan filen jämfördes. Läs filen igen och se vad som ändras."
    is_archive = False

    @classmethod
    def of_catalogue(cls, model, rule, *own, fixed=("code",)):
        """For a CatalogueRow: its common fields round its own."""
        return cls(model, rule, ("code", "name", *own, "source", "valid_from", "valid_to"), fixed)

    @property
    def what(self):
        return self.model._meta.verbose_name_plural

    @property
    def about(self):
        whole = "Filen är hela listan"
        if self.within:
            whole += f" för de {self._within.related_model._meta.verbose_name_plural} den nämner"
        gone = "Det som inte står i filen står kvar. Inget tas bort"
        if self.is_removed:
            gone = "Det som inte står i filen tas bort"
        elif "valid_to" in self.columns:
            gone = "Det som inte står i filen får gårdagen som sista dag. Inget tas bort"
        return (
            f"{whole}. Den jämförs med det som finns, och inget ändras förrän du har sagt ja."
            f" {gone}, och det som redan är registrerat behåller det som valdes då."
        )

    @property
    def _within(self):
        return self.model._meta.get_field(self.within)

    @property
    def file_name(self):
        return f"{slugify(self.model._meta.verbose_name_plural)}.csv"

    def written(self):
        """The catalogue as a file: semicolons, UTF-8 with a mark that spreadsheets understand."""
        out, columns = io.StringIO(), self._columns()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow([column.heading for column in columns])
        # What others are in comes first: a line points out what stands before it.
        rows = sorted(self._rows(), key=self._points_within)
        writer.writerows([column.cell(row) for column in columns] for row in rows)
        return "\ufeff" + out.getvalue()

    @transaction.atomic
    def compared(self, text, *, on):
        """Reads the file, compares it, and tries what it would change. Raises CatalogueError with line and reason."""
        self._lock()
        found = self._compare(text, on)
        with transaction.atomic():
            told = self._write(found, by=None, at=start_of_day(on))
            transaction.set_rollback(True)
        return replace(found, told=told)

    @transaction.atomic
    def take_effect(self, *, text, fingerprint, by, at):
        """Lets the compared file take effect. Refuses when the catalogue is another than the one that was compared."""
        self._lock()
        found = self._compare(text, local_date(at))
        if found.fingerprint != fingerprint:
            raise RuleError(self.rule, self.another, code="another_list")
        self._write(found, by=by, at=at)
        return found

    def _lock(self):
        """Reading goes on; whoever else writes in the catalogue waits, also with a row that is not there yet."""
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(self.model._meta.db_table)
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")

    def _rows(self):
        rows = self.model.objects.filter(self.only)
        return rows.order_by(*filter(None, [self.within]), *(self.model._meta.ordering or self.key))

    def _points_within(self, row):
        """Whether the row points out another of the catalogue, as a bed its room."""
        return any(getattr(row, column.field.attname) for column in self._columns() if column.is_within(self.model))

    def _columns(self):
        return [Column(self.model._meta.get_field(name)) for name in self.columns]

    def _key(self, columns, cells):
        return tuple(cell for column, cell in zip(columns, cells, strict=True) if column.field.name in self.key)

    def _compare(self, text, on):
        columns = self._columns()
        rows = [(row, [column.cell(row) for column in columns]) for row in self._rows()]
        present = {}
        for row, cells in rows:
            key = self._key(columns, cells)
            if present.setdefault(key, (row, cells)) != (row, cells):
                raise CatalogueError(f"{self._label(row, key)} finns två gånger. Ändra den ena för hand först.")
        wanted = self._read(text, columns)
        if rows and not wanted:
            raise CatalogueError("Filen har inga rader.")
        added, changed, ended, left = [], [], [], []
        for key, (line, cells, read) in wanted.items():
            if key not in present:
                told = ", ".join(
                    f"{column.heading}: {cell}" for column, cell in zip(columns, cells, strict=True) if cell
                )
                added.append(Change(read, {}, told, line))
            elif present[key][1] != cells:
                row, before = present[key]
                changed.append((self._label(row, key), self._changed(columns, row, before, cells, read, line)))
        named = {getattr(read, self._within.attname) for _, _, read in wanted.values()} if self.within else ()
        for key, (row, _) in present.items():
            if key not in wanted and (not self.within or getattr(row, self._within.attname) in named):
                self._gone(row, self._label(row, key), on, ended, left)
        mark = repr(
            (str(on), [cells for _, cells, _ in wanted.values()], sorted((str(row.pk), was) for row, was in rows))
        )
        return Comparison(
            tuple(added),
            tuple(changed),
            tuple(ended),
            tuple(left),
            len(wanted) - len(added) - len(changed),
            hashlib.sha256(mark.encode()).hexdigest(),
        )

    def _changed(self, columns, row, before, after, read, line):
        told, new = [], {}
        for column, old, cell in zip(columns, before, after, strict=True):
            if old == cell:
                continue
            step = f"{column.heading}: {old or 'tomt'} → {cell or 'tomt'}"
            if column.field.name in self.fixed:
                raise CatalogueError(
                    f"Rad {line}: {step}. Det ändras inte på en rad som finns. Ge raden ett slutdatum, och lägg till en ny."
                )
            told.append(step)
            new[column.field.attname] = getattr(read, column.field.attname)
        return Change(row, new, "; ".join(told), line)

    @staticmethod
    def _label(row, key):
        return f"{row} ({', '.join(filter(None, key))})"

    def _gone(self, row, label, on, ended, left):
        """An end date where there can be one. What has ended already is nothing to tell of."""
        if self.is_removed:
            ended.append(Change(row, {}, f"{label}, tas bort"))
        elif "valid_to" not in self.columns:
            left.append((label, "har inget slutdatum att sätta"))
        elif row.valid_to is not None and row.valid_to < on:
            return
        elif row.valid_from is not None and row.valid_from >= on:
            left.append((label, "har inte hunnit gälla en dag; ändra raden själv om den inte ska gälla"))
        else:
            last = on - timedelta(days=1)
            ended.append(Change(row, {"valid_to": last}, f"{label}, till {last}"))

    def _write(self, found, *, by, at):
        """What ends makes room for what begins: ends first, new rows last, and after them what has come to point one of them
        out. Each is judged as its model judges it. Returns what else it does, in words."""
        for change in found.ended:
            if self.is_removed:
                change.row.delete()
            else:
                self._save(change, by=by, at=at)
        changed = sorted((change for _, change in found.changed), key=lambda change: not _has_a_last_day(change))
        new = {change.row.pk for change in found.added}
        within = [column.field.attname for column in self._columns() if column.is_within(self.model)]
        acts = [*changed, *found.added]
        for change in sorted(acts, key=lambda change: any(change.values.get(name) in new for name in within)):
            self._save(change, by=by, at=at)
        return ""

    def _save(self, change, *, by, at):
        row = change.row
        for name, value in change.values.items():
            setattr(row, name, value)
        try:
            if change.line:
                row.full_clean()
        except ValidationError as wrong:
            told = []
            for name, sentences in wrong.message_dict.items():
                heading = "" if name == NON_FIELD_ERRORS else f"{Column(self.model._meta.get_field(name)).heading}: "
                told.append(heading + " ".join(sentences))
            raise CatalogueError(f"Rad {change.line}: {' '.join(told)}") from None
        row.save(update_fields=list(change.values) or None)

    def _read(self, text, columns):
        """What each line says, by its key: line number, cells as this file writes them, and as a row."""
        if "\x00" in text:
            raise CatalogueError("Filen har tecken som inte hör till en text.")
        reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";", strict=True)
        headings, wanted = [column.heading for column in columns], {}
        try:
            if next(reader, []) != headings:
                raise CatalogueError(f"Rad 1: rubrikerna ska vara {';'.join(headings)}.")
            for given in reader:
                line = reader.line_num
                if not any(given):
                    continue
                if len(given) != len(columns):
                    raise CatalogueError(f"Rad {line}: {len(given)} värden, väntade {len(columns)}.")
                row = self.model(**self._values(columns, given, line))
                cells = [column.cell(row) for column in columns]
                key = self._key(columns, cells)
                for column in columns:
                    if column.is_within(self.model):
                        column.admit(" ".join(key), row)
                if key in wanted:
                    raise CatalogueError(f"Rad {line}: raden står två gånger ({', '.join(filter(None, key))}).")
                wanted[key] = (line, cells, row)
                if len(wanted) > MOST_ROWS:
                    raise CatalogueError(f"Filen har fler än {MOST_ROWS} rader.")
        except csv.Error as wrong:
            raise CatalogueError(f"Rad {reader.line_num}: raden går inte att läsa ({wrong}).") from None
        return wanted

    @staticmethod
    def _values(columns, given, line):
        values = {}
        for column, cell in zip(columns, map(str.strip, given), strict=True):
            try:
                values[column.field.attname] = column.value(cell)
            except ValueError as wrong:
                raise CatalogueError(f"Rad {line}: {column.heading}: {wrong}") from None
        return values


def _has_a_last_day(change):
    return change.values.get("valid_to") is not None
