"""The house rules of templates, styles and scripts: strict CSP, labels, Swedish, small files (docs/komponenter.md)."""

import gzip
import hashlib
import re

import pytest
from django.conf import settings

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
STATIC = settings.BASE_DIR / "static"
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
SHEETS = sorted((STATIC / "css").glob("*.css"))

# What is sent, compressed, in bytes. A page that needs more says why in the commit that raises the figure.
STYLE_BUDGET = 10_800
SCRIPT_BUDGET = 12_000

FORBIDDEN = {
    "inline style": r"\sstyle\s*=|<style\b",
    "inline script": r"<script(?![^>]*\bsrc=)",
    "inline handler": r"<[^>]*\son[a-z]+\s*=",
    "hx-on": r"\bhx-on\b",
    "trigger filter": r"hx-trigger\s*=\s*[\"'][^\"']*\[",
    "evaluated value": r"[\"']\s*(?:js|javascript):",
    "unescaped output": r"\|\s*safe\b|autoescape off|\{\{\s*attrs\s*\}\}",
    "evaluated component argument": r"<c-[^>]*\s:[\w-]+=\"[^\"]*\{\{",
    "outside address": r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//",
    "comment over several lines": r"\{#(?:(?!#\})[^\n])*\n",
    "htmx 2 inheritance": r"<body[^>]*\shx-[a-z-]+=",
}

# English words that are no Swedish words as well.
ENGLISH = set(
    re.findall(
        r"[a-z-]+",
        """
        add address and appointment apply are arrival arrived back birth booked booking cancel cancelled care chart
        check check-in check-out checked-in choose clear close code coding confirm continue create dashboard date delete
        description details discharge edit email encounter enter error field find for forbidden forgot from go have
        invalid language last list loading login logout message missing more name new next no-show not notes of ok
        optional overview page password patient-list phone please previous print protected reason referral refresh
        remove required reset result results retry save saved search select send settings show sign sort status-code
        submit success the this time title today try unknown unsaved until update updated upload user username view
        visit warning welcome with worklist yes you your
        """,
    )
)
KEYS = {"enter", "home", "end", "tab", "esc", "ctrl", "alt", "shift"}


def name(path):
    return str(path.relative_to(settings.BASE_DIR))


def source(path):
    """The template without its comments."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\{%\s*comment.*?endcomment\s*%\}", "", text, flags=re.DOTALL)
    return re.sub(r"\{#.*?#\}", "", text)


def spoken(text):
    """What a person reads or hears: text between tags, and the words in attributes that carry words."""
    attributes = r"(?:aria-label|title|placeholder|alt|label|heading|subtitle|text|hint|legend|about|action|missing)"
    words = re.findall(rf"\s{attributes}=\"([^\"{{}}/?]*)\"", text)
    plain = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.DOTALL)
    plain = re.sub(r"<kbd>.*?</kbd>", " ", plain, flags=re.DOTALL)
    plain = re.sub(r"<[^>]*>", " ", plain, flags=re.DOTALL)
    return " ".join([plain, *words])


def test_there_are_templates_to_judge():
    assert len(TEMPLATES) > 30


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_keeps_the_rules_of_the_content_security_policy_and_of_htmx(path):
    text = source(path)
    broken = [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)]
    if name(path) == "templates/layouts/base.html":
        assert 'hx-headers:inherited=\'{"X-CSRFToken"' in text
    assert broken == []


@pytest.mark.parametrize(
    ("what", "snippet"),
    [
        ("inline style", '<p style="color: red">'),
        ("inline script", "<script>alert(1)</script>"),
        ("inline handler", '<a href="?" onclick="go()">'),
        ("hx-on", '<p hx-on:click="x">'),
        ("trigger filter", '<p hx-trigger="click[ctrlKey]">'),
        ("evaluated value", "<p hx-vals='js:{a: 1}'>"),
        ("unescaped output", "{{ name|safe }}"),
        ("evaluated component argument", '<c-tag :text="{{ name }}" />'),
        ("outside address", '<img src="//example.se/x.png">'),
        ("comment over several lines", "{# one\ntwo #}"),
        ("htmx 2 inheritance", '<body hx-headers="{}">'),
    ],
)
def test_each_rule_bites(what, snippet):
    assert re.search(FORBIDDEN[what], snippet, re.IGNORECASE)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_form_that_posts_carries_the_token(path):
    forms = re.findall(r"<form\b[^>]*method=\"post\".*?</form>", source(path), re.DOTALL | re.IGNORECASE)
    assert [form[:80] for form in forms if "{% csrf_token %}" not in form] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_field_has_a_label(path):
    text = source(path)
    labelled = set(re.findall(r"<label[^>]*\sfor=\"([^\"]+)\"", text))
    inside = " ".join(re.findall(r"<label\b.*?</label>", text, re.DOTALL))
    nameless = []
    for field in re.findall(r"<(?:input|select|textarea)\b(?:[^>\"]|\"[^\"]*\")*>", text):
        identity = re.search(r"\sid=\"([^\"]+)\"", field)
        is_named = "aria-label" in field or field in inside or (identity and identity[1] in labelled)
        # A hidden field needs no name, and a submit button is named by its own value.
        if not re.search(r'type="(?:hidden|submit)"', field) and not is_named:
            nameless.append(field)
    assert nameless == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_button_says_its_type_and_every_picture_its_text(path):
    text = source(path)
    assert re.findall(r"<button(?![^>]*\btype=)[^>]*>", text) == []
    assert re.findall(r"<img(?![^>]*\balt=)[^>]*>", text) == []
    assert [tag for tag in re.findall(r"<html[^>]*>", text) if 'lang="sv"' not in tag] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_speaks_swedish(path):
    heard = spoken(source(path))
    words = set(re.findall(r"[a-zåäöé]+(?:-[a-zåäöé]+)*", heard.lower()))
    assert words & ENGLISH - KEYS == set()
    assert "!" not in heard


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.parent.name == "cotton"], ids=name)
def test_a_component_says_what_it_needs(path):
    text = path.read_text(encoding="utf-8")
    assert "{% require" in text
    assert re.match(r"\{% load ui %\}\{# .+? #\}", text), "the first line says what it is and what it takes"


def test_every_component_is_in_the_handbook_and_in_the_gallery():
    handbook = (settings.BASE_DIR / "docs" / "komponenter.md").read_text(encoding="utf-8")
    sources = " ".join(source(path) for path in TEMPLATES)
    components = [path.stem.replace("_", "-") for path in TEMPLATES if path.parent.name == "cotton"]
    assert [each for each in components if f"`c-{each}`" not in handbook] == []
    assert [each for each in components if not re.search(rf"<c-{each}[\s/>]", sources)] == []


def compressed(paths):
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def test_styles_and_scripts_stay_small():
    assert compressed(SHEETS) <= STYLE_BUDGET
    assert compressed(SCRIPTS) <= SCRIPT_BUDGET


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_evaluates_nothing_stores_nothing_and_speaks_to_this_site_only(path):
    text = path.read_text(encoding="utf-8")
    assert (
        re.findall(r"\beval\b|new Function|localStorage|sessionStorage|\.style\b|https?://|document\.write", text) == []
    )


@pytest.mark.parametrize("path", SHEETS, ids=name)
def test_colours_live_in_the_tokens_only(path):
    text = path.read_text(encoding="utf-8")
    if path.name != "tokens.css":
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b", text) == []
    assert re.findall(r"@import|url\([\"']?(?:https?:)?//", text) == []


def test_vendored_files_are_what_was_vendored():
    listed = dict(reversed(line.split()) for line in (STATIC / "vendor" / "CHECKSUMS").read_text().splitlines())
    present = {path.name for path in (STATIC / "vendor").iterdir()} - {"CHECKSUMS"}
    assert present == set(listed)
    for file, checksum in listed.items():
        assert hashlib.sha256((STATIC / "vendor" / file).read_bytes()).hexdigest() == checksum


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_form_with_fields_has_a_button_for_control_enter(path):
    """ui.md 3.3: it presses the one with the key, else the primary one, else the form's first."""
    if path.name in ("base.html", "components_gallery.html"):
        pytest.skip("the palette is answered by Enter; the gallery shows fields alone")
    forms = re.findall(r"<form\b[^>]*method=\"post\".*?</form>", source(path), re.DOTALL)
    lacking = [
        form
        for form in forms
        if re.search(r"<c-field|<c-outcomes|<textarea|<select", form)
        and not re.search(r"<c-button(?![^>]*type=\"button\")|type=\"submit\"", form)
    ]
    assert lacking == []
