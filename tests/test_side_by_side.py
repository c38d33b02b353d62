"""helpers/side_by_side.py: marks in texts that were read by eye, and HTML that stays text."""

import re
from html.parser import HTMLParser

import pytest

from helpers import metrics, products
from helpers.side_by_side import find_marks, side_by_side

KETTLE = {
    "name": "Brightwell Kettle 8",
    "features": "1.7 L capacity, fast boil, 2 cordless bases, 200 pages, 40 °C wash",
    "color": "silver",
}
# text -> the marks in it, written by eye: words, kind, number of the feature
MARKED = {
    "Its capacity of 1.7 litres.": [("1.7", "covered", 1), ("litres", "covered", 1)],
    "A fast, quiet boil!": [("fast", "covered", 2), ("boil", "covered", 2)],
    "Fast boil; and fast again, boil on.": [("Fast", "covered", 2), ("boil", "covered", 2)],
    "Fast food, fast boil.": [("fast", "covered", 2), ("boil", "covered", 2)],
    "It is fast.": [],
    "Two hundred pages.": [("Two hundred", "covered", 4), ("pages", "covered", 4)],
    "Wash at 40°C.": [("Wash", "covered", 5), ("40°C", "covered", 5)],
    "Silver, never red or dark RED.": [("red", "colour", 0), ("RED", "colour", 0)],
    "A tired hundredth reddish thing in silver.": [],
    "Kettle 8 has 9 lives, twenty five lids.": [
        ("9", "number", 0), ("twenty five", "number", 0),
    ],
    "One of a kind.": [],
    "Two fast boils.": [("Two", "attached", 0), ("fast", "covered", 2), ("boils", "covered", 2)],
    "2 cordless bases": [
        ("2", "covered", 3), ("cordless", "covered", 3), ("bases", "covered", 3),
    ],
    "2 fast cordless bases.": [
        ("2", "covered", 3), ("cordless", "covered", 3), ("bases", "covered", 3),
    ],
    "Of 2 things.": [],
    "1.7 pages.": [("1.7", "attached", 0)],
    "": [],
}  # fmt: skip


@pytest.mark.parametrize("text", MARKED)
def test_marks_stand_where_a_reader_puts_them(text):
    found = [(text[m.start : m.end], m.kind, m.feature) for m in find_marks(KETTLE, text)]
    assert found == MARKED[text]


def test_marks_are_in_order_and_do_not_overlap():
    for text in MARKED:
        marks = find_marks(KETTLE, text)
        for before, after in zip(marks, marks[1:], strict=False):
            assert before.end <= after.start


def test_a_feature_is_marked_exactly_if_the_metric_covers_it():
    for row in products.load_split("validation").head(40).to_dict("records"):
        for text in (row["description"], row["description"][:120], row["name"]):
            marked = {m.feature for m in find_marks(row, text) if m.kind == "covered"}
            features = enumerate(row["features"].split(", "), start=1)
            assert marked == {i for i, f in features if metrics.covered(f, text)}


def test_the_written_rows_of_validation_have_no_fault_but_what_the_metrics_find():
    for row in products.load_split("validation").to_dict("records"):
        assert {m.kind for m in find_marks(row, row["description"])} == {"covered"}


class Text(HTMLParser):
    """What a viewer shows that drops all tags and styles."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.shown = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.shown += data


def test_every_mark_is_readable_without_any_style():
    shown = Text(side_by_side(KETTLE, {"tuned": "Fast boil, 9 lids, red, two fast boils."})).shown
    assert "Fast boil✓ (2), 9✗ number lids, red✗ colour, two✗ attached fast boils." in shown
    assert "(1) 1.7 L capacity · (2) fast boil · (3) 2 cordless bases" in shown
    assert "not found: (1) 1.7 L capacity · (3) 2 cordless bases · (4) 200 pages" in shown
    assert "· silver" in shown.split("not found")[1]


def test_a_text_that_has_everything_says_so():
    text = "1.7 L capacity, fast boil, 2 cordless bases, 200 pages, 40 °C wash, silver"
    assert "all found" in Text(side_by_side(KETTLE, {"list": text})).shown


def test_whatever_a_model_writes_stays_text():
    evil = '<script>alert(1)</script> <b>fast</b> boil & "quotes" </td></table><img src=x>'
    product = {"name": f"N {evil}", "features": f"fast boil, {evil}", "color": evil}
    html = side_by_side(product, {f"system {evil}": evil}, {f"system {evil}": evil})
    parsed = Text(html)
    assert not {"script", "img"} & set(parsed.tags)
    assert parsed.tags.count("table") == 1
    assert parsed.shown.count("<script>alert(1)</script>") >= 5


def test_there_is_one_column_a_system_and_its_note_below():
    html = side_by_side(KETTLE, {"gold": "a", "tuned": "b"}, {"tuned": "reader: ok"})
    assert re.findall(r"<th>(.*?)</th>", html) == ["gold", "tuned"]
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    assert [len(re.findall("<td", row)) for row in rows] == [0, 2, 2, 2]
    assert Text(rows[-1]).shown == "reader: ok"


def test_without_notes_there_is_no_empty_row():
    assert side_by_side(KETTLE, {"gold": "a"}).count("<tr>") == 3
