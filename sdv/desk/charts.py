"""Charts made on the server: plain SVG with title and description, drawn by classes alone so that it passes the content
security policy and takes its colours from the tokens. Pure. The numbers stand in a table beside each chart."""

from dataclasses import dataclass
from math import ceil, floor, log10

from django.utils.html import format_html, format_html_join

WIDTH = 640
# So many bars can carry their own words; with more, every second or third does.
MOST_LABELS = 14


@dataclass(frozen=True)
class Bar:
    """One bar. A value of None is a group too small to be shown: it has a dash and no bar."""

    label: str
    value: float | None


def number(value):
    """1 234, or 4,5."""
    if value == int(value):
        return f"{int(value):,}".replace(",", "\u00a0")
    return f"{value:.1f}".replace(".", ",")


def steps(highest):
    """The values of the grid lines, from 0 to one at or above the highest: four to six of them."""
    if highest <= 0:
        return [0, 1]
    size = 10 ** floor(log10(highest / 5))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times * 5 >= highest)
    # Contacts and persons come in wholes.
    step = max(1, ceil(step))
    return [step * at for at in range(ceil(highest / step) + 1)]


def bars(name, *, title, description, data):
    """Vertical bars. `name` is the chart's id on the page; `description` says what the picture shows in words."""
    left, right, top, bottom, height = 44, 8, 20, 34, 260
    lines = steps(max((bar.value or 0 for bar in data), default=0))
    scale = (height - top - bottom) / lines[-1]
    floor_at = height - bottom

    def y(value):
        return f"{floor_at - value * scale:.1f}"

    grid = format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (left, WIDTH - right, y(value), y(value), left - 6, f"{float(y(value)) + 4:.1f}", number(value))
            for value in lines
        ),
    )
    each = (WIDTH - left - right) / max(len(data), 1)
    width = min(each * 0.62, 72)
    every = ceil(len(data) / MOST_LABELS)

    def drawn(place, bar):
        middle = left + each * (place + 0.5)
        value = bar.value or 0
        return (
            f"{middle - width / 2:.1f}",
            y(value),
            f"{width:.1f}",
            f"{value * scale:.1f}",
            f"{middle:.1f}",
            f"{float(y(value)) - 5:.1f}",
            ("–" if bar.value is None else number(value)) if every == 1 else "",
            f"{middle:.1f}",
            floor_at + 17,
            bar.label if place % every == 0 else "",
        )

    shapes = format_html_join(
        "",
        '<rect class="bar" x="{}" y="{}" width="{}" height="{}"/><text class="strong" x="{}" y="{}" '
        'text-anchor="middle">{}</text><text x="{}" y="{}" text-anchor="middle">{}</text>',
        (drawn(place, bar) for place, bar in enumerate(data)),
    )
    axis = format_html('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>', left, WIDTH - right, floor_at, floor_at)
    return _frame(name, title, description, height, format_html("{}{}{}", grid, shapes, axis))


def level_bars(name, *, title, description, data):
    """Horizontal bars, for labels that are words."""
    left, right, top, row = 210, 56, 4, 26
    height = top * 2 + row * len(data)
    longest = max((bar.value or 0 for bar in data), default=0) or 1
    scale = (WIDTH - left - right) / longest

    def drawn(place, bar):
        at = top + row * place
        length = (bar.value or 0) * scale
        return (
            left - 8,
            at + 17,
            _cut(bar.label),
            left,
            at + 4,
            f"{length:.1f}",
            row - 8,
            f"{left + length + 6:.1f}",
            at + 17,
            "–" if bar.value is None else number(bar.value),
        )

    shapes = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end">{}</text><rect class="bar" x="{}" y="{}" width="{}" height="{}"/>'
        '<text class="strong" x="{}" y="{}">{}</text>',
        (drawn(place, bar) for place, bar in enumerate(data)),
    )
    axis = format_html('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>', left, left, top, height - top)
    return _frame(name, title, description, height, format_html("{}{}", shapes, axis))


def _cut(label):
    return label if len(label) <= 34 else f"{label[:33]}…"


def boxes(name, *, title, description, data, unit):
    """Box plots beside one axis, one for each Spread (classification.production): box for the quartiles, thick line for
    the median, rings for what lies outside the whiskers."""
    left, right, top, row = 136, 16, 12, 38
    below = top + row * len(data)
    height = below + 36
    lines = steps(max((max((spread.highest, *spread.outliers)) for spread in data), default=0))
    scale = (WIDTH - left - right) / lines[-1]

    def x(value):
        return f"{left + value * scale:.1f}"

    grid = format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="middle">{}</text>',
        ((x(value), x(value), top, below, x(value), below + 16, number(value)) for value in lines),
    )
    drawn = format_html_join(
        "", "{}", ((_box(spread, x, top + row * place + row / 2, left),) for place, spread in enumerate(data))
    )
    words = format_html('<text x="{}" y="{}" text-anchor="end">{}</text>', WIDTH - right, below + 31, unit)
    return _frame(name, title, description, height, format_html("{}{}{}", grid, drawn, words))


def _box(spread, x, at, left):
    rings = format_html_join(
        "", '<circle class="out" cx="{}" cy="{}" r="3"/>', ((x(value), f"{at:.1f}") for value in spread.outliers)
    )
    whiskers = (
        f"M{x(spread.lowest)} {at - 6:.1f}v12M{x(spread.lowest)} {at:.1f}H{x(spread.lower)}"
        f"M{x(spread.upper)} {at:.1f}H{x(spread.highest)}m0 -6v12"
    )
    return format_html(
        '<text class="strong" x="{}" y="{}" text-anchor="end">{}</text><path class="whisk" d="{}" fill="none"/>'
        '<rect class="box" x="{}" y="{}" width="{}" height="20"/>'
        '<line class="med" x1="{}" x2="{}" y1="{}" y2="{}"/>{}',
        left - 10,
        f"{at + 4:.1f}",
        spread.label,
        whiskers,
        x(spread.lower),
        f"{at - 10:.1f}",
        f"{float(x(spread.upper)) - float(x(spread.lower)):.1f}",
        x(spread.median),
        x(spread.median),
        f"{at - 10:.1f}",
        f"{at + 10:.1f}",
        rings,
    )


def _frame(name, title, description, height, content):
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-t {}-d"><title id="{}-t">{}</title>'
        '<desc id="{}-d">{}</desc>{}</svg>',
        WIDTH,
        height,
        name,
        name,
        name,
        title,
        name,
        description,
        content,
    )
