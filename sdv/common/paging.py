"""Lists as the API answers them: by cursor where they grow, by page and count for catalogues only."""

from dataclasses import dataclass

from .api_fields import Number, Query, Text
from .keyset import PAGE_SIZE
from .keyset import page as keyset_page

LARGEST_PAGE = 200


class PageQuery(Query):
    """Which page of a list that grows."""

    cursor = Text(required=False, max_length=400, help_text="Bläddringsmärke ur `next` eller `previous`.")
    page_size = Number(
        required=False, min_value=1, max_value=LARGEST_PAGE, help_text=f"Rader per sida, annars {PAGE_SIZE}."
    )


class CatalogueQuery(Query):
    """Which page of a catalogue."""

    page = Number(required=False, min_value=1, max_value=100_000, help_text="Sida, från 1.")
    page_size = Number(
        required=False, min_value=1, max_value=LARGEST_PAGE, help_text=f"Rader per sida, annars {PAGE_SIZE}."
    )


@dataclass(frozen=True)
class Listed:
    """The rows of one page, and the addresses of its neighbours (None at the ends)."""

    rows: list
    next: str | None
    previous: str | None
    count: int | None = None

    def answer(self, shown):
        """The list's answer; `shown` makes a row's."""
        body = {} if self.count is None else {"count": self.count}
        return body | {"results": [shown(row) for row in self.rows], "next": self.next, "previous": self.previous}


def by_cursor(request, rows, *, asked, field, newest_first=False):
    """One page of a queryset over (field, id). `asked` is the validated PageQuery."""
    page = keyset_page(
        rows,
        field=field,
        cursor=asked.get("cursor", ""),
        size=asked.get("page_size", PAGE_SIZE),
        newest_first=newest_first,
    )
    return Listed(page.rows, _address(request, cursor=page.next), _address(request, cursor=page.previous))


def by_page(request, rows, *, asked):
    """One page of a catalogue, with the count of all."""
    size, number = asked.get("page_size", PAGE_SIZE), asked.get("page", 1)
    count = rows.count()
    found = list(rows[(number - 1) * size : number * size])
    has_more = count > number * size
    return Listed(
        found,
        _address(request, page=number + 1 if has_more else None),
        _address(request, page=number - 1 if number > 1 else None),
        count,
    )


def _address(request, **place):
    """This list's address at another place, its filters kept."""
    ((name, value),) = place.items()
    if not value:
        return None
    asked = request.GET.copy()
    asked[name] = value
    return request.build_absolute_uri(f"{request.path}?{asked.urlencode()}")
