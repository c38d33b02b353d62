"""The committed products measure up to what the data card says of them."""

import collections
import datetime
import json
import re

import pandas as pd
import pytest

from helpers import metrics, products
from helpers.paths import DATA
from helpers.splits import group_split

PRODUCTS = products.read_products(DATA / "products.csv")
MORE = pd.read_json(DATA / "more.jsonl", lines=True, dtype=False)
NOT_FACTUAL = re.compile(
    r"\b(?:so you|so that|which keeps|because|ideal|perfect|great|easy|easily|your?|we|our)\b"
)
SPLIT = {name: products.load_split(name) for name in products.SPLITS}


def source(row):
    return f"{row['name']} {row.features} {row.color}"


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def shingles(text, n):
    tokens = words(text)
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def greatest_likeness(texts, n=5):
    """Largest Jaccard similarity of the n-word shingles of any two texts."""
    sets = [set(shingles(text, n)) for text in texts]
    holders = collections.defaultdict(set)
    for i, one in enumerate(sets):
        for shingle in one:
            holders[shingle].add(i)
    pairs = {(i, j) for group in holders.values() for i in group for j in group if i < j}
    return max((len(sets[i] & sets[j]) / len(sets[i] | sets[j]) for i, j in pairs), default=0.0)


def test_there_are_500_products_in_columns_that_the_card_names():
    columns = ["id", "family", "category", "name", "features", "color", "description"]
    assert list(PRODUCTS.columns) == columns
    assert len(PRODUCTS) == 500
    assert PRODUCTS["id"].is_unique and PRODUCTS["name"].is_unique


def test_twelve_categories_have_41_or_42_products_each():
    counts = PRODUCTS["category"].value_counts()
    assert len(counts) == 12 and set(counts) == {41, 42}


def test_every_row_has_3_to_6_features_and_at_least_100_do_not_have_4():
    counts = PRODUCTS["features"].str.split(", ").str.len()
    assert counts.between(3, 6).all()
    assert (counts != 4).sum() >= 100
    assert set(counts) == {3, 4, 5, 6}


def test_at_least_60_products_share_their_family_with_another():
    assert PRODUCTS["family"].duplicated(keep=False).sum() >= 60


def test_descriptions_have_20_to_42_words_in_two_or_three_sentences():
    assert PRODUCTS["description"].str.split().str.len().between(20, 42).all()
    sentences = PRODUCTS["description"].str.count(r"[.!?](?:\s|$)")
    assert sentences.between(2, 3).all()


def test_no_description_gives_a_reason_or_speaks_to_the_reader():
    licensed = PRODUCTS.apply(source, axis=1)
    for text, row in zip(PRODUCTS["description"], licensed, strict=True):
        assert not set(NOT_FACTUAL.findall(text.lower())) - set(NOT_FACTUAL.findall(row.lower()))


def test_colours_and_families_are_lower_case():
    for column in ("color", "family"):
        assert (PRODUCTS[column] == PRODUCTS[column].str.lower()).all()


EVERY_ROW = [row for table in (PRODUCTS, MORE) for row in table.itertuples(index=False)]


@pytest.mark.parametrize("row", EVERY_ROW, ids=lambda row: row.id)
def test_the_description_says_what_the_row_says_as_far_as_code_can_tell(row):
    row = pd.Series(row._asdict())
    text = row.description
    assert [f for f in row.features.split(", ") if not metrics.covered(f, text)] == []
    assert row["name"] in text
    assert metrics.names_color(row.color, text)
    assert metrics.wrong_colors(source(row), text) == []
    assert metrics.invented_numbers(source(row), text) == []


def test_no_two_descriptions_begin_with_the_same_five_words():
    openings = PRODUCTS["description"].map(lambda text: tuple(words(text)[:5]))
    assert openings.is_unique


def test_distinct_4_grams_are_at_least_95_percent():
    grams = [gram for text in PRODUCTS["description"] for gram in shingles(text, 4)]
    assert len(set(grams)) / len(grams) >= 0.95


def test_no_two_descriptions_share_more_than_25_percent_of_their_shingles():
    assert greatest_likeness(PRODUCTS["description"]) <= 0.25


def test_these_measures_tell_a_template_from_prose():
    filled = [f"The {c} {n} comes with {f}. You will love it every day." for c, n, f in
              PRODUCTS[["color", "name", "features"]].itertuples(index=False)]  # fmt: skip
    assert len({tuple(words(text)[-5:]) for text in filled}) == 1
    grams = [gram for text in filled for gram in shingles(text, 4)]
    assert len(set(grams)) / len(grams) < 0.95


def test_the_splits_are_the_products_dealt_out_by_family():
    reserved = {"kettle": "test", "office chair": "test"}
    sizes = {"train": 300, "validation": 100, "test": 100}
    dealt = group_split(PRODUCTS, sizes, seed=0, reserved=reserved)
    for name, rows in SPLIT.items():
        pd.testing.assert_frame_equal(rows, dealt[name].reset_index(drop=True))


def test_no_family_lies_in_two_splits():
    families = [set(rows["family"]) for rows in SPLIT.values()]
    assert not (families[0] & families[1] | families[0] & families[2] | families[1] & families[2])


def test_kettles_and_office_chairs_lie_in_test_only():
    for name, rows in SPLIT.items():
        assert rows["family"].isin(["kettle", "office chair"]).any() == (name == "test")


def test_every_split_holds_every_category():
    for rows in SPLIT.values():
        assert rows["category"].nunique() == 12


def test_the_tutorials_two_products_are_in_no_split():
    assert not set(products.TUTORIAL_PRODUCTS["name"]) & set(PRODUCTS["name"])


def test_a_colour_word_of_a_row_is_known_to_the_lexicon_or_is_a_thing_that_has_the_colour():
    known = PRODUCTS["color"].map(
        lambda color: any(word in metrics.color_lexicon() for word in color.split())
    )
    assert known.mean() >= 0.9


@pytest.mark.parametrize("voice, rows", [("story", 500), ("helpful", 360)])
def test_the_other_voices_describe_the_same_products(voice, rows):
    table = pd.read_csv(DATA / "voices" / f"{voice}.csv", dtype=str, keep_default_na=False)
    assert list(table.columns) == ["id", "description"]
    assert table["id"].is_unique and len(table) == rows
    assert set(SPLIT["train"]["id"]) <= set(table["id"]) <= set(PRODUCTS["id"])
    factual = PRODUCTS.set_index("id")["description"]
    assert (table.set_index("id")["description"] != factual.reindex(table["id"])).all()
    assert table["description"].str.strip().ne("").all()


def test_the_further_rows_are_700_of_other_families_than_validation_and_test():
    assert list(MORE["id"]) == [f"m{number:03}" for number in range(1, 701)]
    assert list(MORE.columns) == list(PRODUCTS.columns)
    held_out = pd.concat([SPLIT["validation"], SPLIT["test"]])
    assert not set(MORE["family"]) & set(held_out["family"])
    assert MORE["name"].is_unique and not set(MORE["name"]) & set(PRODUCTS["name"])
    assert set(MORE["category"]) == set(PRODUCTS["category"])


def test_the_further_rows_are_in_the_same_voice():
    assert MORE["features"].str.split(", ").str.len().between(3, 6).all()
    assert MORE["description"].str.split().str.len().between(20, 42).all()
    assert MORE["description"].str.count(r"[.!?](?:\s|$)").between(2, 3).all()
    for text, row in zip(MORE["description"], MORE.apply(source, axis=1), strict=True):
        assert not set(NOT_FACTUAL.findall(text.lower())) - set(NOT_FACTUAL.findall(row.lower()))


def test_no_further_row_begins_like_another_or_shares_much_with_it():
    texts = pd.concat([PRODUCTS["description"], MORE["description"]])
    assert texts.map(lambda text: tuple(words(text)[:5])).is_unique
    assert greatest_likeness(texts) <= 0.25


def test_five_seeds_are_recorded_with_command_versions_and_date():
    seeds = pd.read_csv(DATA / "seeds.csv")
    for _, runs in seeds.groupby("system"):
        assert sorted(runs["seed"]) == [0, 1, 2, 3, 4]
    assert set(seeds["system"]) == {"tuned", "best draft"}
    assert seeds.notna().all().all()
    for run in seeds.itertuples():
        assert run.seed == 0 or f"--seed {run.seed} " in run.command
        assert datetime.date.fromisoformat(run.date)


STUDIES = {  # table -> what tells one run from the others
    "how_much_data/runs.csv": ["rows", "steps", "data", "voice", "seed"],
    "lora_and_forgetting/runs.csv": [
        "start", "method", "rate", "steps", "extra", "extra_rows", "seed",
    ],
    "search/trials.csv": ["search", "trial"],
    "search/short.csv": ["setting", "seed"],
}  # fmt: skip


def test_every_study_is_among_those_that_are_tested():
    assert {name.split("/")[0] for name in STUDIES} == {
        folder.name for folder in (DATA / "studies").iterdir()
    }


@pytest.mark.parametrize(("name", "settings"), STUDIES.items(), ids=STUDIES.keys())
def test_a_study_is_recorded_once_a_run_with_what_made_it(name, settings):
    runs = pd.read_csv(DATA / "studies" / name)
    assert len(runs) and not runs.duplicated(settings).any()
    assert runs[["command", "versions", "date", "machine"]].notna().all().all()
    assert runs["machine"].str.fullmatch(r"\w+ \w+, (bfloat16|float32)").all()
    assert all(datetime.date.fromisoformat(date) for date in runs["date"])
    assert runs["command"].str.endswith(f"data/studies/{name.split('/')[0]}/make.yaml").all()


@pytest.mark.parametrize("study", ["how_much_data", "lora_and_forgetting"])
def test_each_run_of_a_study_has_its_texts(study):
    runs, texts = (
        pd.read_csv(DATA / "studies" / study / f"{name}.csv") for name in ("runs", "texts")
    )
    settings = STUDIES[f"{study}/runs.csv"]
    written = texts[settings].drop_duplicates()
    assert len(written.merge(runs, on=settings)) == len(written) == len(runs)
    if "id" in texts:
        assert set(texts["id"]) <= set(products.load_split("validation")["id"])


def test_the_winner_of_the_search_was_judged_on_every_row_of_both_splits():
    lines = pd.read_csv(DATA / "studies" / "search" / "whole.csv")
    for (split, setting, seed), run in lines.groupby(["split", "setting", "seed"]):
        assert sorted(run["id"]) == sorted(products.load_split(split)["id"]), (setting, seed)
    made = json.loads((DATA / "studies" / "search" / "made_with.json").read_text(encoding="utf-8"))
    assert set(made) == {"command", "versions", "date", "machine"}
