"""Searching codes: one box, one statement. Builds the question; asks nothing itself.

Ranking: the code itself, a title or synonym that is exactly what was typed, codes that begin so; then titles with å, ä
and ö as they were typed before titles without; among these titles that begin so, titles where every word begins a word,
titles that contain every word ("luft" and "infektion" in "nedre luftvägsinfektion"), synonyms. Only where none of these
is found are the words corrected. Last come what can be registered, the order of the systems and the codes."""

import re

from registration.names import search_words

MOST_WORDS = 6
LONGEST_WORD = 60
LONGEST_TEXT = 200

_WORD = re.compile(r"[^\W_]+")
_NOT_IN_CODES = re.compile(r"[^0-9A-Za-z-]")

# A word is corrected when it has four letters or more and no digit: codes are not guessed.
_CORRECTABLE = re.compile(r"[^\W\d_]{4,}")

_SQL = """
WITH release AS MATERIALIZED (
    SELECT id FROM classification_coderelease
    WHERE state = 'ready' AND system_id = ANY(%(systems)s::text[]) AND valid_from <= %(on)s
      AND (valid_to IS NULL OR valid_to >= %(on)s)
), plain AS MATERIALIZED (
    SELECT c.id, CASE
        WHEN c.code = %(code)s THEN 0
        WHEN c.title_text = %(phrase)s OR c.search_text LIKE %(whole_synonym)s THEN 1
        WHEN c.code LIKE %(code_prefix)s THEN 2
        WHEN c.title_text LIKE %(title_start)s THEN 3
        WHEN c.title_text LIKE ALL(%(beginnings)s::text[]) THEN 4
        WHEN c.title_text LIKE ALL(%(anywhere)s::text[]) THEN 5
        ELSE 6 END AS step
    FROM classification_code c
    WHERE c.release_id IN (SELECT id FROM release) AND (c.code LIKE %(code_prefix)s{words_found}) {narrowed}
), meant AS (
    SELECT typed.place, '%%' || typed.word || '%%' AS pattern
    FROM unnest(%(words)s::text[]) WITH ORDINALITY AS typed(word, place)
    WHERE NOT EXISTS (SELECT FROM plain)
    UNION
    SELECT typed.place, '%% ' || near.word || '%%'
    FROM unnest(%(correctable)s::text[], %(places)s::int[], %(distances)s::int[]) AS typed(word, place, distance)
    CROSS JOIN LATERAL (
        SELECT w.word FROM classification_codeword w
        WHERE w.word %% typed.word AND levenshtein(w.word, typed.word) <= typed.distance
        ORDER BY levenshtein(w.word, typed.word)
        FETCH FIRST 1 ROW WITH TIES
    ) near
    WHERE NOT EXISTS (SELECT FROM plain)
), corrected AS (
    SELECT c.id, 7 AS step
    FROM meant JOIN classification_code c ON c.search_text LIKE meant.pattern
    WHERE c.release_id IN (SELECT id FROM release) {narrowed}
    GROUP BY c.id
    HAVING count(DISTINCT meant.place) = %(word_count)s
), found AS (
    SELECT id, step FROM plain UNION ALL SELECT id, step FROM corrected
)
SELECT c.*, found.step, COALESCE(CASE WHEN found.step IN (1, 6) THEN (
        SELECT s.term FROM classification_codesynonym s
        WHERE s.code_id = c.id AND (s.folded = %(phrase)s OR s.folded LIKE ANY(%(beginnings)s::text[]))
        ORDER BY s.folded <> %(phrase)s, s.term LIMIT 1
    ) END, '') AS matched_term
FROM found JOIN classification_code c USING (id)
ORDER BY LEAST(found.step, 3), found.step > 2 AND lower(c.title) LIKE ALL(%(as_written)s::text[]) DESC, found.step,
         c.is_registrable DESC,
         array_position(%(systems)s::text[], c.system_id::text), c.code
LIMIT %(limit)s
"""


def folded_title(title):
    """A title's folded words, each with a space before it."""
    return "".join(f" {word}" for word in search_words(title))


def searched_text(title, synonyms, descriptions=()):
    """What a code is searched in: its title's words, then each synonym's between bars, last the words of its
    description after a sign of their own, which weigh least."""
    text = folded_title(title) + "".join(f" |{folded_title(term)} |" for term in synonyms)
    return text + "".join(f" ¦{folded_title(description)}" for description in descriptions)


def question(text, systems, on, limit, *, registrable=None, external_causes=None):
    """The statement and its parameters, or None where nothing that can be searched for was typed."""
    text = str(text or "")[:LONGEST_TEXT]
    code = _NOT_IN_CODES.sub("", text.replace(" ", "")).upper().strip("-") if _is_like_a_code(text) else ""
    words = [word[:LONGEST_WORD] for word in search_words(text)][:MOST_WORDS]
    # A word typed without å, ä and ö says nothing about them.
    as_written = [word.lower() for word in _WORD.findall(text)][:MOST_WORDS]
    as_written = [word for word in as_written if not word.isascii()]
    if not code and not words:
        return None
    # One letter finds codes, not words: it stands in nearly every title.
    searchable = words if any(len(word) > 1 for word in words) else []
    phrase = "".join(f" {word}" for word in words)
    correctable = [(word, place) for place, word in enumerate(words, 1) if _CORRECTABLE.fullmatch(word)]
    parameters = {
        "systems": systems,
        "on": on,
        "limit": max(1, limit),
        "code": code,
        "code_prefix": f"{code}%" if code else "",
        "phrase": phrase,
        "whole_synonym": f"%|{phrase} |%",
        "title_start": f"{phrase}%",
        "beginnings": [f"% {word}%" for word in words],
        "anywhere": [f"%{word}%" for word in words],
        "as_written": [f"%{word}%" for word in as_written],
        "words": searchable,
        "word_count": len(words),
        "correctable": [word for word, _ in correctable],
        "places": [place for _, place in correctable],
        "distances": [_allowed_distance(word) for word, _ in correctable],
        "registrable": registrable,
        "external_causes": external_causes,
    }
    # The words stand one by one: an index serves LIKE, not LIKE ALL.
    found = " AND ".join(f"c.search_text LIKE %(word_{place})s" for place in range(len(searchable)))
    parameters |= {f"word_{place}": f"%{word}%" for place, word in enumerate(searchable)}
    narrowed = (
        "AND NOT c.is_derived AND (c.valid_from IS NULL OR c.valid_from <= %(on)s)"
        " AND (c.valid_to IS NULL OR c.valid_to >= %(on)s)"
    )
    if registrable is not None:
        narrowed += " AND c.is_registrable = %(registrable)s"
    if external_causes is not None:
        narrowed += " AND c.is_external_cause = %(external_causes)s"
    return _SQL.format(words_found=f" OR ({found})" if found else "", narrowed=narrowed), parameters


def _is_like_a_code(text):
    """Whether the text could be the beginning of a code: short, and of letters and digits that codes have."""
    return len(text) <= 15 and bool(re.fullmatch(r"\s*[0-9A-Za-z][0-9A-Za-z.\s-]*", text))


def _allowed_distance(word):
    """How many letters may be wrong, missing or too many."""
    return 1 if len(word) < 6 else 2 if len(word) < 10 else 3


def words_of(*texts):
    """The distinct folded words of titles and synonyms that a typed word may be corrected to."""
    return {word for text in texts for word in search_words(text) if _CORRECTABLE.fullmatch(word) and len(word) <= 120}
