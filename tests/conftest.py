"""For all tests: no network but loopback, and a tokenizer and a model made in the process."""

import copy
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from helpers import products, training

SENTENCES = [
    "Mornings start gently with a kettle in sage green.",
    "The whistling spout tells you when the water is ready.",
    "A lamp for the desk, a mat for the floor, a book for the evening.",
    "Three pockets hold the pens, the notes and the small things.",
]


OFFLINE = Path(__file__).parent / "offline"
sys.path.insert(0, str(OFFLINE))
sys.modules.pop("sitecustomize", None)  # the interpreter may have one of its own
importlib.import_module("sitecustomize")  # from here on, this process is offline


LONGEST = ["test_jupyterlab", "test_notebooks", "test_site", "test_model_families", "test_sft"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In parallel, the longest modules come first: the two workers then end together."""
    if hasattr(config, "workerinput"):
        place = {name: number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="session", autouse=True)
def children_are_offline() -> Iterator[None]:
    """Notebook kernels and other processes that a test starts read the same sitecustomize."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(OFFLINE), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """On busy cores, threads wait for each other longer than a tiny matrix takes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def byte_level(end: str) -> Tokenizer:
    """Byte-level BPE of 1,000 tokens, trained on the course's descriptions."""
    text = products.load_split("train")["description"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=[end], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(text, trainer)
    return tokenizer


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory):
    """A checkpoint in the shape of the classic tutorial's: no pad token, no chat template."""
    end = "<|endoftext|>"
    tokenizer = byte_level(end)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end)
    config = GPT2Config(
        vocab_size=len(wrapped), n_positions=1024, n_embd=32, n_layer=2, n_head=2,
        bos_token_id=wrapped.eos_token_id, eos_token_id=wrapped.eos_token_id,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("gpt2")
    GPT2LMHeadModel(config).save_pretrained(folder)
    wrapped.save_pretrained(folder)
    assert wrapped.pad_token is None and wrapped.chat_template is None
    return folder


@pytest.fixture(scope="session")
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE of 300 tokens; one token is both end and padding, as in the course's model."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        pad_token="<|end|>",
        model_input_names=["input_ids", "attention_mask"],
    )


@pytest.fixture(scope="session")
def tiny_model(tiny_tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Two random layers, in evaluation mode. Shared: a test that changes it takes a deepcopy."""
    config = LlamaConfig(
        vocab_size=len(tiny_tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.3,  # large, so that what was read long ago moves the next token
        attention_dropout=0.5,  # large, so that generating in training mode shows
        bos_token_id=None,
        eos_token_id=tiny_tokenizer.eos_token_id,
        pad_token_id=tiny_tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config).eval()


@pytest.fixture
def model(tiny_model: LlamaForCausalLM) -> LlamaForCausalLM:
    """A copy of one's own without dropout, so that what is computed twice is the same."""
    model = copy.deepcopy(tiny_model)
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.0
    return model


@pytest.fixture
def kettle_examples(tiny_tokenizer: PreTrainedTokenizerFast) -> list[training.Example]:
    """17 rows that differ in their prompts only: three steps of eight a pass."""
    prompts = [f"kettle {number}:" for number in range(17)]
    return [training.encode(tiny_tokenizer, prompt, " in green") for prompt in prompts]
