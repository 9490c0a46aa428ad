"""Charts as accessible SVG: by classes alone, with title and words, escaped, whatever the numbers are."""

import re
from xml.etree import ElementTree

import pytest

from classification.production import spread
from sdv.desk import charts
from sdv.desk.charts import Bar


def read(svg):
    """The picture as XML: it is well formed."""
    return ElementTree.fromstring(str(svg))


def texts(svg):
    return [element.text or "" for element in read(svg).iter("text")]


DRAWN = {
    "bars": lambda data: charts.bars("d", title="Besök & mer", description="Ord <om>", data=data),
    "level bars": lambda data: charts.level_bars("d", title="Besök & mer", description="Ord <om>", data=data),
}


@pytest.mark.parametrize("kind", sorted(DRAWN))
@pytest.mark.parametrize(
    "data",
    [[Bar("v. 40", 7)], [Bar("<b>v. 40</b>", 0), Bar("v. 41", None)], [Bar(f"v. {n}", n * 1000) for n in range(40)]],
)
def test_a_chart_is_a_picture_with_title_and_words_and_nothing_that_the_policy_stops(kind, data):
    """WCAG 1.1.1, 1.4.1; strict CSP."""
    svg = DRAWN[kind](data)
    root = read(svg)
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "d-t d-d")
    assert [root.find("title").text, root.find("desc").text] == ["Besök & mer", "Ord <om>"]
    assert not re.search(r"\sstyle=|\son\w+=|<script|fill=\"#|href", str(svg))
    numbers = [float(n) for n in re.findall(r"(?:width|height)=\"([0-9.-]+)\"", str(svg))]
    assert min(numbers) >= 0


def test_each_bar_tells_its_number_and_a_hidden_group_has_a_dash_and_no_bar():
    svg = charts.bars("d", title="T", description="D", data=[Bar("v. 40", 1234), Bar("v. 41", None)])
    assert "1\u00a0234" in texts(svg)
    assert "–" in texts(svg)
    heights = [float(rect.get("height")) for rect in read(svg).iter("rect")]
    assert heights[0] > 0
    assert heights[1] == 0


@pytest.mark.parametrize(
    ("highest", "expected"),
    [(0, [0, 1]), (1, [0, 1]), (4, [0, 1, 2, 3, 4]), (8, [0, 2, 4, 6, 8]), (210, 5), (99999, 6)],
)
def test_the_grid_is_of_whole_numbers_and_reaches_the_highest(highest, expected):
    steps = charts.steps(highest)
    assert steps == expected if isinstance(expected, list) else len(steps) <= expected + 1
    assert steps[-1] >= highest
    assert all(step == int(step) for step in steps)


def test_a_box_plot_has_a_box_a_median_and_a_ring_for_each_outlier():
    spreads = [spread("40", "40–64 år", [1, 2, 3, 4, 5, 30]), spread("80", "80–", [7, 7, 7, 7, 7])]
    root = read(charts.boxes("d", title="T", description="D", data=spreads, unit="dagar"))
    assert [rect.get("class") for rect in root.iter("rect")] == ["box", "box"]
    assert len([line for line in root.iter("line") if line.get("class") == "med"]) == 2
    assert len(list(root.iter("circle"))) == 1
