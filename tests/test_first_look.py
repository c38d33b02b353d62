"""helpers/first_look.py: what is refused before training, and what a person is told."""

import pandas as pd
import pytest

from helpers.first_look import FEWEST_ROWS, check_rows, doubts, long_texts, overview
from helpers.products import ProductFileError, load_split

WORDS = ["oak", "elm", "ash", "fir", "yew", "box", "bay", "fig", "pear", "plum", "lime", "teak"]


def made_up(count: int) -> pd.DataFrame:
    """So many products, all different and without a doubt."""
    return pd.DataFrame(
        {
            "category": ["Home"] * count,
            "name": [f"Lamp {i}" for i in range(count)],
            "features": [f"dimmer, {i} W" for i in range(count)],
            "color": ["white"] * count,
            "description": [f"Lamp {i} is white like {WORDS[i]}." for i in range(count)],
        }
    )


def refusal(rows: pd.DataFrame, **options) -> str:
    with pytest.raises(ProductFileError) as caught:
        check_rows("shop/a.csv", rows, **options)
    assert len(str(caught.value)) < 500
    return str(caught.value)


@pytest.mark.parametrize(("count", "said"), [(1, "1 product,"), (9, "9 products,")])
def test_too_few_rows_are_refused_in_one_sentence_by_file(count, said):
    assert refusal(made_up(count)) == (
        f"shop/a.csv: it holds {said} and at least 10 are needed, since one in five is held out to "
        "judge by. Add products."
    )


def test_enough_rows_of_more_than_one_kind_pass():
    check_rows("a.csv", made_up(FEWEST_ROWS))
    check_rows("a.csv", made_up(2), fewest=2)


@pytest.mark.parametrize("column", ["name", "description", "family"])
def test_rows_of_one_kind_are_refused(column):
    rows = made_up(12).assign(**{column: "Lamp"})
    assert refusal(rows.assign(**{"family": ""} | {column: rows[column]})) == (
        f"shop/a.csv, column {column!r}: all 12 rows have the same, so none can be held out to "
        "judge by. Add products of other kinds."
    )


def test_rows_that_hang_together_by_several_columns_are_refused():
    rows = made_up(12).assign(family=[""] * 6 + ["Lamp"] * 6)
    rows.loc[:6, "description"] = "A lamp."  # the seventh row is in both
    assert "all 12 rows hang together by what they share, so none" in refusal(rows)


def test_sound_rows_leave_no_doubt():
    assert doubts(made_up(12)) == []
    assert doubts(made_up(12).assign(family="")) == []  # a column that nobody filled


def test_a_description_under_several_names_is_counted():
    rows = made_up(8)
    rows.loc[[1, 4, 6], "description"] = ["A red shoe.", "a red  shoe.", "A red shoe."]
    (sentence,) = doubts(rows)
    assert sentence == (
        "3 of 8 rows (2, 5, 7) share a description with another row: keep one of each, or the "
        "model learns it by heart."
    )


def test_rows_are_named_by_their_lines_where_these_are_known():
    rows = made_up(8)
    rows["description"] = "A red shoe."
    rows.attrs["lines"] = list(range(2, 10))
    assert doubts(rows)[0].startswith("8 of 8 rows (lines 2, 3, 4, 5, 6, ...) share ")


def test_a_family_that_is_half_empty_is_told():
    (sentence,) = doubts(made_up(4).assign(family=["lamp", "", "", "mug"]))
    assert sentence.startswith("2 of 4 rows (2, 3) have no family, so their name stands for it")


def test_single_features_are_told_where_most_rows_have_one():
    rows = made_up(4)
    rows.loc[[0, 1], "features"] = "dimmer"
    assert doubts(rows) == []
    rows.loc[2, "features"] = "1,000 lm"
    assert doubts(rows)[0].startswith("3 of 4 rows (1, 2, 3) hold a single feature")


def test_variants_of_one_text_are_told():
    rows = made_up(4)
    rows["description"] = [
        f"Lamp {i} in white has a dimmer, 12 in all, and {i} W." for i in range(4)
    ]
    rows.loc[3, "description"] = "A lamp of its own."
    assert doubts(rows) == [
        "3 of 4 rows (1, 2, 3) have another row's description but for name, colour, features and "
        "numbers: an f-string writes such texts, and the rows that are held out hardly differ from "
        "those trained on."
    ]


def test_two_variants_among_many_texts_are_no_doubt():
    rows = pd.concat([made_up(12), made_up(12)], ignore_index=True)
    rows["name"] = [f"Lamp {i}" for i in range(24)]
    rows["description"] = [f"Text {chr(97 + i)}." for i in range(24)]
    rows.loc[[3, 9], "description"] = ["Lamp 3 in white.", "Lamp 9 in white."]
    assert doubts(rows) == []


def test_a_family_with_more_than_half_of_the_rows_is_told():
    rows = made_up(8).assign(family=list("aaaabcde"))
    assert doubts(rows) == []
    (sentence,) = doubts(rows.assign(family=list("aaaaabcd")))
    assert sentence.startswith("5 of 8 rows (1, 2, 3, 4, 5) share a family, a name or a text, so ")


@pytest.mark.parametrize("word", ["None", "nan", "N/A", "-"])
@pytest.mark.parametrize("column", ["color", "features"])
def test_a_word_that_may_stand_for_no_value_is_told_where_it_fills_a_cell(word, column):
    rows = made_up(4)
    rows.loc[2, column] = word
    (sentence,) = doubts(rows)
    assert sentence.startswith("1 of 4 rows (3) hold nothing but a word like None, nan or N/A")
    assert doubts(made_up(4).assign(color=f"{word} white")) == []


def test_features_that_another_mark_may_join_are_told():
    rows = made_up(4)
    rows["features"] = [
        "salt &amp; pepper, 5 W",
        "1,5 L; red, green stripes; lid",
        "a, b|c",
        "a, b",
    ]
    sentences = doubts(rows)
    assert sentences[0].startswith("2 of 4 rows (2, 3) hold ; or | or • in a feature")
    assert sentences[1].startswith("1 of 4 rows (1) hold HTML")


@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_courses_own_rows_leave_no_doubt(split):
    assert doubts(load_split(split)) == []


def test_a_file_is_told_in_numbers():
    rows = made_up(6).assign(family=["a", "a", "", "b", "", "c"], category=list("xxyyzz"))
    rows.loc[[3, 5], "description"] = ["A lamp.", "a  LAMP."]
    rows.loc[0, "features"] = "dimmer, 1,000 lm, USB port, lid, switch"
    assert overview(rows, [9, 12, 10, 30, 11, 10]) == {
        "rows": 6,
        "categories": 3,
        "families": 4,  # a, lamp 2, lamp 4, and b with c: they share a text
        "rows of the largest family": 2,
        "rows that share a description": 2,
        "features of a row (median)": 2,
        "tokens of a description (median)": 10,
        "tokens of the longest description": 30,
    }


@pytest.mark.parametrize(
    "text",
    ["<p>A lamp.</p>", "A lamp.<br/>", "Salt &amp; pepper", "&#233;", "it&#x27;s", "&frac12; cup"],
)
def test_html_is_told(text):
    rows = made_up(3)
    rows.loc[1, "description"] = text
    assert doubts(rows)[0].startswith("1 of 3 rows (2) hold HTML")


@pytest.mark.parametrize("text", ["Lamps < 5 W, and > 2 W", "Black & white; small", "I <3 lamps"])
def test_signs_of_their_own_are_no_html(text):
    assert doubts(made_up(3).assign(name=[text, "b", "c"])) == []


def test_lost_letters_are_told():
    rows = made_up(3)
    rows.loc[2, "color"] = "cr\ufffdme"
    assert doubts(rows)[0].startswith("1 of 3 rows (3) hold \ufffd, the sign for a lost letter")


def test_texts_longer_than_the_model_may_write_are_told_before_training():
    rows = made_up(3)
    assert long_texts(rows, [120, 3, 119], 120) == []
    (sentence,) = long_texts(rows, [121, 3, 260], 120)
    assert sentence == (
        "2 of 3 rows (1, 3) have a description longer than MAX_NEW_TOKENS = 120 (the longest has "
        "260 tokens), so one that is learnt can't end: raise MAX_NEW_TOKENS."
    )
