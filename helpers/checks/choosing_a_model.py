"""Checks for notebooks/04_choosing_a_model.ipynb."""

import math
from collections.abc import Callable
from functools import cache
from numbers import Integral

import numpy as np
import pandas as pd

from helpers.checks import check

TIED = {
    "vocab_size": 49152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
}
NOT_TIED = {
    "vocab_size": 1000,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 5,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "tie_word_embeddings": False,
}


def _count(
    config: dict,
    tables: int | None = None,
    narrow: bool = True,
    matrices: int = 3,
    norms: bool = True,
    last_norm: bool = True,
    layers: int | None = None,
) -> int:
    """Parameters of a LLaMA-like model, with one thing counted otherwise."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    keys = hidden * config["num_key_value_heads"] // heads if narrow else hidden
    layer = 2 * hidden * hidden + 2 * hidden * keys
    layer += matrices * hidden * config["intermediate_size"] + 2 * hidden * norms
    tables = tables if tables is not None else 2 - config["tie_word_embeddings"]
    layers = layers or config["num_hidden_layers"]
    return tables * config["vocab_size"] * hidden + layers * layer + hidden * last_norm


@check
def check_count_parameters(count_parameters: Callable[[dict], int]) -> str | None:
    """Exercise 4.1: configuration -> parameters."""
    configs = (TIED, NOT_TIED)
    found = [count_parameters(dict(config)) for config in configs]
    if any(isinstance(n, bool) or not isinstance(n, Integral) for n in found):
        return f"a count is a whole number (divide with //); yours are {found}"
    mistakes = {
        "a tied matrix is used twice and counted once": {"tables": 2},
        "where nothing is tied, the output has a matrix of its own": {"tables": 1},
        "the embedding is missing": {"tables": 0},
        "keys and values have fewer heads than queries: their matrices are narrower": {
            "narrow": False
        },
        "the MLP has three matrices, not two": {"matrices": 2},
        "the norms are missing": {"norms": False, "last_norm": False},
        "the two norms of each layer are missing": {"norms": False},
        "there is one more norm, after the last layer": {"last_norm": False},
        "only one layer is counted": {"layers": 1},
    }
    right = [_count(config) for config in configs]
    if found == right:
        return None
    for sentence, change in mistakes.items():
        if found == [_count(config, **change) for config in configs]:
            return sentence
    if found[1] == right[1]:
        return "the model with tied matrices comes out wrong, the other one right"
    if found[0] == right[0]:
        return "the model without tied matrices comes out wrong, the other one right"
    return (
        f"for a model of {NOT_TIED['num_hidden_layers']} layers with hidden size "
        f"{NOT_TIED['hidden_size']} you are off by {found[1] - right[1]:+,}"
    )


@check
def check_decoder_inputs(
    decoder_inputs: Callable[[list[list[int]], int, int], list[list[int]]],
) -> str | None:
    """Exercise 4.2: (labels, start_id, pad_id) -> what the decoder reads."""
    start, pad, end = 7, 9, 1
    labels = [[21, 22, 23, 24, end], [31, 32, end, -100, -100]]
    found = decoder_inputs([list(row) for row in labels], start, pad)
    found = [[int(token) for token in row] for row in found]

    def filled(rows: list[list[int]], filler: int = pad) -> list[list[int]]:
        return [[filler if token == -100 else token for token in row] for row in rows]

    moved = [[start, *row[:-1]] for row in labels]
    if found == filled(moved):
        return None
    if found == moved:
        return "-100 is left in: it is no token, and the decoder can't look it up"
    if found == filled(moved, start):
        return "-100 became the start token: pad_id belongs there"
    if found == filled(moved, 0):
        return "-100 became 0: pad_id belongs there, and it is not always 0"
    if found in (labels, filled(labels)):
        return "nothing moved: each position reads the token that it has to predict"
    left = [[*row[1:], pad] for row in labels]
    if found in (left, filled(left)):
        return "moved to the left: each position reads what comes after its label"
    if any(len(row) == len(given) + 1 for row, given in zip(found, labels, strict=False)):
        return "a row got longer: with one token more in front, the last one has to go"
    if [row[1:] for row in found] == [row[1:] for row in filled(moved)]:
        return f"the first token is not the start token ({start})"
    if len(found) != len(labels) or [len(row) for row in found] != [len(row) for row in labels]:
        return "rows in and rows out differ in number or length"
    return f"from labels {labels[1]} with start_id {start} and pad_id {pad} you make {found[1]}"


@check
def check_bits_from_mean(bits_from_mean: Callable[[float, int, str], float]) -> str | None:
    """Exercise 4.3: (mean NLL, tokens, text) -> bits per byte."""
    text, tokens, mean_nll = "Crème brûlée torch – 1,300 °C", 11, 2.6
    characters, size = len(text), len(text.encode("utf-8"))
    found = float(bits_from_mean(mean_nll, tokens, text))
    total = mean_nll * tokens
    mistakes = {
        "these are bits per token: the bytes of the text are missing": mean_nll / math.log(2),
        "still the mean of a token: the text costs that as often as it has tokens": (
            mean_nll / math.log(2) / size
        ),
        "these are nats per byte: divide by ln 2 to get bits": total / size,
        "nats become bits by dividing by ln 2, not by multiplying": total * math.log(2) / size,
        "these are bits per character: é and – take more than one byte": (
            total / math.log(2) / characters
        ),
        "these are nats per character: bytes are wanted, and bits": total / characters,
        "these are the bits of the whole text: divide by its bytes": total / math.log(2),
        "divided by the tokens once more: they multiply the mean": (
            mean_nll / math.log(2) / tokens
        ),
        "this is bytes per bit, the wrong way up": size / (total / math.log(2)),
    }
    if math.isclose(found, total / math.log(2) / size, rel_tol=1e-6):
        return None
    for sentence, value in mistakes.items():
        if math.isclose(found, value, rel_tol=1e-6):
            return sentence
    return (
        f"for {tokens} tokens of {mean_nll} nats and a text of {size} bytes you get {found:.4g}, "
        "which is not its cost in bits per byte"
    )


ROWS, DRAWS = 60, 4000
ENOUGH = 0.95  # share of the draws that have to agree


@cache
def _pairs() -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Three pairs of cost tables; texts are hard and easy for both candidates alike.

    Where the first candidate has the other tokenizer, its NLL per token ranks it the other way
    round. In the last pair the rows that stand first favour the candidate that loses.
    """
    pairs = []
    for seed, gap, more_tokens, in_order in (
        (1, 4, 1.0, False),
        (2, 6, 1.6, False),
        (3, 5, 1, True),
    ):
        draw = np.random.default_rng(seed)
        size = draw.integers(140, 180, ROWS)
        hard = draw.normal(120, 25, ROWS)  # nats that both pay
        extra = draw.normal(0, 10, ROWS)
        extra += gap - extra.mean()  # what the first candidate pays on top of it
        extra = np.sort(extra) if in_order else extra
        tokens = np.round(size / 4).astype(int)
        one = {"nll": hard + extra, "tokens": np.round(tokens * more_tokens).astype(int)}
        other = {"nll": hard, "tokens": tokens}
        pairs.append(tuple(pd.DataFrame(table | {"bytes": size}) for table in (one, other)))
    return pairs


@cache
def _agreement(pair: int, unit: str = "bytes", paired: bool = True) -> np.ndarray:
    """(rows,) share of random draws of 1, 2, ... rows that rank the two as all rows do."""
    one, other = _pairs()[pair]
    draw = np.random.default_rng(0)
    orders = [np.argsort(draw.random((DRAWS, len(one))), axis=1) for _ in range(2)]
    means = []
    for table, order in zip((one, other), (orders[0], orders[0 if paired else 1]), strict=True):
        nll, size = (table[name].to_numpy()[order].cumsum(axis=1) for name in ("nll", unit))
        means.append(nll / size)
    gap = means[0] - means[1]
    return (np.sign(gap) == np.sign(gap[0, -1])).mean(axis=0)


def _first(agreement: np.ndarray, share: float = ENOUGH) -> int:
    return int(np.argmax(agreement >= share)) + 1


def _in_file_order(one: pd.DataFrame, other: pd.DataFrame, stays: bool) -> int:
    """Rows from the top until the ranking is that of all (for the first time, or for good)."""
    gap = (one["nll"] - other["nll"]).cumsum().to_numpy()
    same = np.sign(gap) == np.sign(gap[-1])
    return int(np.flatnonzero(~same).max(initial=-1)) + 2 if stays else int(np.argmax(same)) + 1


@check
def check_rows_needed(rows_needed: Callable[[pd.DataFrame, pd.DataFrame], int]) -> str | None:
    """Exercise 4.4: (costs, costs) -> rows that suffice to rank the two."""
    pairs = _pairs()
    found = [rows_needed(one.copy(), other.copy()) for one, other in pairs]
    if any(isinstance(n, bool) or not isinstance(n, Integral) for n in found):
        return f"a number of rows is a whole number; yours are {found}"
    agreements = [_agreement(i) for i in range(len(pairs))]
    bounds = [(_first(a, ENOUGH - 0.03), _first(a, ENOUGH + 0.03)) for a in agreements]

    def near(expected: list[int]) -> bool:
        return all(abs(n - m) <= 1 + m // 10 for n, m in zip(found, expected, strict=True))

    if all(low <= n <= high for n, (low, high) in zip(found, bounds, strict=True)):
        return None
    mistakes = {
        "the rows are taken from the top of the table: rows may be sorted, so draw at random": [
            [_in_file_order(*pair, stays) for pair in pairs] for stays in (True, False)
        ],
        "this ranks by NLL per token, and the tokenizers differ: divide by the bytes": [
            [_first(_agreement(i, unit="tokens")) for i in range(len(pairs))]
        ],
        "the two are judged on other rows: draw once, and judge both on the drawn rows": [
            [_first(_agreement(i, paired=False)) for i in range(len(pairs))]
        ],
    }
    for sentence, numbers in mistakes.items():
        if any(near(expected) for expected in numbers):
            return sentence
    i = next(i for i, (low, high) in enumerate(bounds) if not low <= found[i] <= high)
    if not 1 <= found[i] <= ROWS:
        return f"of {ROWS} rows {found[i]} can't be drawn without repetition"
    share = agreements[i][found[i] - 1]
    if found[i] < bounds[i][0]:
        return (
            f"pair {i + 1} of 3: too few rows. Of many draws of {found[i]}, {share:.0%} rank the "
            f"two as all rows do, and {ENOUGH:.0%} are asked for"
        )
    fewer = agreements[i][found[i] - 2]
    return (
        f"pair {i + 1} of 3: more rows than needed. With one row fewer than your {found[i]}, "
        f"{fewer:.0%} of many draws still rank the two as all rows do"
    )
