"""The shapes that components take: what a presenter in any app hands to a template. Words only, no rows."""

from dataclasses import dataclass
from typing import NamedTuple


class Tag(NamedTuple):
    """A short marking: tone (`""`, info, ok, warn, danger, busy, plain, guard), icon and word."""

    tone: str
    icon: str
    text: str


class Link(NamedTuple):
    """A link in a menu, a row of chips or tabs. `key` is the shortcut as it is printed (`F8`, `Alt 1`)."""

    label: str
    url: str
    key: str = ""
    count: int | None = None
    current: bool = False


class Step(NamedTuple):
    """A step of a timeline. `state` is done, now or next; `tag` tells a deviation."""

    label: str
    lines: tuple = ()
    state: str = "done"
    tag: Tag | None = None


class Choice(NamedTuple):
    """An outcome to choose among radio cards; `panel` is the id of the part with the chosen outcome's own fields."""

    value: str
    label: str
    hint: str = ""
    panel: str = ""
    refused: str = ""


class Option(NamedTuple):
    """A row in a combobox's list: where it leads (`href`) or what it stands for (`value`)."""

    text: str
    value: str = ""
    href: str = ""
    code: str = ""
    hint: str = ""
    tag: Tag | None = None


class OptionGroup(NamedTuple):
    label: str
    options: tuple = ()


class Key(NamedTuple):
    """A line of a legend: the keys as printed, and what they do."""

    keys: tuple
    text: str


@dataclass(frozen=True)
class Band:
    """The patient band. For a protected person `name` is already the marking's name and nothing hidden is in here at
    all (SK-02): the band shows what it is given.

    `identity_kind` is the word for the number (Personnummer, Samordningsnummer, Nationellt reservID, Reservnummer);
    `is_code` sets it in monospace. `marking` is the protection's name, empty otherwise. `sentence` says what is hidden
    or was stopped. `links` stand in the second row, `actions` to the right. `changed` tells that somebody else has
    changed the patient since."""

    name: str
    identity: str
    identity_kind: str = "Personnummer"
    is_code: bool = False
    age_text: str = ""
    sex_text: str = ""
    marking: str = ""
    is_protected: bool = False
    is_deceased: bool = False
    sentence: str = ""
    url: str = ""
    tags: tuple = ()
    facts: tuple = ()
    links: tuple = ()
    actions: tuple = ()
    changed: str = ""

    @property
    def digits(self):
        """The number as twelve digits, for the clipboard."""
        return "".join(character for character in self.identity if character.isalnum())
