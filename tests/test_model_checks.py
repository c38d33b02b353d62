"""helpers/model_checks.py and helpers/tokenizer_checks.py: each refusal, and advice that helps."""

import copy
import json
import re

import pytest
import torch
from peft import AutoPeftModelForCausalLM, LoraConfig, get_peft_model
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BertConfig,
    BertLMHeadModel,
    GPT2Config,
    MixtralConfig,
    MixtralForCausalLM,
    T5Config,
)

from helpers import training
from helpers.model_checks import check_context, check_model, context_length, load_model
from helpers.model_files import ModelError, check_folder
from helpers.tokenizer_checks import load_tokenizer

PAIRS = [("A kettle:", " Mornings start gently."), ("A mat:", " Small."), ("Tea:", " Ready.")]


@pytest.fixture
def folder(tiny_model, tiny_tokenizer, tmp_path):
    tiny_model.save_pretrained(tmp_path)
    tiny_tokenizer.save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def examples(tiny_tokenizer):
    return [training.encode(tiny_tokenizer, *pair) for pair in PAIRS]


def change(file, **changes) -> None:
    """Set settings of a JSON file; None takes one away."""
    settings = json.loads(file.read_text()) | changes
    kept = {name: value for name, value in settings.items() if value is not None}
    file.write_text(json.dumps(kept))


def test_a_whole_folder_gives_the_model_and_the_tokenizer_that_were_saved(
    folder, tiny_model, tiny_tokenizer, examples
):
    check_folder(folder)
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    for name, weight in tiny_model.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight)
    assert [training.encode(tokenizer, *pair) for pair in PAIRS] == examples
    assert tokenizer.pad_token_id == tiny_tokenizer.pad_token_id
    check_model(model, examples, tokenizer.pad_token_id)
    check_context(model.config, 256, "MAX_LENGTH")


def test_weights_saved_in_half_precision_are_loaded_in_float32(folder, tiny_model):
    copy.deepcopy(tiny_model).bfloat16().save_pretrained(folder)
    assert {weight.dtype for weight in load_model(folder).parameters()} == {torch.float32}


def test_a_tokenizer_without_padding_pads_with_its_end(folder, tiny_tokenizer):
    bare = copy.deepcopy(tiny_tokenizer)
    bare.pad_token = None
    bare.save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder).pad_token is None
    assert load_tokenizer(folder).pad_token_id == tiny_tokenizer.eos_token_id


def test_a_padding_token_that_the_model_has_no_row_for_gives_way_to_the_end(folder, tiny_tokenizer):
    more = copy.deepcopy(tiny_tokenizer)
    more.add_special_tokens({"pad_token": "<pad>"})
    more.save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder).pad_token_id == 300
    assert load_tokenizer(folder).pad_token_id == tiny_tokenizer.eos_token_id


def without_end(folder, **config) -> str:
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / name).exists():
            change(folder / name, eos_token=None, pad_token=None)
    change(folder / "config.json", **config)
    with pytest.raises(ModelError) as refused:
        load_tokenizer(folder)
    assert str(folder) in str(refused.value)
    return str(refused.value)


def test_without_an_end_token_it_is_refused_and_the_advice_helps(folder, tiny_tokenizer):
    text = without_end(folder)
    assert "has no end token, so the model can't learn where to stop" in text
    name, token = re.search(r'Add "(\w+)": "(.+)" \(the one in config.json\)', text).groups()
    change(folder / "tokenizer_config.json", **{name: token})
    assert load_tokenizer(folder).eos_token_id == tiny_tokenizer.eos_token_id


@pytest.mark.parametrize("known", [None, [], 10_000])
def test_without_an_end_token_anywhere_no_token_is_proposed(folder, known):
    assert "with a token of its vocabulary" in without_end(folder, eos_token_id=known)


def test_an_end_token_that_the_model_has_no_row_for_is_refused(folder, tiny_tokenizer):
    more = copy.deepcopy(tiny_tokenizer)
    more.add_special_tokens({"eos_token": "<stop>"})
    more.save_pretrained(folder)
    with pytest.raises(ModelError, match="'<stop>' is number 300, and the model has rows for 300"):
        load_tokenizer(folder)


@pytest.fixture(params=[True, False], ids=["with a first token", "without"])
def appending(request, tiny_tokenizer):
    """A tokenizer that ends every text, and may begin it with a token too."""
    tokenizer = copy.deepcopy(tiny_tokenizer)
    first = "<|first|>" if request.param else None
    if first:
        tokenizer.add_special_tokens({"bos_token": first})
    end = (tokenizer.eos_token, tokenizer.eos_token_id)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{first or ''} $A {end[0]}".strip(),
        special_tokens=[end, *([(first, tokenizer.bos_token_id)] if first else [])],
    )
    return tokenizer


def test_a_tokenizer_that_appends_its_end_is_refused_and_the_advice_helps(folder, appending):
    appending.save_pretrained(folder)
    change(folder / "config.json", vocab_size=len(appending))
    with pytest.raises(ModelError, match=r"puts '<\|end\|>' after every text") as refused:
        load_tokenizer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    advice = re.search(
        r"Turn that off: (.*; tokenizer.save_pretrained\(folder\))", str(refused.value)
    )
    exec(advice[1], {"tokenizer": tokenizer, "folder": folder})
    ids = load_tokenizer(folder)("A kettle:")["input_ids"]
    assert ids == appending("A kettle:")["input_ids"][:-1]  # the first token is still there
    training.encode(load_tokenizer(folder), *PAIRS[0])


def test_encoding_blames_the_appended_end_and_not_the_prompt(appending):
    with pytest.raises(ValueError, match="puts its own end token after every text"):
        training.encode(appending, *PAIRS[0])


class JoinsAcross:
    """A tokenizer with a token that reaches from the prompt's colon into the completion."""

    eos_token_id = 0

    def __call__(self, text):
        return {"input_ids": [ord(c) for c in text.replace(": M", "\u2581")]}


def test_a_tokenizer_that_joins_the_two_is_not_blamed_on_a_blank_that_is_not_there():
    with pytest.raises(ValueError, match="this tokenizer joins the two") as refused:
        training.encode(JoinsAcross(), *PAIRS[0])
    assert "before a space" not in str(refused.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: change(file, added_tokens=None),
        lambda file: change(file, model={"type": "BPE", "vocab": {"a": 0}, "merges": [["x", "y"]]}),
        lambda file: file.write_text("{"),
        lambda file: file.unlink(),
    ],
    ids=["no added_tokens", "merges of nothing", "cut", "gone"],
)
def test_a_broken_tokenizer_is_refused_whatever_the_library_raises(folder, damage):
    damage(folder / "tokenizer.json")
    with pytest.raises(ModelError) as refused:
        load_tokenizer(folder)
    text = str(refused.value)
    assert f"The tokenizer in {folder}" in text
    assert "anew from where the model comes from" in text
    assert len(text) < 500 + len(str(folder))


def test_pickled_weights_become_a_folder_that_is_used_as_the_refusal_says(
    folder, tiny_model, tmp_path_factory
):
    (folder / "model.safetensors").unlink()
    torch.save(tiny_model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="only as pytorch_model.bin") as refused:
        check_folder(folder)
    advice = re.search(r"AutoModelForCausalLM.*save_pretrained\(new\)", str(refused.value))
    new = tmp_path_factory.mktemp("new")
    exec(advice[0], {"AutoModelForCausalLM": AutoModelForCausalLM, "new": new})
    AutoTokenizer.from_pretrained(folder).save_pretrained(new)
    assert check_folder(new) == new
    assert torch.equal(load_model(new).lm_head.weight, tiny_model.lm_head.weight)


def test_an_adapter_becomes_a_folder_that_is_used_as_the_refusal_says(
    folder, tiny_model, tiny_tokenizer, tmp_path_factory
):
    adapter, new = tmp_path_factory.mktemp("adapter"), tmp_path_factory.mktemp("new")
    tuned = get_peft_model(
        AutoModelForCausalLM.from_pretrained(folder),
        LoraConfig(target_modules=["q_proj"], init_lora_weights=False),
    )
    tuned.save_pretrained(adapter)
    with pytest.raises(ModelError, match=f"holds a LoRA adapter of {folder}") as refused:
        check_folder(adapter)
    assert "AutoPeftModelForCausalLM.from_pretrained(folder).merge_and_unload()" in str(
        refused.value
    )
    AutoPeftModelForCausalLM.from_pretrained(adapter).merge_and_unload().save_pretrained(new)
    tiny_tokenizer.save_pretrained(new)
    merged = load_model(check_folder(new))
    was, now = (m.model.layers[0].self_attn.q_proj.weight for m in (tiny_model, merged))
    assert (was - now).abs().max() > 0.01


@pytest.mark.parametrize("lost", ["model.norm.weight", "model.embed_tokens.weight"])
def test_weights_that_are_not_in_the_file_are_not_made_up(folder, tiny_model, lost):
    kept = {name: weight for name, weight in tiny_model.state_dict().items() if name != lost}
    tiny_model.save_pretrained(folder, state_dict=kept)
    with pytest.raises(ModelError, match=rf"1 of the weights .* \(such as {lost}\)"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model_type": "no-such-architecture"}, "no-such-architecture"),
        ({"model_type": None, "architectures": None}, "model_type"),
        ({"hidden_size": 64}, "RuntimeError"),
    ],
    ids=["unknown", "unnamed", "another shape"],
)
def test_a_model_that_the_library_cannot_load_is_refused_in_one_sentence(folder, changes, named):
    change(folder / "config.json", **changes)
    with pytest.raises(ModelError, match="can't be loaded") as refused:
        load_model(folder)
    assert named in str(refused.value)
    assert len(str(refused.value)) < 600 + len(str(folder))


def test_an_encoder_decoder_is_refused(folder):
    T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2).save_pretrained(folder)
    with pytest.raises(ModelError, match=r"holds an encoder-decoder \(t5\)"):
        load_model(folder)


def test_the_context_is_read_under_each_familys_own_name(tiny_model):
    assert context_length(tiny_model.config) == 256
    assert context_length(GPT2Config(n_positions=77)) == 77
    assert context_length(T5Config()) is None  # relative positions: no limit


def test_a_length_beyond_the_context_is_refused_with_both_numbers(tiny_model):
    check_context(tiny_model.config, 256, "MAX_LENGTH")
    with pytest.raises(ModelError) as refused:
        check_context(tiny_model.config, 257, "MAX_LENGTH")
    assert "MAX_LENGTH asks for sequences of 257 tokens" in str(refused.value)
    assert "Set MAX_LENGTH to 256 or less" in str(refused.value)
    check_context(tiny_model.config, 56, "MAX_NEW_TOKENS", 200)
    with pytest.raises(ModelError) as refused:
        check_context(tiny_model.config, 57, "MAX_NEW_TOKENS", 200)
    assert "MAX_NEW_TOKENS asks for sequences of 257 tokens" in str(refused.value)
    assert "Set MAX_NEW_TOKENS to 56 or less" in str(refused.value)


@pytest.mark.parametrize("mode", [True, False])
def test_trying_a_model_leaves_its_mode_and_weights_as_they_were(tiny_model, examples, mode):
    model = copy.deepcopy(tiny_model).train(mode)  # it has dropout
    check_model(model, examples, 0)
    assert model.training is mode
    for a, b in zip(model.parameters(), tiny_model.parameters(), strict=True):
        assert torch.equal(a, b) and a.grad is None


@pytest.mark.parametrize("where", ["rows", "padding"])
def test_a_token_without_an_embedding_is_refused(model, examples, where):
    rows = [training.Example([5, 300], [-100, 300])] if where == "rows" else examples
    with pytest.raises(ModelError, match=r"hold token 300, .* for 300 tokens \(0 to 299\)"):
        check_model(model, rows, 300 if where == "padding" else 0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(model, examples, value):
    with torch.no_grad():
        model.lm_head.weight[7] = value
    with pytest.raises(ModelError, match="loss is (nan|inf) before any training"):
        check_model(model, examples, 0)


@pytest.mark.parametrize("balanced", [True, False])
def test_a_loss_with_a_term_of_its_own_is_refused(examples, balanced):
    config = MixtralConfig(
        vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2,
        output_router_logits=balanced, router_aux_loss_coef=0.1,
    )  # fmt: skip
    model = MixtralForCausalLM(config)
    if not balanced:
        return check_model(model, examples, 0)
    with pytest.raises(ModelError, match='"output_router_logits": true, set it to false'):
        check_model(model, examples, 0)
    return None


@pytest.mark.parametrize("decoder", [True, False])
def test_a_model_that_sees_the_answer_is_refused(examples, decoder):
    config = BertConfig(
        vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, initializer_range=0.3, is_decoder=decoder,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertLMHeadModel(config)
    if decoder:
        return check_model(model, examples, 0)
    with pytest.raises(ModelError, match="BertLMHeadModel sees the tokens that come after"):
        check_model(model, examples, 0)
    return None


def test_a_model_that_needs_more_inputs_is_refused(model, examples, monkeypatch):
    def forward(**given):
        raise ValueError("`token_type_ids` is required as a model input when training")

    monkeypatch.setattr(model, "forward", forward)
    with pytest.raises(ModelError, match="can't be run on input_ids and attention_mask alone"):
        check_model(model, examples, 0)
