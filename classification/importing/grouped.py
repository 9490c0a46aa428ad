"""The official TSV of the years since 2023: one code may span several lines."""

from .errors import CatalogueError
from .files import cells_of
from .rows import clean

CODE = "Kod"


class Entry:
    """The lines of one code: single values once, texts in lists."""

    __slots__ = ("code", "single", "texts", "where")

    def __init__(self, code, where):
        self.code, self.where, self.single, self.texts = code, where, {}, {}


def entries(file, *, columns, single):
    """The file's entries, in order. `single` are the columns of which a code has one value: a line that says otherwise
    than an earlier line of the same code stops. Of every other column each line may hold one more."""
    found = {}
    for line, cells in cells_of(file, columns=columns, delimiter="\t"):
        code = clean(cells[CODE])
        if not code:
            raise CatalogueError(f"{file.at(line)}: raden saknar kod.")
        entry = found.get(code)
        if entry is None:
            entry = found[code] = Entry(code, file.at(line))
        for column, cell in cells.items():
            value = clean(cell)
            if not value or column == CODE:
                continue
            if column in single:
                before = entry.single.setdefault(column, value)
                if before != value:
                    raise CatalogueError(
                        f"{file.at(line)}: {code} har {column} {value[:60]}, men en tidigare rad säger {before[:60]}."
                    )
            elif value not in (kept := entry.texts.setdefault(column, [])):
                kept.append(value)
    return list(found.values())
