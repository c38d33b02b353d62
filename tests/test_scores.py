"""helpers/scores.py: two rows counted by eye, and their table."""

import pandas as pd
import pytest

from helpers import drafts, products, recipe, training
from helpers.generation import Completion, complete
from helpers.prompts import product_prompt
from helpers.scores import both_ways, mean_interval, score, shown, spread, summary

ROWS = pd.DataFrame(
    [
        {"name": "Marlow Mug 7", "features": "300 ml, lid", "color": "navy"},
        {"name": "Orla Lamp", "features": "2 arms, brass base", "color": "red"},
    ],
    index=[11, 4],
)
DONE = [
    Completion("The navy mug holds 300 ml and has a lid, 7 times.", 12, True),
    Completion("A blue lamp with 3 arms.", 6, False),
]


def test_each_row_is_counted_against_its_own_product():
    table = score(ROWS, DONE)
    assert list(table.index) == [11, 4]
    assert table.loc[11].to_dict() == {
        "coverage": 1.0, "colour named": True, "wrong colour": False,
        "invented number": False, "stopped": True, "tokens": 12,
    }  # fmt: skip
    assert table.loc[4].to_dict() == {
        "coverage": 0.0, "colour named": False, "wrong colour": True,
        "invented number": True, "stopped": False, "tokens": 6,
    }  # fmt: skip


def test_rows_and_completions_have_to_match():
    with pytest.raises(ValueError, match="shorter"):
        score(ROWS, DONE[:1])


def test_the_table_has_a_column_a_system_and_an_interval_a_count():
    table = summary({"one": score(ROWS, DONE), "two": score(ROWS, DONE[:1] * 2)})
    assert list(table) == ["one", "two"]
    assert table.loc["coverage", "one"] == "0.50  [0.00, 1.00]"
    # Wilson's for 1 of 2, by the formula: 0.5 -/+ 0.4055
    assert table.loc["stopped", "one"] == "0.50  [0.09, 0.91]"
    assert table.loc["stopped", "two"] == "1.00  [0.34, 1.00]"
    assert table.loc["tokens (mean)", "one"] == "9"


def test_true_or_false_gets_wilson_s_interval_and_numbers_a_bootstrap():
    assert mean_interval(pd.Series([False] * 100)) == pytest.approx((0.0, 0.0, 0.0370), abs=5e-5)
    assert mean_interval(pd.Series([0.0] * 100)) == (0.0, 0.0, 0.0)
    mean, low, high = mean_interval(pd.Series([0.0, 1.0, 1.0, 1.0] * 25))
    assert mean == 0.75
    assert (low, high) == pytest.approx((0.75 - 0.085, 0.75 + 0.085), abs=0.01)  # 1.96 errors
    assert shown(mean, 0.661, 0.8349) == "0.75  [0.66, 0.83]"


def test_the_spread_of_runs_is_their_mean_lowest_and_highest():
    assert spread(pd.Series([0.1, 0.2, 0.6])) == "0.30  [0.10, 0.60]"
    assert spread(pd.Series([0.1, 0.2]), digits=3) == "0.150  [0.100, 0.200]"
    assert spread(pd.Series([0.25])) == "0.25"


def test_both_ways_of_writing_have_their_own_counts_and_one_nll(tiny_model, tiny_tokenizer):
    rows = products.load_split("validation").head(2)
    tuned, best = both_ways(tiny_model, tiny_tokenizer, rows, max_new_tokens=8)
    prompts = [product_prompt(row) for row in rows.to_dict("records")]
    written = {
        "tuned": complete(tiny_model, tiny_tokenizer, prompts, 8),
        "best draft": drafts.describe(tiny_model, tiny_tokenizer, rows, 8),
    }
    examples = recipe.examples_of(tiny_tokenizer, rows)
    nll = training.mean_nll(tiny_model, examples, tiny_tokenizer.pad_token_id)
    for line, (system, done) in zip((tuned, best), written.items(), strict=True):
        assert line.pop("system") == system
        assert line.pop("NLL") == pytest.approx(nll, abs=5e-5)
        counts = score(rows, done)
        assert line == {name: pytest.approx(counts[name].mean(), abs=5e-5) for name in line}
        assert set(line) == set(counts) - {"tokens"}
