"""What notebook 02 builds in the open and what the helpers do is the same."""

import functools
import inspect
import itertools
import json
import random
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from scipy.stats import norm
from snowballstemmer import stemmer

from helpers import intervals, metrics, products, raw_products, splits
from helpers.paths import DATA
from notebook_files import NOTEBOOKS, define, read, run_cells

(DATA_CURATION,) = (path for path in NOTEBOOKS if path.name.startswith("02"))
PRODUCTS = products.read_products(DATA / "products.csv")
RESERVED = dict.fromkeys(["kettle", "office chair"], products.SPLITS[-1])
MEASURES = run_cells(DATA_CURATION, "def invented_numbers(", DATA=DATA, re=re, stems=metrics.stems)


def source(row):
    return f"{row['name']} {row['features']} {row['color']}"


def altered(text, rng):
    """The text with some words exchanged for colours, numbers and units."""
    put_in = ["red", "Lemon", "rust", "3", "twenty-five", "1,200 W", "2.0 litres", "half", "one"]
    return " ".join(rng.choice(put_in) if rng.random() < 0.15 else w for w in text.split())


def texts():
    """(row, text): every row with its own description, and 500 altered ones."""
    rng = random.Random(0)
    rows = PRODUCTS.to_dict("records")
    yield from ((row, row["description"]) for row in rows)
    yield from ((row, altered(row["description"], rng)) for row in rows)


def test_colours_and_numbers_are_judged_as_in_the_helper():
    found = 0
    for row, text in texts():
        for name in ("wrong_colors", "invented_numbers"):
            verdict = MEASURES[name](source(row), text)
            assert verdict == getattr(metrics, name)(source(row), text)
            found += bool(verdict)
        for color in (row["color"], "red"):
            assert MEASURES["names_color"](color, text) == metrics.names_color(color, text)
    assert found > 500  # the altered texts have something to find


def test_the_notebook_prints_the_helpers_coverage_as_it_stands():
    printed = "".join(
        output.text
        for cell in read(DATA_CURATION).cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream"
    )
    assert inspect.getsource(metrics.covered) in printed
    assert inspect.getsource(metrics._number_in) in printed


def test_the_drafts_differ_from_the_final_coverage():
    drafts = run_cells(
        DATA_CURATION,
        "def covered_1(",
        "def covered_2(",
        functools=functools,
        re=re,
        stemmer=stemmer,
    )
    for name in ("covered_1", "covered_2"):
        assert any(drafts[name](f, t) != metrics.covered(f, t) for f, t, _ in drafts["CASES"])
    assert all(metrics.covered(f, t) == expected for f, t, expected in drafts["CASES"])


def test_wilson_by_hand_is_the_helpers():
    taught = define(DATA_CURATION, "wilson", norm=norm, np=np)
    for n in (1, 7, 100):
        for hits in range(n + 1):
            np.testing.assert_allclose(taught(hits, n), intervals.wilson(hits, n), atol=1e-12)


def small_table(seed):
    rng = random.Random(seed)
    rows = []
    for number, category in itertools.product(range(12), ("kitchen", "garden", "toys")):
        rows += [{"family": f"{category} {number}", "category": category}] * rng.choice(
            [1, 1, 2, 4]
        )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("seed", range(4))
def test_the_group_split_deals_as_the_helper_does(seed):
    taught = define(DATA_CURATION, "group_split", random=random)
    small = small_table(seed)
    held_out = len(small) // 5
    cases = [
        (PRODUCTS, dict(zip(products.SPLITS, (300, 100, 100), strict=True)), RESERVED),
        (small, {"a": len(small) - 2 * held_out, "b": held_out, "c": held_out}, {"toys 3": "c"}),
    ]
    for rows, sizes, reserved in cases:
        expected = splits.group_split(rows, sizes, seed, reserved)
        found = taught(rows, sizes, seed, reserved)
        assert list(found) == list(expected)
        for name in sizes:
            pd.testing.assert_frame_equal(found[name], expected[name])


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp437", "cp1251"])
def test_mojibake_is_undone_once_and_twice_and_sound_text_is_left_alone(encoding):
    cell = run_cells(DATA_CURATION, "def repair_mojibake(", re=re)
    repair = cell["repair_mojibake"]
    for text in PRODUCTS["description"] + " Café – 30 °C, 5 m²":
        broken = text.encode().decode(encoding)
        assert broken != text
        for damaged in (text, broken, broken.encode().decode(encoding), f"{broken} à café"):
            assert repair(damaged).removesuffix(" à café") == text


def test_a_contact_goes_with_its_sentence_feature_or_bracket():
    cell = run_cells(DATA_CURATION, "def repair_pii(", re=re)
    cases = {
        "It boils. Ask ann@example.org for more. It pours.": "It boils. It pours.",
        "It boils. Ask ann . ode @ example . org, she knows.": "It boils.",
        "Fast Kettle (ask Ann, 01632 960058)": "Fast Kettle",
        "Fast Kettle (steel)": "Fast Kettle (steel)",
        "ring 01632 960058": "",
        "It is 140 x 245 cm. At 3 . 5 @ noon": "It is 140 x 245 cm. At 3 . 5 @ noon",
        "": "",
    }
    assert {text: cell["repair_pii"](text) for text in cases} == cases


def test_a_number_in_wrong_company_is_found_and_a_right_one_left_alone():
    cell = run_cells(
        DATA_CURATION, "def in_wrong_company(", metrics=metrics, stems=metrics.stems,
        UNITS=metrics._UNIT_NAMES,
    )  # fmt: skip
    wrong, text = cell["in_wrong_company"], "It is 180 cm high and 90 cm wide, with 3 tiers."
    assert [wrong(f, text) for f in ("90 cm high", "180 cm wide", "4 tiers")] == [True] * 3
    assert not any(wrong(f, text) for f in ("180 cm high", "90 cm wide", "3 tiers", "90 cm", "lid"))
    for row in PRODUCTS.to_dict("records"):
        assert not any(wrong(f, row["description"]) for f in row["features"].split(", "))


def test_a_page_of_the_shop_gives_the_same_product():
    columns = ["id", "family", *products.COLUMNS]
    taught = define(DATA_CURATION, "product_on", json=json, COLUMNS=columns)
    pages = sorted((DATA / "raw" / "shop").glob("p*.html"))
    for page in pages:
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        assert raw_products.product_on(soup) == taught(soup)
    assert len(pages) == 40
