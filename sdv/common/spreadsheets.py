"""Texts in files that spreadsheets open: what one takes for a formula is marked as text when it is written, and the mark is
taken away when it is read back."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_text(text):
    """The text with the mark where a spreadsheet would count it out."""
    return f"'{text}" if text.startswith(FORMULA) else text


def read_back(text):
    """The text as it was before `as_text`."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text
