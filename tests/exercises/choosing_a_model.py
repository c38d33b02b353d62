"""Answers to the exercises of notebooks/04_choosing_a_model.ipynb, right and usually wrong."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from transformers import LlamaConfig, LlamaForCausalLM

from exercises import Exercise
from helpers.checks import choosing_a_model as on_choosing_a_model


def counting(change: Callable[[dict, dict[str, int]], None] = lambda config, parts: None):
    """Exercise 4.1 answered part by part; `change` may spoil the parts before they are added."""

    def count_parameters(config: dict) -> int:
        hidden, width = config["hidden_size"], config["intermediate_size"]
        narrow = hidden * config["num_key_value_heads"] // config["num_attention_heads"]
        parts = {
            "embedding": config["vocab_size"] * hidden,
            "head": 0 if config["tie_word_embeddings"] else config["vocab_size"] * hidden,
            "wide": 2 * hidden * hidden,
            "keys and values": 2 * hidden * narrow,
            "mlp": 3 * hidden * width,
            "norms": 2 * hidden,
            "layers": config["num_hidden_layers"],
            "last norm": hidden,
        }
        change(config, parts)
        layer = sum(parts[name] for name in ("wide", "keys and values", "mlp", "norms"))
        tables = parts["embedding"] + parts["head"]
        return tables + parts["layers"] * layer + parts["last norm"]

    return count_parameters


def setting(**values: Callable[[dict, dict[str, int]], int]) -> Callable:
    """Exercise 4.1 with some parts replaced."""

    def change(config: dict, parts: dict[str, int]) -> None:
        for name, value in values.items():
            parts[name.replace("_", " ")] = value(config, parts)

    return counting(change)


def by_the_library(config: dict) -> int:
    """The count of a real model, built without memory for its weights."""
    import torch

    with torch.device("meta"):
        return LlamaForCausalLM(LlamaConfig(**config)).num_parameters()


COUNT_PARAMETERS = Exercise(
    on_choosing_a_model.check_count_parameters,
    {
        "part by part": counting(),
        "the library's own count": by_the_library,
        "numpy's whole number": lambda config: np.int64(counting()(config)),
    },
    {
        "tied counted twice": (
            "a tied matrix is used twice",
            setting(head=lambda config, parts: parts["embedding"]),
        ),
        "own head forgotten": (
            "the output has a matrix of its own",
            setting(head=lambda config, parts: 0),
        ),
        "no embedding": (
            "the embedding is missing",
            setting(embedding=lambda config, parts: 0, head=lambda config, parts: 0),
        ),
        "as many key-value heads": (
            "keys and values have fewer heads",
            setting(keys_and_values=lambda config, parts: parts["wide"]),
        ),
        "two MLP matrices": (
            "the MLP has three matrices",
            setting(mlp=lambda config, parts: parts["mlp"] * 2 // 3),
        ),
        "no norms": (
            "the norms are missing",
            setting(norms=lambda config, parts: 0, last_norm=lambda config, parts: 0),
        ),
        "no norms in layers": (
            "the two norms of each layer",
            setting(norms=lambda config, parts: 0),
        ),
        "no last norm": ("one more norm", setting(last_norm=lambda config, parts: 0)),
        "one layer": ("only one layer", setting(layers=lambda config, parts: 1)),
        "a float": ("a whole number", lambda config: float(counting()(config))),
        "a truth value": ("a whole number", lambda config: True),
        "nothing": ("a whole number", lambda config: None),
        "learned by heart": (
            "without tied matrices comes out wrong",
            lambda config: 134_515_008,
        ),
        "tied one wrong": (
            "the model with tied matrices comes out wrong",
            lambda config: counting()(config) + config["tie_word_embeddings"],
        ),
        "one too many": ("you are off by +1", lambda config: counting()(config) + 1),
    },
)

Rows = list[list[int]]


def right_inputs(labels: Rows, start: int, pad: int) -> Rows:
    return fill([[start, *row[:-1]] for row in labels], pad)


def fill(rows: Rows, filler: int) -> Rows:
    return [[filler if token == -100 else token for token in row] for row in rows]


def with_torch(labels: Rows, start: int, pad: int) -> Rows:
    import torch

    shifted = torch.tensor(labels).roll(1, dims=1)
    shifted[:, 0] = start
    return shifted.masked_fill(shifted == -100, pad).tolist()


DECODER_INPUTS = Exercise(
    on_choosing_a_model.check_decoder_inputs,
    {"by lists": right_inputs, "by torch": with_torch},
    {
        "-100 left": (
            "-100 is left in",
            lambda labels, start, pad: [[start, *row[:-1]] for row in labels],
        ),
        "-100 to start": (
            "-100 became the start token",
            lambda labels, start, pad: right_inputs(labels, start, start),
        ),
        "-100 to zero": (
            "-100 became 0",
            lambda labels, start, pad: right_inputs(labels, start, 0),
        ),
        "not moved": ("nothing moved", lambda labels, start, pad: fill(labels, pad)),
        "labels as they are": ("nothing moved", lambda labels, start, pad: labels),
        "moved left": (
            "moved to the left",
            lambda labels, start, pad: fill([[*row[1:], pad] for row in labels], pad),
        ),
        "one longer": (
            "a row got longer",
            lambda labels, start, pad: fill([[start, *row] for row in labels], pad),
        ),
        "starts with pad": (
            "the first token is not the start token",
            lambda labels, start, pad: right_inputs(labels, pad, pad),
        ),
        "one row": (
            "differ in number or length",
            lambda labels, start, pad: right_inputs(labels, start, pad)[:1],
        ),
        "one shorter": (
            "differ in number or length",
            lambda labels, start, pad: [row[:-1] for row in right_inputs(labels, start, pad)],
        ),
        "moved by two": (
            "you make [7, 7, 31, 32, 1]",
            lambda labels, start, pad: fill([[start, start, *row[:-2]] for row in labels], pad),
        ),
    },
)


def size_of(text: str) -> int:
    return len(text.encode("utf-8"))


BITS_FROM_MEAN = Exercise(
    on_choosing_a_model.check_bits_from_mean,
    {
        "by steps": lambda mean, tokens, text: mean * tokens / math.log(2) / size_of(text),
        "with log2": lambda mean, tokens, text: math.log2(math.e) * mean * tokens / size_of(text),
    },
    {
        "bits per token": (
            "these are bits per token",
            lambda mean, tokens, text: mean / math.log(2),
        ),
        "mean not summed": (
            "still the mean of a token",
            lambda mean, tokens, text: mean / math.log(2) / size_of(text),
        ),
        "forgets ln 2": (
            "these are nats per byte",
            lambda mean, tokens, text: mean * tokens / size_of(text),
        ),
        "multiplies by ln 2": (
            "not by multiplying",
            lambda mean, tokens, text: mean * tokens * math.log(2) / size_of(text),
        ),
        "characters": (
            "these are bits per character",
            lambda mean, tokens, text: mean * tokens / math.log(2) / len(text),
        ),
        "characters, nats": (
            "these are nats per character",
            lambda mean, tokens, text: mean * tokens / len(text),
        ),
        "whole text": (
            "bits of the whole text",
            lambda mean, tokens, text: mean * tokens / math.log(2),
        ),
        "divides by tokens": (
            "divided by the tokens once more",
            lambda mean, tokens, text: mean / math.log(2) / tokens,
        ),
        "wrong way up": (
            "bytes per bit",
            lambda mean, tokens, text: size_of(text) * math.log(2) / (mean * tokens),
        ),
        "zero": ("you get 0,", lambda mean, tokens, text: 0.0),
        "not a number": ("you get nan,", lambda mean, tokens, text: math.nan),
    },
)

Costs = pd.DataFrame


def measure(table: Costs, rows: np.ndarray, unit: str) -> np.ndarray:
    """NLL per unit of text of each draw; rows: (draws, n) which rows were drawn."""
    return table["nll"].to_numpy()[rows].sum(axis=1) / table[unit].to_numpy()[rows].sum(axis=1)


def needed(
    one: Costs,
    other: Costs,
    *,
    draws: int = 1000,
    share: float = 0.95,
    unit: str = "bytes",
    paired: bool = True,
) -> int:
    """Exercise 4.4, one number of rows after the other; what is asked for may be changed."""
    draw, n_rows = np.random.default_rng(5), len(one)
    everything = np.arange(n_rows)[None]
    right = measure(one, everything, unit) > measure(other, everything, unit)
    for n in range(1, n_rows):
        rows, others = (draw.random((draws, n_rows)).argsort(axis=1)[:, :n] for _ in range(2))
        first = measure(one, rows, unit) > measure(other, rows if paired else others, unit)
        if (first == right).mean() >= share:
            return n
    return n_rows


def by_mean_of_rows(one: Costs, other: Costs) -> int:
    """The mean of the rows' own bits per byte instead of the ratio of sums; all draws at once."""
    gap = ((one["nll"] - other["nll"]) / one["bytes"] / math.log(2)).to_numpy()
    order = np.argsort(np.random.default_rng(9).random((3000, len(gap))), axis=1)
    agree = (np.sign(gap[order].cumsum(axis=1)) == np.sign(gap.sum())).mean(axis=0)
    return int(np.argmax(agree >= 0.95)) + 1


def from_the_top(one: Costs, other: Costs, stays: bool) -> int:
    gap = (one["nll"] - other["nll"]).cumsum().to_numpy()
    same = (gap > 0) == (gap[-1] > 0)
    if not stays:
        return int(np.argmax(same)) + 1
    return max((n + 2 for n in range(len(gap)) if not same[n]), default=1)


ROWS_NEEDED = Exercise(
    on_choosing_a_model.check_rows_needed,
    {
        "number by number": needed,
        "many draws at once, mean of rows": by_mean_of_rows,
        "numpy's whole number": lambda one, other: np.int64(by_mean_of_rows(one, other)),
    },
    {
        "from the top, first time": (
            "from the top of the table",
            lambda one, other: from_the_top(one, other, stays=False),
        ),
        "from the top, for good": (
            "from the top of the table",
            lambda one, other: from_the_top(one, other, stays=True),
        ),
        "per token": (
            "ranks by NLL per token",
            lambda one, other: needed(one, other, unit="tokens"),
        ),
        "other rows for each": (
            "judged on other rows",
            lambda one, other: needed(one, other, paired=False),
        ),
        "one draw each": ("too few rows", lambda one, other: needed(one, other, draws=1)),
        "half of the draws": ("too few rows", lambda one, other: needed(one, other, share=0.6)),
        "every draw": ("more rows than needed", lambda one, other: needed(one, other, share=1.0)),
        "all rows": ("more rows than needed", lambda one, other: len(one)),
        "a share": (
            "a number of rows is a whole number",
            lambda one, other: by_mean_of_rows(one, other) / len(one),
        ),
        "nothing": ("a number of rows is a whole number", lambda one, other: None),
        "no row": ("can't be drawn", lambda one, other: 0),
    },
)

EXERCISES = {
    "04 count_parameters": COUNT_PARAMETERS,
    "04 decoder_inputs": DECODER_INPUTS,
    "04 bits_from_mean": BITS_FROM_MEAN,
    "04 rows_needed": ROWS_NEEDED,
}
