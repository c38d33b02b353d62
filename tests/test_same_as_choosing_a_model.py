"""What 04 defines in the open is what the helpers do, and what the library computes."""

import math

import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import T5Config, T5ForConditionalGeneration

from helpers import likelihood, training
from notebook_files import NOTEBOOKS, define

(NOTEBOOK,) = (path for path in NOTEBOOKS if path.name.startswith("04"))
PAIRS = [
    ("Color: sage\nDescription:", " A kettle in sage green."),
    ("A:", " Café, 1.7 L — über!"),
    ("Three pockets hold the pens and the notes:", " Yes"),
]


@pytest.fixture(scope="module")
def taught():
    names = {"torch": torch, "training": training, "pd": pd, "cross_entropy": cross_entropy}
    for name in ("with_end", "padded", "as_one_sequence", "as_two_sequences", "row_costs"):
        names[name] = define(NOTEBOOK, name, **names)
    return names


@pytest.fixture(scope="module")
def tiny_t5(tiny_tokenizer):
    config = T5Config(
        vocab_size=len(tiny_tokenizer), d_model=32, d_kv=8, d_ff=64, num_heads=4, num_layers=2,
        dropout_rate=0.0, decoder_start_token_id=5, pad_token_id=tiny_tokenizer.pad_token_id,
        eos_token_id=tiny_tokenizer.eos_token_id, initializer_factor=3.0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return T5ForConditionalGeneration(config).eval()


def test_row_costs_are_those_of_completion_nll(taught, tiny_model, tiny_tokenizer):
    found = taught["row_costs"](tiny_model, tiny_tokenizer, PAIRS)
    prompts, completions = map(list, zip(*PAIRS, strict=True))
    expected = likelihood.completion_nll(tiny_model, tiny_tokenizer, prompts, completions)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-5)


def test_row_costs_of_an_encoder_decoder_are_those_of_a_slow_loop(taught, tiny_t5, tiny_tokenizer):
    found = taught["row_costs"](tiny_t5, tiny_tokenizer, PAIRS)
    end, start = tiny_tokenizer.eos_token_id, tiny_t5.config.decoder_start_token_id
    for i, (prompt, completion) in enumerate(PAIRS):
        source = torch.tensor([[*tiny_tokenizer(prompt)["input_ids"], end]])
        written, nll = [start], 0.0
        for token in [*tiny_tokenizer(completion)["input_ids"], end]:
            with torch.no_grad():
                logits = tiny_t5(input_ids=source, decoder_input_ids=torch.tensor([written])).logits
            nll -= math.log(logits[0, -1].double().softmax(-1)[token])
            written.append(token)
        assert found["nll"][i] == pytest.approx(nll, rel=1e-5)
        assert found["tokens"][i] == len(written) - 1
        assert found["bytes"][i] == len(completion.encode("utf-8"))


def test_bits_per_byte_is_the_helper_s():
    bits_per_byte = define(NOTEBOOK, "bits_per_byte", math=math)
    assert bits_per_byte(12.5, 7) == pytest.approx(likelihood.bits_per_byte(12.5, 7))
