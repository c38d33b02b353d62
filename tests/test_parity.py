"""SFTTrainer trains what notebook 05's loop trains: on the same rows, the same loss and gradient.

A TRL that gives other labels, drops the end token or counts its targets otherwise fails here.
"""

import copy
import math

import pandas as pd
import pytest
import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from helpers import training
from trainers import keep_micro_batches

ROWS = [
    {"prompt": "A kettle:", "completion": " Mornings start gently."},
    {"prompt": "A lamp for the desk:", "completion": " When the evening comes, a book and a lamp."},
    {"prompt": "A mat:", "completion": " Three pockets hold the pens, the notes and small things."},
    {"prompt": "Tea:", "completion": " Ready."},
]
RATE = 1e-2


@pytest.fixture
def trainer(model, tiny_tokenizer, tmp_path):
    arguments = SFTConfig(
        output_dir=tmp_path, use_cpu=True, bf16=False, activation_checkpointing=False,
        per_device_train_batch_size=2, gradient_accumulation_steps=2, max_steps=3, logging_steps=1,
        learning_rate=RATE, adam_beta2=0.95, weight_decay=0.0, warmup_steps=1,
        lr_scheduler_type="linear", report_to="none", save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    return SFTTrainer(
        copy.deepcopy(model), arguments, processing_class=tiny_tokenizer,
        train_dataset=Dataset.from_list(ROWS),
    )  # fmt: skip


def train_by_trl(trainer):
    """The logs of three steps, and the micro-batches that they were made with."""
    batches = keep_micro_batches(trainer)
    trainer.train()
    return pd.DataFrame(trainer.state.log_history).dropna(subset="loss"), batches


def train_by_hand(model, batches):
    """The same three steps of two micro-batches; returns their losses and gradient norms."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.0)
    losses, norms = [], []
    for step in range(3):
        group = batches[2 * step : 2 * step + 2]
        targets = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in group)
        parts = [training.target_nll(model, batch).sum() / targets for batch in group]
        sum(parts).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        losses.append(sum(parts).item())
        optimizer.param_groups[0]["lr"] = RATE * training.rate_share(step, 3, 1)
        optimizer.step()
        optimizer.zero_grad()
    return losses, norms


def test_trl_gives_the_tokens_and_labels_of_our_own_encoding(trainer, tiny_tokenizer):
    for row, prepared in zip(ROWS, trainer.train_dataset, strict=True):
        ours = training.encode(tiny_tokenizer, **row)
        batch = trainer.data_collator([prepared])
        assert batch["input_ids"][0].tolist() == ours.input_ids
        assert batch["labels"][0].tolist() == ours.labels


def test_loss_gradient_and_movement_of_the_weights_agree_with_the_loop_by_hand(model, trainer):
    start = [weight.detach().clone() for weight in model.parameters()]
    log, batches = train_by_trl(trainer)
    assert len({batch["input_ids"].shape[1] for batch in batches}) > 1  # unequal micro-batches
    losses, norms = train_by_hand(model.train(), batches)
    assert losses == pytest.approx(log["loss"].tolist(), rel=1e-5)
    assert norms == pytest.approx(log["grad_norm"].tolist(), rel=1e-4)
    moved = sum(((a - b) ** 2).sum() for a, b in zip(model.parameters(), start, strict=True))
    apart = sum(
        ((a - b) ** 2).sum()
        for a, b in zip(model.parameters(), trainer.model.parameters(), strict=True)
    )
    assert math.sqrt(moved.item()) > 0.01
    assert math.sqrt((apart / moved).item()) < 1e-3
