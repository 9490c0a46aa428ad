"""Codes made from Swedish names, as the API's contract says: lower case, å ä → a, ö → o, é → e, words joined by -,
brackets dropped, / → -. Pure."""

import re

_LETTERS = str.maketrans("åäöéü", "aaoeu")


def code_of(name):
    """The code of a name: "Specialiserad öppenvård (rum/säng/stol)" → specialiserad-oppenvard-rum-sang-stol."""
    plain = name.lower().translate(_LETTERS).replace("/", "-").replace(",", "-")
    return re.sub(r"[\s-]+", "-", re.sub(r"[^a-z0-9\s-]", "", plain)).strip("-")
