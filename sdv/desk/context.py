"""What every page's frame shows: menu, unit and role, receipt, practice banner. Asks the database for nothing itself;
the counts in the menu are counted only when a page draws them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property

from sdv.accounts.permissions import Permission

from .counts import COUNTS
from .receipts import last_receipt


@dataclass(frozen=True)
class Page:
    """An entry of the main menu: who may see it, and where it leads. What is not opened every day stands in the menu of
    the user instead, so that the bar holds on one line for those who may see everything."""

    label: str
    url_name: str
    permission: Permission
    key: str = ""
    is_everyday: bool = True
    # The kinds of unit that have the page in their menu; empty means all.
    kinds: tuple = ()


NAVIGATION = [
    Page("Dagen", "day", Permission.VIEW_DAY, key="F4"),
    Page("Akuten", "emergency", Permission.VIEW_ENCOUNTERS, kinds=("akutmottagning",)),
    Page(
        "Platser",
        "ward",
        Permission.VIEW_ENCOUNTERS,
        kinds=("slutenvard", "forlossning", "dialysmottagning", "specialistmottagning"),
    ),
    Page("Patienter", "patients", Permission.VIEW_PATIENTS),
    Page("Bokningsbegäran", "booking-requests", Permission.VIEW_WORK_LISTS),
    Page("Remisser", "referrals", Permission.VIEW_REFERRALS),
    Page("Arbetslistor", "work-lists", Permission.VIEW_WORK_LISTS),
    Page("Klassificering", "coding", Permission.CODE),
    Page("Statistik", "statistics", Permission.VIEW_STATISTICS),
    Page("Brev", "letters", Permission.WRITE_LETTERS, is_everyday=False),
    Page("Leveranser", "deliveries", Permission.DELIVER_REGISTERS, is_everyday=False),
    Page("Gruppering", "grouping-export", Permission.EXPORT_CODED, is_everyday=False),
    Page("Åtkomstlogg", "access-log", Permission.VIEW_ACCESS_LOG, is_everyday=False),
    Page("Grupper", "group-sessions", Permission.VIEW_SCHEDULES, is_everyday=False),
    Page("Tidböcker", "schedules", Permission.MAINTAIN_SCHEDULES, is_everyday=False),
    Page("Kataloger", "admin:index", Permission.MAINTAIN_CATALOGUES, is_everyday=False),
    Page("Loggar", "admin:index", Permission.VIEW_ACCESS_LOG, is_everyday=False),
]
MENU = [("Koder", "code-catalogue"), ("Byt uppdrag", "choose-assignment"), ("Mina inställningar", "preferences")]


class Entry(NamedTuple):
    """A menu entry as drawn. `count` is counted when it is read."""

    label: str
    url: str
    current: bool
    key: str = ""
    counted: Callable[[], int] | None = None

    @property
    def count(self):
        return self.counted() if self.counted else None


def address(name, *args):
    """The address of a page, or an empty text where the page is not part of this installation."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


class Frame:
    """The frame of one request. Everything is worked out when it is drawn: an API call or a fragment pays nothing."""

    def __init__(self, request):
        self.request = request
        self.is_demo = settings.SDV_DEMO
        self.idle_seconds = settings.SESSION_IDLE_SECONDS

    @cached_property
    def actor(self):
        return getattr(self.request, "actor", None)

    @property
    def user(self):
        return self.actor.user if self.actor else None

    @property
    def assignment(self):
        return self.actor.assignment if self.actor else None

    @property
    def care_unit(self):
        return self.actor.care_unit if self.actor else None

    @property
    def density(self):
        return self.preference("density", "normal")

    @property
    def shortcuts_on(self):
        return self.preference("shortcuts", True)

    def preference(self, name, default):
        """Personal settings of the session: row height, and whether single letters act in lists (WCAG 2.1.4)."""
        session = getattr(self.request, "session", None)
        return session.get("preferences", {}).get(name, default) if session is not None else default

    @cached_property
    def pages(self):
        """The pages the assignment may see, each with its entry; the one whose address the present page lies under is
        current."""
        if not self.assignment:
            return []
        pages = [(page, address(page.url_name)) for page in NAVIGATION if self.actor.may(page.permission)]
        pages = [(page, url) for page, url in pages if url and (not page.kinds or self.care_unit.kind in page.kinds)]
        path = self.request.path
        inside = [url for _, url in pages if path == url or (url != "/" and path.startswith(url))]
        current = max(inside, key=len, default=None)
        return [
            (page, Entry(page.label, url, url == current, page.key, self._counted(page.url_name)))
            for page, url in pages
        ]

    @property
    def reachable(self):
        """Entries of every page that the assignment may see: the start page and the palette."""
        return [entry for _, entry in self.pages]

    @property
    def navigation(self):
        """What is opened every day: on the bar."""
        return [entry for page, entry in self.pages if page.is_everyday]

    def _counted(self, url_name):
        count = COUNTS.get(url_name)
        # A template asks twice, whether there is a number and which; the database is asked once.
        return cache(lambda: count(self.care_unit)) if count else None

    @cached_property
    def menu(self):
        """What is opened now and then, and what concerns the user."""
        rare = [entry for page, entry in self.pages if not page.is_everyday]
        return rare + [Entry(label, url, False) for label, name in MENU if (url := address(name))]

    @cached_property
    def receipt(self):
        return last_receipt(self.request)

    @property
    def home_url(self):
        return address("start") or "/"

    @property
    def palette_url(self):
        return address("palette") if self.assignment else ""

    @property
    def logout_url(self):
        return address("logout")


def frame(request):
    """Context processor: `frame` in every template."""
    return {"frame": Frame(request)}
