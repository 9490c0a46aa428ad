"""Letters on paper: tagged PDF (PDF/UA-1) of the same sheet that the preview shows. WeasyPrint is imported when it is
needed: it wants Pango from the system, and without it the sheets are printed from the browser instead."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.template.loader import render_to_string

from scheduling import pdf_files
from scheduling.letter_composition import MEDIATION_ADDRESS
from scheduling.letter_words import WORDS
from scheduling.models import Delivery, LetterLanguage
from sdv.common.time import local_date

STYLES = ("css/tokens.css", "css/letter.css")
VARIANT = "pdf/ua-1"


@dataclass(frozen=True)
class Paper:
    """What stands on a sheet. `level` is that of its heading: 1 on paper, lower on a page that has its own."""

    sender: str
    recipient: str
    date: str
    heading: str
    facts: list
    sections: list
    body: str
    is_large: bool
    is_mediated: bool
    language: str = LetterLanguage.SWEDISH
    level: int = 1
    mediation: str = MEDIATION_ADDRESS
    has_files: bool = False

    @property
    def h1(self):
        return f"h{self.level}"

    @property
    def h2(self):
        return f"h{self.level + 1}"


def paper_of(letter, *, level=1):
    """The sheet of a letter, every text byte for byte (PL-16)."""
    return Paper(
        sender=letter.sender,
        recipient=letter.recipient,
        date=WORDS[letter.language].day(local_date(letter.created_at)).partition(" ")[2],
        language=letter.language,
        heading=letter.heading,
        facts=letter.parts.get("facts", []),
        sections=letter.parts.get("sections", []),
        body=letter.body,
        is_large=letter.is_large_print,
        is_mediated=letter.delivery == Delivery.MEDIATION,
        has_files=any(label == WORDS[letter.language].enclosed for label, _ in letter.parts.get("facts", ())),
        level=level,
    )


def is_possible():
    """Whether PDF can be made here: WeasyPrint is there, and Pango under it."""
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


class Press:
    """Lays letters out and writes them as PDF. Fonts and rules are read once for all that one press prints."""

    def __init__(self):
        from weasyprint import CSS
        from weasyprint.text.fonts import FontConfiguration

        self.fonts = FontConfiguration()
        self.fetcher = _own_files()
        self.rules = [CSS(filename=_root() / name, font_config=self.fonts, url_fetcher=self.fetcher) for name in STYLES]

    def pdf_of(self, letter):
        """The letter's PDF."""
        return self._written(html_of([letter]))

    def slip(self, name):
        """A sheet for the printer's eyes in place of a file that could not be read: nothing is left out in silence."""
        page = render_to_string("letters/slip.html", {"name": name})
        return self._written(page)

    def _written(self, html):
        from weasyprint import HTML

        page = HTML(string=html, base_url=_root().as_uri() + "/", url_fetcher=self.fetcher)
        return page.render(stylesheets=self.rules, font_config=self.fonts).write_pdf(pdf_variant=VARIANT)


def batch_of(bundles, press):
    """One file for the printer: letters as they are kept, in their order, each followed by its files. `bundles` are
    (PDF of the letter, [attachments]). A file that cannot be read never stops the rest: a sheet says so in its place.
    Returns the file and the names of those that could not be read."""
    faulty, judged, found = [], {}, []
    for letter, attachments in bundles:
        files = []
        for row in attachments:
            if row.pk not in judged:
                judged[row.pk] = bytes(row.pdf)
                if pdf_files.fault(judged[row.pk]):
                    faulty.append(row.name)
                    judged[row.pk] = press.slip(row.name)
            files.append(judged[row.pk])
        found.append([letter, *files])
    return pdf_files.bound(found), faulty


def html_of(letters, *, stylesheet=""):
    """The letters as a page of their own. The title says nothing of anybody."""
    title = letters[0].heading if len(letters) == 1 else "Brev"
    papers = [paper_of(letter) for letter in letters]
    page = render_to_string("letters/paper.html", {"papers": papers, "title": title, "stylesheet": stylesheet})
    # A file of its own is in the letter's language; in a batch each sheet says its own.
    language = letters[0].language if len(letters) == 1 else LetterLanguage.SWEDISH
    return page.replace('<html lang="sv">', f'<html lang="{language}">', 1)


def _root():
    return Path(settings.STATICFILES_DIRS[0]).resolve()


def _own_files():
    """A fetcher that reads nothing but our own static files: a letter's text never fetches anything."""
    from weasyprint.urls import URLFetcher

    class OwnFiles(URLFetcher):
        def fetch(self, url, headers=None):
            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
            if parts.scheme != "file" or not path.is_relative_to(_root()):
                raise ValueError("not one of our static files")
            return super().fetch(url, headers)

    return OwnFiles(allowed_protocols=["file"], allow_redirects=False)
