"""Every family of decoders trains on its own loss: tiny random models against their own `loss`.

A family that does more than project its hidden states (Granite and Cohere scale the logits, Gemma 2
caps them) is in the list with settings that make it show.
"""

import copy
import math
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
import yaml
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, LlamaModel, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from helpers import products, training
from helpers.generation import Completion, complete
from helpers.likelihood import completion_nll
from helpers.model_files import ModelError
from helpers.target_logits import logits_at
from notebook_files import NOTEBOOKS, define, read, small_parameters

(TRAINING_LOOP,) = (path for path in NOTEBOOKS if path.name.startswith("05"))
(OWN_DATA,) = (path for path in NOTEBOOKS if path.name.startswith("13"))
SIZES = dict(
    hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=1024, attention_dropout=0.0, initializer_range=0.3,
)  # fmt: skip
GROUPED = SIZES | dict(num_key_value_heads=2)
WIDE = GROUPED | dict(head_dim=8)
OLD = dict(n_embd=32, n_layer=2, n_head=4, n_positions=1024, initializer_range=0.3)
NO_DROPOUT = dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
FAMILIES = {
    "gpt2": OLD | NO_DROPOUT,
    "gptj": OLD | NO_DROPOUT | dict(rotary_dim=8),
    "opt": SIZES | dict(ffn_dim=64, word_embed_proj_dim=16, dropout=0.0),
    "bloom": dict(hidden_size=32, n_layer=2, n_head=4, hidden_dropout=0.0, initializer_range=0.3),
    "gpt_neox": SIZES | dict(hidden_dropout=0.0),
    "phi": SIZES | dict(embd_pdrop=0.0, resid_pdrop=0.0),
    "llama": GROUPED,
    "mistral": GROUPED | dict(sliding_window=8),
    "qwen3": WIDE,
    "olmo2": GROUPED,
    "mixtral": GROUPED | dict(num_local_experts=4, num_experts_per_tok=2),
    "gemma2": WIDE | dict(query_pre_attn_scalar=8, sliding_window=8, final_logit_softcapping=2.0),
    "gemma3_text": WIDE | dict(query_pre_attn_scalar=8, sliding_window=8),
    "granite": GROUPED | dict(logits_scaling=4.0, embedding_multiplier=3.0),
    "cohere": GROUPED | dict(logit_scale=0.0625),
}
MORE_THAN_A_PROJECTION = {"gemma2", "granite", "cohere"}
PROMPTS = ["Three pockets hold the pens:", "A:", "A lamp for the desk"]
COMPLETIONS = [" Café, in sage green.", " A mat for the floor, and a book.", " Yes"]


def build(family: str, tokenizer) -> PreTrainedModel:
    """A random model of two layers, in evaluation mode."""
    end = tokenizer.eos_token_id
    config = CONFIG_MAPPING[family](
        vocab_size=len(tokenizer), bos_token_id=None, eos_token_id=end, pad_token_id=end,
        **FAMILIES[family],
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def shared(family, tiny_tokenizer):
    return build(family, tiny_tokenizer)


@pytest.fixture(scope="module")
def examples(tiny_tokenizer):
    pairs = zip(PROMPTS, COMPLETIONS, strict=True)
    return [training.encode(tiny_tokenizer, *pair) for pair in pairs]


@pytest.fixture(scope="module")
def batch(examples):
    batch = training.collate(examples, pad_token_id=0)
    assert not batch["attention_mask"].all()  # some rows are padded
    return batch


def gradients(model: PreTrainedModel, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    found = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    names = [name for name, _ in model.named_parameters()]
    return {name: g for name, g in zip(names, found, strict=True) if g is not None}


def test_the_mean_over_the_targets_is_the_models_own_loss_with_its_gradients(shared, batch):
    loss = shared(**batch).loss
    mean = training.target_nll(shared, batch).mean()
    assert mean.item() == pytest.approx(loss.item(), abs=1e-5)
    wanted, found = gradients(shared, loss), gradients(shared, mean)
    assert wanted.keys() == found.keys()
    largest = max(gradient.abs().max() for gradient in wanted.values())
    assert largest > 0.01
    for name in wanted:
        assert (found[name] - wanted[name]).abs().max() < 1e-5 * max(1, largest), name


def test_the_projection_alone_that_05_writes_is_right_but_for_those_that_do_more(
    family, shared, batch
):
    names = {"cross_entropy": cross_entropy, "IGNORE_INDEX": training.IGNORE_INDEX}
    taught = define(TRAINING_LOOP, "target_nll", **names)
    with torch.no_grad():
        apart = abs(taught(shared, batch).mean() - shared(**batch).loss).item()
    assert apart > 0.01 if family in MORE_THAN_A_PROJECTION else apart < 1e-5


def test_only_the_targets_are_projected_and_the_model_is_left_as_it_was(shared, batch):
    widths, head = [], shared.get_output_embeddings()
    watched = head.register_forward_hook(lambda _, given, made: widths.append(made.shape))
    targets = int((batch["labels"][:, 1:] != training.IGNORE_INDEX).sum())
    with torch.no_grad():
        training.target_nll(shared, batch)
        assert shared(**batch).logits.shape[:2] == batch["input_ids"].shape
    watched.remove()
    assert [math.prod(shape[:-1]) for shape in widths] == [targets, batch["input_ids"].numel()]


def test_training_takes_steps_whose_loss_is_the_models_own(shared, examples, batch):
    model = copy.deepcopy(shared)
    with torch.no_grad():
        before = model.train()(**batch).loss.item()
    settings = dict(learning_rate=1e-2, batch_size=2, accumulation=2, max_steps=3, bf16=False)
    steps = list(training.train(model, examples, 0, **settings))
    assert [step.number for step in steps] == [1, 2, 3]
    assert steps[0].loss == pytest.approx(before, abs=1e-5)
    assert steps[2].loss < steps[0].loss  # the second step is the first that moves the weights


def slow_completion(model: PreTrainedModel, tokenizer, prompt: str, limit: int) -> Completion:
    """One prompt, no padding, no cache."""
    ids, written = tokenizer(prompt)["input_ids"], []
    while len(written) < limit:
        with torch.no_grad():
            token = int(
                model(torch.tensor([ids + written]), use_cache=False).logits[0, -1].argmax()
            )
        if token == tokenizer.eos_token_id:
            return Completion(tokenizer.decode(written).strip(), len(written), True)
        written.append(token)
    return Completion(tokenizer.decode(written).strip(), len(written), False)


def test_a_padded_batch_writes_what_each_prompt_alone_does(shared, tiny_tokenizer):
    slow = [slow_completion(shared, tiny_tokenizer, prompt, 6) for prompt in PROMPTS]
    assert complete(shared, tiny_tokenizer, PROMPTS, 6) == slow


def test_a_written_row_costs_what_the_models_own_loss_says(shared, tiny_tokenizer, examples):
    found = completion_nll(shared, tiny_tokenizer, PROMPTS, COMPLETIONS)
    for cost, count, example in zip(found["nll"], found["tokens"], examples, strict=True):
        ids, labels = (torch.tensor([row]) for row in example)
        with torch.no_grad():
            loss = shared(input_ids=ids, labels=labels).loss.item()
        assert cost / count == pytest.approx(loss, abs=1e-5)


def test_with_token_types_from_the_tokenizer_it_writes_the_same(tiny_tokenizer):
    model = build("gpt2", tiny_tokenizer)  # it takes token types, as embeddings of tokens
    typed = copy.deepcopy(tiny_tokenizer)
    typed.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    assert "token_type_ids" in typed(PROMPTS[0])
    assert complete(model, typed, PROMPTS, 6) == complete(model, tiny_tokenizer, PROMPTS, 6)
    assert complete(build("llama", tiny_tokenizer), typed, PROMPTS, 2)


def test_an_adapter_too_is_trained_on_its_own_loss(model, batch):
    adapted = get_peft_model(model, LoraConfig(target_modules=["q_proj"], init_lora_weights=False))
    loss, mean = adapted(**batch).loss, training.target_nll(adapted, batch).mean()
    assert mean.item() == pytest.approx(loss.item(), abs=1e-5)
    weights = [weight for weight in adapted.parameters() if weight.requires_grad]
    wanted, found = torch.autograd.grad(loss, weights), torch.autograd.grad(mean, weights)
    assert weights and all(
        torch.allclose(a, b, atol=1e-5) for a, b in zip(wanted, found, strict=True)
    )


def test_a_model_without_logits_is_refused(tiny_model, batch):
    chosen = batch["labels"][:, 1:] != training.IGNORE_INDEX
    with pytest.raises(ModelError, match="LlamaModel has no output embeddings"):
        logits_at(LlamaModel(tiny_model.config), batch, chosen)


def test_logits_that_are_not_one_row_a_target_are_refused(model, batch, monkeypatch):
    forward = model.forward

    def last_only(**given):
        output = forward(**given)
        output.logits = output.logits[:, -1:]
        return output

    monkeypatch.setattr(model, "forward", last_only)
    with pytest.raises(ModelError, match="makes logits of shape"):
        training.target_nll(model, batch)
    assert not model.get_output_embeddings()._forward_pre_hooks


def test_an_error_in_the_forward_leaves_the_model_as_it_was(model, batch):
    wrong = batch | {"input_ids": batch["input_ids"] + 1000}
    with pytest.raises(IndexError):
        training.target_nll(model, wrong)
    assert not model.get_output_embeddings()._forward_pre_hooks


def own_loss(folder: Path, examples: list[training.Example]) -> float:
    """Mean NLL of a saved model's targets, by its own `loss`, one row at a time."""
    model, total, count = AutoModelForCausalLM.from_pretrained(folder).eval(), 0.0, 0
    for ids, labels in examples:
        targets = sum(label != training.IGNORE_INDEX for label in labels)
        with torch.no_grad():
            loss = model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels])).loss
        total, count = total + loss.item() * targets, count + targets
    return total / count


def test_all_of_13_runs_on_12_rows(family, tiny_tokenizer, tmp_path, monkeypatch):
    build(family, tiny_tokenizer).save_pretrained(tmp_path / "model")
    tiny_tokenizer.save_pretrained(tmp_path / "model")
    rows = products.load_split("train").head(12)[products.COLUMNS]
    rows.to_csv(tmp_path / "my.csv", index=False)
    small = yaml.safe_load(small_parameters(OWN_DATA).read_text(encoding="utf-8"))
    small |= {"BASE_MODEL": str(tmp_path / "model"), "RUN_DIR": str(tmp_path / "run")}
    small |= {"DATA": str(tmp_path / "my.csv"), "SERVE": False, "LEARNING_RATE": 1e-2}
    small |= {"MAX_NEW_TOKENS": 8}
    monkeypatch.setattr("matplotlib.pyplot.show", partial(plt.close, "all"))
    names = {}
    for cell in read(OWN_DATA).cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
            names |= small if cell.metadata.get("tags") == ["parameters"] else {}
    assert "my.csv holds 12 rows" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    before, after = names["nll"]["starting"], names["nll"]["tuned"]
    examples = names["validation_examples"]
    assert before == pytest.approx(own_loss(tmp_path / "model", examples), abs=1e-4)
    assert after == pytest.approx(own_loss(tmp_path / "run" / "model", examples), abs=1e-4)
    assert abs(after - before) > 1e-3  # it was trained
