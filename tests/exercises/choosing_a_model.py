"""Answers to the exercises of notebooks/04_choosing_a_model.ipynb, right and usually wrong."""

import math
from collections.abc import Callable

import numpy as np
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

Family = dict[str, dict]


def recursive(name: str, family: Family) -> set[str]:
    terms = set(family[name]["terms"])
    return terms.union(*(recursive(source, family) for source in family[name]["sources"]))


def with_a_list(name: str, family: Family) -> set[str]:
    waiting, terms = [name], set()
    while waiting:
        entry = family[waiting.pop()]
        terms |= entry["terms"]
        waiting += entry["sources"]
    return terms


def first_source_only(name: str, family: Family) -> set[str]:
    terms, sources = set(family[name]["terms"]), family[name]["sources"]
    return terms | first_source_only(sources[0], family) if sources else terms


def one_step(name: str, family: Family) -> set[str]:
    own = set(family[name]["terms"])
    return own.union(*(family[source]["terms"] for source in family[name]["sources"]))


def without_own(name: str, family: Family) -> set[str]:
    return set().union(*(recursive(source, family) for source in family[name]["sources"]))


def changes_the_family(name: str, family: Family) -> set[str]:
    terms = family[name]["terms"]
    for source in family[name]["sources"]:
        terms |= changes_the_family(source, family)
    return terms


ALL_TERMS = Exercise(
    on_choosing_a_model.check_all_terms,
    {"recursive": recursive, "with a list": with_a_list},
    {
        "own terms only": (
            "only a model's own terms",
            lambda name, family: set(family[name]["terms"]),
        ),
        "one step": ("further than one step", one_step),
        "first source only": ("only the first source counts", first_source_only),
        "without its own": ("the model's own are missing", without_own),
        "changes the family": ("the family itself was changed", changes_the_family),
        "a list": ("return a set", lambda name, family: sorted(recursive(name, family))),
        "nothing": ("return a set", lambda name, family: None),
        "one left out": (
            "'research base': missing ['no commercial use']",
            lambda name, family: recursive(name, family) - {"no commercial use"},
        ),
        "everything for all": (
            "'base': ['name the authors', 'no commercial use', 'say it is a machine', 'say what "
            "was changed'] binds another model",
            lambda name, family: recursive("shop", family),
        ),
    },
)

EXERCISES = {
    "04 count_parameters": COUNT_PARAMETERS,
    "04 decoder_inputs": DECODER_INPUTS,
    "04 bits_from_mean": BITS_FROM_MEAN,
    "04 all_terms": ALL_TERMS,
}
