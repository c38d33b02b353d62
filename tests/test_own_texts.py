"""helpers/own_texts.py: what the counts can say of a model that writes as the rows do."""

import pandas as pd
import pytest

from helpers.own_texts import known_colors, own_counts, what_counts_see
from helpers.products import load_split


def shop(descriptions: list[str]) -> pd.DataFrame:
    """A shop's rows, all with the same two features and the same colour."""
    count = len(descriptions)
    return pd.DataFrame(
        {
            "category": ["Clothes"] * count,
            "name": [f"Shirt {chr(97 + i)}" for i in range(count)],
            "features": ["cotton, 2 pockets"] * count,
            "color": ["navy"] * count,
            "description": descriptions,
        },
        index=[10 + 3 * i for i in range(count)],
    )


def sentences(descriptions: list[str]) -> list[str]:
    rows = shop(descriptions)
    return what_counts_see(rows, own_counts(rows))


WHOLE = "A navy shirt of cotton with 2 pockets."
EMPTY = "Made for long evenings."


def test_the_counts_of_own_descriptions_are_those_that_a_reader_makes():
    rows = shop([WHOLE, EMPTY, "A red shirt of cotton with 3 pockets."])
    expected = {
        "coverage": [1.0, 0.0, 0.5],
        "colour named": [True, False, False],
        "wrong colour": [False, False, True],
        "invented number": [False, False, True],
    }
    pd.testing.assert_frame_equal(own_counts(rows), pd.DataFrame(expected, index=rows.index))


def test_own_descriptions_that_state_all_let_the_counts_judge():
    assert sentences([WHOLE, WHOLE]) == [
        "The rows' own descriptions mention 100 % of their features, and 100 % of these "
        "descriptions name the colour.",
        "So a model that writes as these rows do reaches a full score; what no count sees, a "
        "reader has to.",
    ]


def test_where_the_texts_leave_the_facts_out_the_counts_measure_nothing():
    # 1 of 50 features, as in a shop whose texts are moods.
    assert sentences([EMPTY] * 24 + ["A shirt of cotton."]) == [
        "The rows' own descriptions mention 2 % of their features, and 0 % of these "
        "descriptions name the colour.",
        "So coverage and the share of colours named measure nothing here: a model that writes as "
        "these rows do scores about 0.02 and 0.00. The texts leave these facts out, or are not in "
        "English, the only language that the counts know. Judge by the NLL and by reading.",
    ]


def test_one_blind_count_does_not_speak_for_the_other():
    said = sentences(["A shirt of cotton with 2 pockets."] * 4)
    assert said[1].startswith("So the share of colours named measures nothing here: ")
    assert len(said) == 2


def test_between_the_two_a_model_is_held_against_the_rows_own_score():
    said = sentences([WHOLE, WHOLE, WHOLE, "A navy shirt."])
    assert said[1] == (
        "A model that writes as these rows do reaches about 0.75 in coverage: hold its score "
        "against that, and not against 1.00."
    )
    assert len(said) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [(WHOLE + " 9 left.", "name a number"), (WHOLE + " Not red.", "name a colour")],
)
def test_facts_from_nowhere_are_counted_where_many_rows_have_them(text, said):
    (sentence,) = sentences([WHOLE] * 4 + [text])[2:]
    assert sentence.startswith(f"1 of 5 rows (5) {said} that the row does not hold, and a model ")
    assert len(sentences([WHOLE] * 10 + [text])) == 2


@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_courses_own_descriptions_state_all(split):
    rows = load_split(split)
    assert what_counts_see(rows, own_counts(rows))[1:] == [
        "So a model that writes as these rows do reaches a full score; what no count sees, a "
        "reader has to."
    ]


def test_colours_of_another_language_blind_the_count_of_wrong_ones():
    rows = shop([WHOLE] * 3).assign(color=["dunkelgrün", "hellblau", "navy"])
    assert known_colors(rows).tolist() == [False, False, True]
    (said,) = [one for one in what_counts_see(rows, own_counts(rows)) if "knows 33 %" in one]
    assert said.endswith("so it measures nothing here.")
