"""A helper does what notebook 07 does in the open."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import set_seed

from helpers import blind_read, generation, intervals
from helpers.generation import Completion
from helpers.prompts import product_prompt
from notebook_files import NOTEBOOKS, define

(EVALUATION,) = (path for path in NOTEBOOKS if path.name.startswith("07"))


def test_the_bootstrap_by_hand_is_the_helper_s():
    values = np.random.default_rng(2).choice([0.0, 0.25, 0.5, 1.0], 40)
    taught = define(EVALUATION, "bootstrap", np=np, SEED=4, DRAWS=9999)
    low, high, means = taught(len(values), lambda drawn: values[drawn].mean())
    assert len(means) == 9999
    assert (low, high) == pytest.approx(intervals.bootstrap_mean(values, seed=4), abs=1e-12)


@pytest.mark.parametrize(
    "how", [{}, {"repetition_penalty": 1.5}, {"num_beams": 3}], ids=["greedy", "penalty", "beams"]
)
def test_writing_is_the_helper_s(tiny_model, tiny_tokenizer, how):
    rows = pd.DataFrame(
        {"category": "Kitchen", "name": name, "color": "red", "features": "lid"}
        for name in ("Mug", "A kettle with a longer name", "A lid")
    )
    taught = define(
        EVALUATION, "write", tokenizer=tiny_tokenizer, MAX_NEW_TOKENS=10, SEED=0,
        product_prompt=product_prompt, set_seed=set_seed, Completion=Completion,
    )  # fmt: skip
    prompts = [product_prompt(row) for row in rows.to_dict("records")]
    with torch.random.fork_rng(), torch.no_grad():
        found = taught(tiny_model.eval(), rows, at_once=2, **how)
    assert found == generation.complete(tiny_model, tiny_tokenizer, prompts, 10, **how)


def test_kappa_is_agreement_above_chance():
    taught = define(EVALUATION, "kappa", np=np)
    first = ["ok"] * 25 + ["broken"] * 25  # the textbook's table: 20, 5, 10, 15
    second = ["ok"] * 20 + ["broken"] * 5 + ["ok"] * 10 + ["broken"] * 15
    assert taught(first, second) == pytest.approx(0.4)  # (0.7 - 0.5) / (1 - 0.5)
    assert taught(first, first) == pytest.approx(1)
    assert taught(["ok", "ok", "no", "no"], ["ok", "no", "ok", "no"]) == pytest.approx(0)
    assert taught(["ok", "no"], ["no", "ok"]) == pytest.approx(-1)
    assert np.isnan(taught(["ok", "ok"], ["ok", "ok"]))  # nothing could have differed
    for pair in ((first, second), (first, first), (["ok", "no"], ["no", "ok"])):
        assert blind_read.kappa(*pair) == taught(*pair)
    assert np.isnan(blind_read.kappa(["ok", "ok"], ["ok", "ok"]))


def test_verdicts_on_a_goal_look_at_the_whole_interval():
    taught = define(EVALUATION, "verdict_on")
    assert taught(0.95, 0.92, 0.98, 0.90, True) == "met"
    assert taught(0.95, 0.88, 0.98, 0.90, True) == "met on average"
    assert taught(0.89, 0.80, 0.98, 0.90, True) == "not met"
    assert taught(0.02, 0.01, 0.04, 0.05, False) == "met"
    assert taught(0.02, 0.01, 0.06, 0.05, False) == "met on average"
    assert taught(0.06, 0.01, 0.09, 0.05, False) == "not met"


def test_a_text_to_be_read_blind_has_the_same_fingerprint():
    taught = define(EVALUATION, "item", hashlib=hashlib)
    for pair in (("p001", "A red mug."), ("p002", "A red mug."), ("p001", "Ein Becher für 1,7 l")):
        assert blind_read.fingerprint(*pair) == taught(*pair)
