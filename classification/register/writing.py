"""Files of a delivery, written by a layout: semicolons, nothing for what is missing, and no semicolon after the last
value unless that value is missing (HSLF-FS 2016:91, bilaga 1). Pure: the same contents and layout give the same bytes."""

import hashlib
from dataclasses import dataclass

from classification.register.contents import rows
from classification.register.fields import FILES, SUBSETS, file_name
from sdv.common.errors import RuleError
from sdv.common.time import local

LINE_ENDINGS = {"crlf": "\r\n", "lf": "\n"}


@dataclass(frozen=True)
class Field:
    """A field of a file, as the layout has it."""

    subset: str
    file: str
    position: int
    field: str
    format: str = "text"
    max_length: int | None = None
    is_required: bool = False
    code_list: str = ""


@dataclass(frozen=True)
class Layout:
    """A layout as the writer reads it."""

    version: str
    regulation: str
    is_verified: bool
    file_name: str
    has_header: bool
    line_ending: str
    encoding: str
    fields: tuple

    @property
    def digest(self):
        """Changes with the least change of the layout."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    def files(self):
        """(sub-set, file) of the files that the layout has, in order."""
        present = {(row.subset, row.file) for row in self.fields}
        return [(subset, file) for subset in SUBSETS for file in FILES if (subset, file) in present]

    def of(self, subset, file):
        """The fields of a file, in order."""
        found = [row for row in self.fields if (row.subset, row.file) == (subset, file)]
        return sorted(found, key=lambda row: row.position)


@dataclass(frozen=True)
class File:
    """A written file."""

    name: str
    subset: str
    file: str
    rows: int
    content: bytes

    @property
    def checksum(self):
        return hashlib.sha256(self.content).hexdigest()


def layout_refusal(layout):
    """Why nothing can be written by the layout, or None: places without gaps, and a key in every file."""
    if not layout.fields:
        return RuleError("PAR-01", f"Layouten {layout.version} har inga fält. Ange dem under Kataloger.")
    for subset, file in layout.files():
        fields = layout.of(subset, file)
        if [row.position for row in fields] != list(range(1, len(fields) + 1)):
            return RuleError("PAR-01", f"Platserna i {subset} {file} har luckor. Rätta layouten {layout.version}.")
    return None


def written(value, field):
    """The value as text in the field's format."""
    if value is None:
        return ""
    if field.format == "date":
        return f"{value:%Y%m%d}"
    if field.format == "moment":
        return f"{local(value):%Y%m%d%H%M}"
    return str(value)


def fault(text, field, encoding, known=None):
    """What is wrong with a written value, or an empty text. `known` is {code list: codes}."""
    if field.is_required and not text:
        return "saknas"
    if field.max_length and len(text) > field.max_length:
        return f"är längre än {field.max_length} tecken"
    if text and text not in (known or {}).get(field.code_list, (text,)):
        return f"är {text}, som inte finns i kodlistan"
    if any(sign in text for sign in ';"\r\n'):
        return "har ett tecken som filen inte får ha"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return f"har ett tecken utanför {encoding}"
    return ""


def faults(content, layout, known=None):
    """(field, what is wrong) of everything in a contact that its files could not hold, or that is in no code list that
    the layout names."""
    found = []
    for subset, file in layout.files():
        if subset != content.subset:
            continue
        for values in rows(content, file):
            for field in layout.of(subset, file):
                if wrong := fault(written(values.get(field.field), field), field, layout.encoding, known):
                    found.append((field, wrong))
    return found


def write(contents, layout, *, file_code, period):
    """Every file of the layout, empty ones too, of the contents in the order of their keys."""
    contents = sorted(contents, key=lambda content: content.key)
    ending = LINE_ENDINGS[layout.line_ending]
    made = []
    for subset, file in layout.files():
        fields = layout.of(subset, file)
        lines = [
            ";".join(written(values.get(field.field), field) for field in fields)
            for content in contents
            if content.subset == subset
            for values in rows(content, file)
        ]
        head = [";".join(field.field for field in fields)] if layout.has_header else []
        name = file_name(
            layout.file_name,
            is_verified=layout.is_verified,
            file_code=file_code,
            subset=subset,
            file=file,
            first=period.first,
            last=period.last,
        )
        text = "".join(f"{line}{ending}" for line in (*head, *lines))
        made.append(File(name, subset, file, len(lines), text.encode(layout.encoding)))
    return made
