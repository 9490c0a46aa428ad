"""Searching codes: one box, one statement, and two more where nothing was found. Builds the questions; asks nothing itself.

Ranking: the code itself; then what is near the person among all that was found (favourites, the unit's most used, the
patient's earlier, the reason's usual); a title or synonym that is exactly what was typed; codes that begin so; titles that
begin so; synonyms that begin so; titles where every word begins a word, with å, ä and ö as they were typed before titles
without; titles that contain every word ("luft" and "infektion" in "nedre luftvägsinfektion"); synonyms; descriptions.
Within a step the shortest title first: the least that nobody asked for. Only where none of these is found are the words
corrected. Last come the order of the systems and the codes."""

import re

from registration.names import search_words

MOST_WORDS = 6
LONGEST_WORD = 60
LONGEST_TEXT = 200

_WORD = re.compile(r"[^\W_]+")
_NOT_IN_CODES = re.compile(r"[^0-9A-Za-z-]")

# Words that stand in every other title and say nothing by themselves.
_LITTLE = frozenset(["i", "pa", "av", "och", "med", "vid", "for", "till", "en", "ett", "den", "det", "som"])

# A word is corrected when it has four letters or more and no digit: codes are not guessed.
_CORRECTABLE = re.compile(r"[^\W\d_]{4,}")

_SQL = """
WITH release AS MATERIALIZED (
    SELECT id FROM classification_coderelease
    WHERE state = 'ready' AND system_id = ANY(%(systems)s::text[]) AND valid_from <= %(on)s
      AND (valid_to IS NULL OR valid_to >= %(on)s)
), near AS MATERIALIZED (
    SELECT key, min(rank) AS rank FROM unnest(%(near)s::text[], %(ranks)s::int[]) AS near(key, rank) GROUP BY key
), matched AS MATERIALIZED (
    SELECT c.id, c.release_id, c.code, c.system_id, c.title, c.title_text, c.search_text, c.is_registrable
    FROM classification_code c
    WHERE (c.code LIKE %(code_prefix)s{words_found}) {narrowed}
), found AS MATERIALIZED (
    SELECT m.*, CASE
        WHEN m.code = %(code)s THEN 0
        WHEN m.title_text = %(phrase)s OR m.search_text LIKE %(whole_synonym)s THEN 1
        WHEN m.code LIKE %(code_prefix)s THEN 2
        WHEN m.title_text LIKE %(title_start)s THEN 3
        WHEN m.search_text LIKE %(synonym_start)s THEN 4
        WHEN m.title_text LIKE ALL(%(beginnings)s::text[]) THEN 5
        WHEN m.title_text LIKE ALL(%(anywhere)s::text[]) THEN 6
        WHEN split_part(m.search_text, '¦', 1) LIKE ALL(%(anywhere)s::text[]) THEN 7
        ELSE 8 END AS step
    FROM matched m JOIN release ON release.id = m.release_id
), ranked AS (
    SELECT found.id, found.step, row_number() OVER (ORDER BY
        found.step > 0,
        CASE WHEN found.step < 8 THEN near.rank END NULLS LAST,
        LEAST(found.step, 3),
        found.step > 2 AND (found.step = 4 OR lower(found.title) LIKE ALL(%(as_written)s::text[])) DESC,
        found.step,
        found.is_registrable DESC,
        CASE WHEN found.step > 2 THEN length(found.title_text) END,
        array_position(%(systems)s::text[], found.system_id::text), found.code) AS place
    FROM found LEFT JOIN near ON near.key = found.system_id || ':' || found.code
    ORDER BY place LIMIT %(limit)s
)
SELECT c.*, ranked.step, COALESCE(CASE WHEN ranked.step IN (1, 4, 7) THEN (
        SELECT s.term FROM classification_codesynonym s
        WHERE s.code_id = c.id AND s.folded LIKE ANY(%(anywhere)s::text[])
        ORDER BY s.folded <> %(phrase)s, s.folded NOT LIKE %(title_start)s,
            s.folded NOT LIKE ALL(%(beginnings)s::text[]), s.term LIMIT 1
    ) END, '') AS matched_term
FROM ranked JOIN classification_code c USING (id)
ORDER BY ranked.place
"""

# Words that no title or synonym has, and the nearest that some has; a word that is known is never corrected.
MEANINGS_SQL = """
SELECT typed.place, near.word
FROM unnest(%(words)s::text[], %(places)s::int[], %(distances)s::int[]) AS typed(word, place, distance)
CROSS JOIN LATERAL (
    SELECT w.word FROM classification_codeword w
    WHERE w.word %% typed.word AND levenshtein(w.word, typed.word) <= typed.distance
    ORDER BY levenshtein(w.word, typed.word)
    FETCH FIRST 1 ROW WITH TIES
) near
WHERE NOT EXISTS (SELECT FROM classification_codeword known WHERE known.word LIKE typed.word || '%%')
"""


def folded_title(title):
    """A title's folded words, each with a space before it."""
    return "".join(f" {word}" for word in search_words(title))


def searched_text(title, synonyms, descriptions=()):
    """What a code is searched in: its title's words, then each synonym's between bars, last the words of its
    description after a sign of their own, which weigh least."""
    text = folded_title(title) + "".join(f" |{folded_title(term)} |" for term in synonyms)
    return text + "".join(f" ¦{folded_title(description)}" for description in descriptions)


def question(text, systems, on, limit, *, meanings=None, near=(), registrable=None, external_causes=None, chapter=""):
    """The statement and its parameters, or None where nothing that can be searched for was typed. `meanings` maps the
    place of a typed word to the words that may be meant by it; `near` is groups of (system, code), the nearest first."""
    text = str(text or "")[:LONGEST_TEXT]
    code = _NOT_IN_CODES.sub("", text.replace(" ", "")).upper().strip("-") if _is_like_a_code(text) else ""
    words = typed_words(text)
    # A word typed without å, ä and ö says nothing about them.
    as_written = [word.lower() for word in _WORD.findall(text)][:MOST_WORDS]
    as_written = [word for word in as_written if not word.isascii()]
    if not code and not words:
        return None
    # One letter finds codes, not words: it stands in nearly every title.
    searchable = words if any(len(word) > 1 for word in words) else []
    phrase = "".join(f" {word}" for word in search_words(text)[:MOST_WORDS])
    patterns = [[_pattern(word)] for word in searchable]
    if meanings is not None:
        patterns = [_meant(word, meanings.get(place, ())) for place, word in enumerate(words)]
        # Ranked as if the nearest had been typed.
        words = [(meanings.get(place) or [_stem(word)])[0] for place, word in enumerate(words)]
        phrase = "".join(f" {word}" for word in words)
    ranked = [(f"{system}:{key}", rank) for rank, group in enumerate(near) for system, key in group]
    parameters = {
        "systems": systems,
        "on": on,
        "limit": max(1, limit),
        "code": code,
        "code_prefix": f"{code}%" if code else "",
        "phrase": phrase,
        "whole_synonym": f"%|{phrase} |%",
        "title_start": f"{phrase}%",
        "synonym_start": f"%|{phrase}%" if len(phrase) > 4 else "",
        "beginnings": [f"% {word}%" for word in words],
        "anywhere": [f"%{word}%" for word in words],
        "as_written": [f"%{word}%" for word in as_written],
        "near": [key for key, _ in ranked],
        "ranks": [rank for _, rank in ranked],
        "registrable": registrable,
        "external_causes": external_causes,
        "chapter": chapter,
    }
    # The patterns stand one by one: an index serves LIKE, not LIKE ALL or LIKE ANY.
    conditions = []
    for place, alternatives in enumerate(patterns):
        names = [f"word_{place}_{number}" for number in range(len(alternatives))]
        parameters |= dict(zip(names, alternatives, strict=True))
        conditions.append("(" + " OR ".join(f"c.search_text LIKE %({name})s" for name in names) + ")")
    found = " AND ".join(conditions)
    if searchable and all(len(word) < 3 or word in _LITTLE for word in words):
        # They stand in thousands of titles: those that begin so are meant, or a synonym that is just that (MS, CP, TB).
        found = "c.search_text LIKE %(title_start)s OR c.search_text LIKE %(whole_synonym)s"
    narrowed = (
        "AND NOT c.is_derived AND (c.valid_from IS NULL OR c.valid_from <= %(on)s)"
        " AND (c.valid_to IS NULL OR c.valid_to >= %(on)s)"
    )
    if registrable is not None:
        narrowed += " AND c.is_registrable = %(registrable)s"
    if external_causes is not None:
        narrowed += " AND c.is_external_cause = %(external_causes)s"
    if chapter:
        narrowed += " AND c.chapter = %(chapter)s"
    found = f" OR ({found})" if found else ""
    return _SQL.format(words_found=found, narrowed=narrowed), parameters


def typed_words(text):
    """The folded words that are searched for: without little words, where there are others."""
    words = [word[:LONGEST_WORD] for word in search_words(str(text or "")[:LONGEST_TEXT])]
    telling = [word for word in words if word not in _LITTLE]
    return (telling if any(len(word) > 1 for word in telling) else words)[:MOST_WORDS]


def corrections(text):
    """The parameters of MEANINGS_SQL for the typed words that may be misspelt, or None where none may."""
    words = [(word, place) for place, word in enumerate(typed_words(text)) if _CORRECTABLE.fullmatch(word)]
    if not words:
        return None
    return {
        "words": [word for word, _ in words],
        "places": [place for _, place in words],
        "distances": [_allowed_distance(word) for word, _ in words],
    }


def _pattern(word):
    """A short word must begin a word: in the middle of words it is no word, and no index finds it."""
    return f"%{word}%" if len(word) > 2 else f"% {word}%"


def _meant(word, meanings):
    """The patterns of what may be meant by a word that was not found: near words, and what is left of an inflected one
    (lungan, blodfetter, fläcken)."""
    stem = _stem(word)
    return [_pattern(word), *(f"% {meant}%" for meant in meanings), *([f"% {stem}%"] if stem != word else [])]


def _stem(word):
    return word[:-2] if len(word) > 5 and _CORRECTABLE.fullmatch(word) else word


def _is_like_a_code(text):
    """Whether the text could be the beginning of a code: short, and of letters and digits that codes have."""
    return len(text) <= 15 and bool(re.fullmatch(r"\s*[0-9A-Za-z][0-9A-Za-z.\s-]*", text))


def _allowed_distance(word):
    """How many letters may be wrong, missing or too many."""
    return 1 if len(word) < 6 else 2 if len(word) < 10 else 3


def words_of(*texts):
    """The distinct folded words of titles and synonyms that a typed word may be corrected to."""
    return {word for text in texts for word in search_words(text) if _CORRECTABLE.fullmatch(word) and len(word) <= 120}
