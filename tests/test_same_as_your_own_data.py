"""Notebook 13, and helpers that other notebooks taught and it uses."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

from helpers import products, prompts, report, scores
from helpers.generation import Completion
from notebook_files import NOTEBOOKS, define


def notebook(number):
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(number))
    return path


@pytest.mark.parametrize(("heads", "rows"), [(1, 4), (4, 32), (2, 16)])
def test_what_gguf_interleaves_transformers_puts_back(heads, rows):
    taught = define(notebook("13"), "interleaved")
    weight = np.random.default_rng(0).normal(size=(rows, 6)).astype(np.float32)
    back = LlamaTensorProcessor(config={})._reverse_permute_weights(
        taught(weight, heads), heads, heads
    )
    assert np.array_equal(back, weight)
    put_back = define(notebook("13"), "put_back")
    assert np.array_equal(put_back(taught(weight, heads), heads), weight)
    assert not np.array_equal(taught(weight, heads), weight)


def test_the_f_string_is_07_s():
    taught = define(notebook("07"), "template_filler")
    for _, row in products.load_split("train").head(20).iterrows():
        assert prompts.template_text(row) == taught(row)
    one = {"name": "Mug", "color": "red", "features": "250 ml"}
    assert prompts.template_text(one) == "The Mug comes in red. Its features are: 250 ml."


def test_a_clean_text_is_09_s():
    taught = define(notebook("09"), "is_clean")
    rows = products.load_split("train").head(30)
    texts = [
        Completion(text[: len(text) - 30 * (i % 3)], 9, i % 4 > 0)
        for i, text in enumerate(rows["description"])
    ]
    counted = scores.score(rows, texts)
    clean = ~report.faults(counted, list(report.COUNTS)).any(axis=1)
    assert clean.equals(taught(counted))
    assert 0 < clean.sum() < len(rows)


FIELDS = {"name": "Orla Kettle", "color": "red", "features": ["1.5 L", "steel spout"]}


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ('{"name": "orla  kettle", "color": "Red", "features": ["steel spout", "1.5 L"]}', 1.0),
        ('{"name": "Orla Kettle", "color": "blue", "features": ["1.5 L"]}', 4 / 7),
        ('{"name": "Orla Kettle", "features": "1.5 L"}', 0.4),
        ('{"name": 3, "color": null, "features": [1, {"a": 2}]}', 0.0),
        ("[1, 2]", 0.0),
        ('{"name": "Orla', 0.0),
        ("[" * 5000, 0.0),
        ("", 0.0),
    ],
)
def test_fields_are_scored_exactly_and_what_is_no_json_has_found_nothing(said, score):
    fields_of = define(notebook("13"), "fields_of")
    read_json = define(notebook("13"), "read_json", json=json, fields_of=fields_of)
    f1 = define(notebook("13"), "f1")
    assert f1(fields_of(*FIELDS.values()), read_json(said)) == pytest.approx(score)


def test_costs_of_a_row_have_the_mean_over_all_tokens():
    per_row = define(notebook("13"), "per_row")
    costs = pd.DataFrame({"nll": [2.0, 9.0], "tokens": [1, 9]})
    assert per_row(costs).mean() == pytest.approx(11 / 10)
    assert torch.tensor(per_row(costs).to_numpy()).dtype == torch.float64
