"""data/raw is the curated data plus the listed faults, and nothing else."""

import collections
import html
import json
import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from helpers import metrics, products, raw_products
from helpers.paths import DATA

RAW = DATA / "raw"
FIELDS = ["family", "category", "name", "features", "color", "description"]
REPAIRABLE = {"html", "mojibake", "pii"}
COPIES = {"exact_duplicate", "near_duplicate", "variant"}


def read_csv(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def catalogue():
    return read_csv(RAW / "catalogue.csv").set_index("id")


def supplier():
    rows = [json.loads(line) for line in (RAW / "supplier.jsonl").open(encoding="utf-8")]
    return pd.DataFrame(
        {
            "family": row["productType"],
            "category": row["department"],
            "name": row["title"],
            "features": ", ".join(row["bullets"]),
            "color": row["colour"],
            "description": row["copy"],
            "id": row["sku"],
        }
        for row in rows
    ).set_index("id")


def shop():
    rows = []
    for page in sorted((RAW / "shop").glob("p*.html")):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        item = json.loads(soup.find("script", type="application/ld+json").string)
        category, family = item["category"].split(" > ")
        features = ", ".join(feature["value"] for feature in item["additionalProperty"])
        row = {"family": family, "category": category, "name": item["name"], "features": features}
        row |= {"color": item["color"], "description": item["description"], "id": item["sku"]}
        rows.append(row)
    return pd.DataFrame(rows).set_index("id")


SOURCES = {"catalogue": catalogue(), "supplier": supplier(), "shop": shop()}
EVERYTHING = pd.concat(SOURCES.values())
FAULTS = read_csv(RAW / "faults.csv").set_index("id")
PRODUCTS = products.read_products(DATA / "products.csv").set_index("id")


def ids_of(fault):
    return FAULTS.index[FAULTS["fault"] == fault]


def test_the_helper_reads_all_three_sources_as_they_are():
    found = raw_products.read_raw().set_index("id")
    assert len(found) == len(EVERYTHING) and found.index.is_unique
    assert found.loc[EVERYTHING.index, FIELDS].equals(EVERYTHING[FIELDS])


def test_every_row_is_a_product_or_a_listed_fault():
    assert EVERYTHING.index.is_unique and FAULTS.index.is_unique
    dropped = FAULTS.index[~FAULTS["fault"].isin(REPAIRABLE)]
    assert set(EVERYTHING.index) == set(PRODUCTS.index) | set(dropped)
    assert not set(PRODUCTS.index) & set(dropped)


def test_there_are_forty_shop_pages_and_the_index_links_each_of_them():
    assert len(SOURCES["shop"]) == 40
    soup = BeautifulSoup((RAW / "shop" / "index.html").read_text(encoding="utf-8"), "html.parser")
    links = {link["href"] for link in soup.find_all("a")}
    assert {f"{i}.html" for i in SOURCES["shop"].index} <= links
    assert any(link.startswith("drafts/") for link in links)
    assert "Disallow: /drafts/" in (RAW / "shop" / "robots.txt").read_text(encoding="utf-8")


def test_rows_without_a_fault_are_the_curated_ones_but_for_the_case_of_colours():
    sound = [i for i in PRODUCTS.index if i not in FAULTS.index]
    found = EVERYTHING.loc[sound, FIELDS].copy()
    found["color"] = found["color"].str.lower()
    pd.testing.assert_frame_equal(found, PRODUCTS.loc[sound, FIELDS])


def test_each_kind_of_fault_is_there_and_in_more_than_one_source():
    counts = FAULTS["fault"].value_counts()
    kinds = {"missing_field", "color_contradiction", "number_contradiction", "other_language"}
    kinds |= {"too_short", "too_long", "price_as_color"} | REPAIRABLE | COPIES
    assert set(counts.index) == kinds
    assert counts.min() >= 3 and counts.sum() >= 100
    for rows in SOURCES.values():
        assert FAULTS.index.isin(rows.index).any()


@pytest.mark.parametrize("i", ids_of("html"))
def test_html_is_the_curated_text_in_tags_or_entities(i):
    text = EVERYTHING.loc[i, "description"]
    plain = re.sub(r"</?\w[^>]*>", "", re.sub(r"<br\s*/?>", " ", text))
    assert text != PRODUCTS.loc[i, "description"]
    assert html.unescape(plain).replace("\xa0", " ") == PRODUCTS.loc[i, "description"]


@pytest.mark.parametrize("i", ids_of("mojibake"))
def test_mojibake_is_the_curated_text_decoded_wrongly(i):
    broken = EVERYTHING.loc[i, FIELDS]
    assert not broken.equals(PRODUCTS.loc[i, FIELDS])
    for field in ("name", "features", "description"):
        assert broken[field].encode("cp1252").decode("utf-8") == PRODUCTS.loc[i, field]


@pytest.mark.parametrize("i", ids_of("pii"))
def test_personal_data_is_one_more_sentence_at_the_end(i):
    text, curated = EVERYTHING.loc[i, "description"], PRODUCTS.loc[i, "description"]
    assert text.startswith(curated + " ")
    assert re.search(r"@example\.(com|org)|\d{4,}", text.removeprefix(curated))


@pytest.mark.parametrize("fault", sorted(COPIES))
def test_copies_name_a_row_that_comes_earlier(fault):
    order = {i: number for number, i in enumerate(EVERYTHING.index)}
    for i in ids_of(fault):
        original = FAULTS.loc[i, "detail"]
        assert order[original] < order[i] and original in PRODUCTS.index
        row, first = (EVERYTHING.loc[k, FIELDS].str.lower() for k in (i, original))
        same = row == first
        if fault == "exact_duplicate":
            assert same.all()
        if fault == "near_duplicate":
            assert same.drop("description").all() and not same["description"]
        if fault == "variant":
            assert same["family"] and not same["color"]


def test_colour_contradictions_name_a_colour_that_the_row_does_not_have():
    for i in ids_of("color_contradiction"):
        row = EVERYTHING.loc[i]
        source = f"{row['name']} {row.features} {row.color}"
        assert metrics.wrong_colors(source, row.description), i


def test_number_contradictions_leave_a_feature_unsaid():
    for i in ids_of("number_contradiction"):
        row = EVERYTHING.loc[i]
        assert metrics.coverage(row.features.split(", "), row.description) < 1, i


def test_missing_fields_are_empty_or_a_word_for_nothing():
    for i in ids_of("missing_field"):
        assert EVERYTHING.loc[i].str.strip().str.lower().isin(["", "n/a", "-"]).any(), i


def test_lengths_prices_and_languages_are_as_listed():
    lengths = EVERYTHING["description"].str.split().str.len()
    assert (lengths[ids_of("too_short")] <= 5).all()
    assert (lengths[ids_of("too_long")] >= 500).all()
    assert EVERYTHING.loc[ids_of("price_as_color"), "color"].str.contains(r"\d").all()
    english = {"the", "and", "with", "its", "is"}
    share = (
        EVERYTHING["description"]
        .str.lower()
        .map(lambda text: sum(word in english for word in text.split()) / max(1, len(text.split())))
    )
    assert (share[ids_of("other_language")] < 0.03).all()


UNSEEN = ["second", "third", "fourth", "fifth"]


@pytest.mark.parametrize("name", UNSEEN)
def test_a_set_by_someone_else_lists_its_faults_by_row(name):
    rows, faults = (read_csv(RAW / name / file) for file in ("catalogue.csv", "faults.csv"))
    assert list(rows.columns) == ["id", *FIELDS]
    assert rows["id"].is_unique and faults["id"].is_unique
    assert set(faults["id"]) <= set(rows["id"])
    assert set(faults["fault"]) == set(FAULTS["fault"])
    assert 2 * len(faults) == len(rows)
    counts = collections.Counter(faults["fault"])
    assert min(counts.values()) >= 2


def test_no_id_is_used_twice():
    sets = [read_csv(RAW / name / "catalogue.csv") for name in UNSEEN]
    ids = [*EVERYTHING.index, *(i for rows in sets for i in rows["id"])]
    assert len(ids) == len(set(ids))
