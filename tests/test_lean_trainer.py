"""helpers/lean_trainer.py: the loop's loss in the trainer, over accumulation and in evaluation."""

import copy

import pandas as pd
import pytest
import torch
from datasets import Dataset
from torch.nn.functional import cross_entropy
from trl import SFTConfig, SFTTrainer

from helpers import training
from helpers.lean_trainer import LeanTrainer
from notebook_files import NOTEBOOKS, run_cells
from trainers import keep_micro_batches

(SFT_TRAINER,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
LONG = " When the evening comes, a book and a lamp. Three pockets hold the pens and the notes."
ROWS = [
    {"prompt": "A kettle:", "completion": " Mornings start gently."},
    {"prompt": "A lamp for the desk:", "completion": LONG},
    {"prompt": "A mat:", "completion": " Small."},
    {"prompt": "Tea:", "completion": " Ready."},
    {"prompt": "A pen:", "completion": LONG[:50]},
]  # two micro-batches of two and one of a single row a pass: targets are as unequal as can be


class MeanOfMeans(LeanTrainer):
    """A wrong version: each micro-batch's own mean, however few targets it has."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        return super().compute_loss(model, inputs, return_outputs) / 2


class NotDivided(LeanTrainer):
    """A wrong version: the whole mean, for each of the micro-batches of a step."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        return super().compute_loss(model, inputs, return_outputs)


@pytest.fixture
def new_trainer(model, tiny_tokenizer, tmp_path):
    def new_trainer(kind, **changes):
        settings = dict(
            output_dir=tmp_path, use_cpu=True, bf16=False, activation_checkpointing=False,
            per_device_train_batch_size=2, gradient_accumulation_steps=2, num_train_epochs=2,
            per_device_eval_batch_size=2, logging_steps=1, learning_rate=1e-2, adam_beta2=0.95,
            weight_decay=0.0, warmup_steps=1, lr_scheduler_type="linear", report_to="none",
            save_strategy="no", eval_strategy="epoch", disable_tqdm=True,
        )  # fmt: skip
        return kind(
            copy.deepcopy(model), SFTConfig(**settings | changes), processing_class=tiny_tokenizer,
            train_dataset=Dataset.from_list(ROWS), eval_dataset=Dataset.from_list(ROWS),
        )  # fmt: skip

    return new_trainer


def trained(trainer):
    trainer.train()
    return trainer


def logs(trainer, *names):
    """What a trained trainer logged under these names, one row a log that has them all."""
    return pd.DataFrame(trainer.state.log_history).dropna(subset=list(names))[list(names)]


def by_hand(model, batches):
    """The first step's loss and gradient norm, from the library's loss summed over all targets."""
    targets = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches)
    loss = 0.0
    for batch in batches:
        logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
        part = cross_entropy(
            logits.flatten(0, 1), batch["labels"][:, 1:].flatten(), reduction="sum"
        )
        (part / targets).backward()
        loss += part.item() / targets
    return loss, torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item()


def first_step(trainer):
    """Loss and gradient norm that a trainer logs for its first step, and its micro-batches."""
    batches = keep_micro_batches(trainer)
    return logs(trained(trainer), "loss", "grad_norm").iloc[0].tolist(), batches[:2]


def test_over_unequal_micro_batches_the_first_step_is_that_of_the_loop(model, new_trainer):
    logged, batches = first_step(new_trainer(LeanTrainer))
    counts = [int((batch["labels"] != -100).sum()) for batch in batches]
    assert max(counts) > 1.5 * min(counts)
    assert logged == pytest.approx(by_hand(model.train(), batches), rel=1e-5)


@pytest.mark.parametrize("wrong", [MeanOfMeans, NotDivided])
def test_a_loss_that_does_not_count_the_whole_steps_targets_is_told_apart(
    model, new_trainer, wrong
):
    logged, batches = first_step(new_trainer(wrong))
    loss, norm = by_hand(model.train(), batches)
    assert abs(logged[0] / loss - 1) > 0.01
    assert abs(logged[1] / norm - 1) > 0.01


def test_a_whole_run_logs_what_sfttrainer_logs_and_ends_with_its_weights(new_trainer):
    lean, full = trained(new_trainer(LeanTrainer)), trained(new_trainer(SFTTrainer))
    for names in (["loss", "grad_norm"], ["eval_loss"]):
        found, wanted = logs(lean, *names), logs(full, *names)
        assert len(found) >= 2
        assert found.to_numpy() == pytest.approx(wanted.to_numpy(), rel=1e-4)
    for a, b in zip(lean.model.parameters(), full.model.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-5)


def test_in_evaluation_alone_the_loss_is_that_of_sfttrainer(new_trainer):
    lean, full = (new_trainer(kind).evaluate()["eval_loss"] for kind in (LeanTrainer, SFTTrainer))
    assert lean == pytest.approx(full, rel=1e-5)


def test_without_a_number_of_items_it_is_the_mean_and_the_outputs_come_on_request(new_trainer):
    trainer = new_trainer(LeanTrainer)
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(2)])
    nll = training.target_nll(trainer.model, batch)
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(nll.mean().item())
    loss, outputs = trainer.compute_loss(trainer.model, batch, return_outputs=True)
    assert loss.item() == pytest.approx(nll.mean().item())
    assert outputs.logits.shape[:2] == batch["input_ids"].shape


def test_it_computes_in_bfloat16_only_where_the_configuration_says_so(new_trainer, monkeypatch):
    seen, real = [], training.cross_entropy

    def watched(logits, *arguments, **settings):
        seen.append(torch.equal(logits, logits.bfloat16().float()))  # it was one before .float()
        return real(logits, *arguments, **settings)

    monkeypatch.setattr(training, "cross_entropy", watched)
    for bf16 in (True, False):
        trainer = new_trainer(LeanTrainer, bf16=bf16)
        batch = trainer.data_collator([trainer.train_dataset[0]])
        trainer.compute_loss(trainer.model, batch)
    assert seen == [True, False]


def test_activation_checkpointing_gives_the_same_gradient(new_trainer):
    runs = [trained(new_trainer(LeanTrainer, activation_checkpointing=on)) for on in (False, True)]
    without, checkpointed = (logs(run, "loss", "grad_norm").to_numpy() for run in runs)
    assert without == pytest.approx(checkpointed, rel=1e-5)


def test_it_is_the_class_of_notebook_06(new_trainer):
    taught = run_cells(SFT_TRAINER, "class LeanTrainer(", SFTTrainer=SFTTrainer, training=training)[
        "LeanTrainer"
    ]
    found, wanted = (
        logs(trained(new_trainer(kind)), "loss", "grad_norm") for kind in (LeanTrainer, taught)
    )
    assert found.to_numpy().tolist() == wanted.to_numpy().tolist()
    lean, shown = (new_trainer(kind).evaluate()["eval_loss"] for kind in (LeanTrainer, taught))
    assert lean == shown
