"""Every pair of colours that text, icons, borders or focus stand in is readable (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest
from django.conf import settings

TEXT, SHAPE = 4.5, 3.0

PAIRS = [
    *[("text", ground, TEXT) for ground in ("surface", "page", "selected", "sunken", "hover")],
    *[("text-2", ground, TEXT) for ground in ("surface", "page", "sunken", "selected", "hover")],
    *[("text", f"{tone}-bg", TEXT) for tone in ("ok", "info", "warn", "danger")],
    *[("text-2", f"{tone}-bg", TEXT) for tone in ("info", "warn", "danger")],
    *[(tone, f"{tone}-bg", TEXT) for tone in ("ok", "info", "warn", "danger", "busy", "quiet")],
    *[("action", ground, TEXT) for ground in ("surface", "page", "selected", "hover", "warn-bg", "danger-bg")],
    *[("text-inv", ground, TEXT) for ground in ("action", "action-dark", "band", "band-2", "band-dead", "text")],
    *[("text-inv-2", ground, TEXT) for ground in ("band", "band-2", "band-dead")],
    ("danger", "surface", TEXT),
    ("guard-text", "guard", TEXT),
    ("line-strong", "surface", SHAPE),
    ("line-strong", "page", SHAPE),
    ("guard", "band", SHAPE),
    ("guard", "band-dead", SHAPE),
    ("focus", "surface", SHAPE),
    ("focus", "page", SHAPE),
    ("focus", "guard", SHAPE),
    ("focus-halo", "band", SHAPE),
    ("focus-halo", "band-dead", SHAPE),
    ("focus-halo", "action", SHAPE),
    ("band", "page", SHAPE),
    # Charts: bars, whiskers, median and their words on the card.
    ("action", "surface", SHAPE),
    ("action-dark", "surface", SHAPE),
    ("text", "chart-box", SHAPE),
    ("action", "chart-2", SHAPE),
    ("action-dark", "chart-box", SHAPE),
]


def tokens():
    sheet = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--c-([a-z0-9-]+):\s*(#[0-9a-f]{6})", sheet))


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("front", "ground", "needed"), PAIRS, ids=lambda value: str(value))
def test_the_pair_is_readable(front, ground, needed):
    colours = tokens()
    assert contrast(colours[front], colours[ground]) >= needed


def test_black_on_white_has_the_contrast_the_standard_says():
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
