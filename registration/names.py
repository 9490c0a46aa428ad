"""Names as people search for and sort them. Pure."""

import re
import unicodedata

# After z in ASCII, so that byte order is Swedish order whatever the server's collation.
_AFTER_Z = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})
_PLAIN = str.maketrans({"ø": "o", "æ": "a", "đ": "d", "ł": "l", "ß": "s", "ı": "i", "þ": "t", "ð": "d"})
# As long as the columns are: one typed sign may fold into many (ﷺ into eighteen).
LONGEST = 400
_WORD = re.compile(r"[^\W_]+")


def fold(text):
    """Lower case without marks over letters: what a typed name is compared with (oberg finds Öberg)."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def search_text(*parts):
    """The folded words of a name, each with a space before it, so that a word's beginning can be looked up."""
    return "".join(f" {word}" for word in _WORD.findall(fold(" ".join(part for part in parts if part))))[:LONGEST]


def search_words(text):
    """The folded words somebody typed."""
    return _WORD.findall(fold(text))


def sort_key(surname, given_name):
    """A key that sorts å, ä, ö after z and other marked letters as their plain ones."""
    return f"{_swedish(surname)} \x01{_swedish(given_name)}"[:LONGEST]


def _swedish(text):
    # Composed first: a typed a + ring is the letter å.
    letters = unicodedata.normalize("NFC", text.lower()).translate(_AFTER_Z)
    return fold(letters)
