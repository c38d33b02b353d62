"""Notebook 06's recipe as a script, in one process or several: train, take the mean, score.

    .venv/bin/python tools/sft.py --seed 1 --output runs/seeds/1
    .venv/bin/torchrun --nproc_per_node 2 tools/sft.py --processes 2 --output runs/two
    .venv/bin/accelerate launch --config_file tools/launch/two_cpu_processes.yaml \
        tools/sft.py --processes 2 --output runs/two

It writes the tuned model to <output>/model and its scores on validation to <output>/scores.csv.
Notebook 12 shows what the parts do, and that two processes give what one gives.
"""

import argparse
import itertools
import math
import os
import random
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from torch import distributed, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers import (
    drafts,
    generation,
    models,
    parallel,
    precision,
    products,
    recipe,
    run_files,
    scores,
    studies,
    training,
)
from helpers.prompts import prompt_completion
from helpers.training import IGNORE_INDEX, Example

NOTHING = Example([0], [IGNORE_INDEX])  # for a process that no row is left for: it must take part


def main() -> None:
    asked = arguments()
    device = parallel.start(asked.processes, asked.cpu)
    folder = models.model_folder(asked.model)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token  # GPT-2 has none
    examples = encoded(tokenizer, rows_of("train", asked.train_rows, asked.voice))
    matrices = parallel.of_the_first(precision.choose(asked.precision))
    rank, _ = parallel.place()
    torch.manual_seed(asked.seed + rank)  # dropout, where a model has it, differs by process
    loss_of = parallel.spread(parallel.TargetNLL(load(folder)).to(device), asked.shard)
    train(loss_of, examples, tokenizer.pad_token_id, asked.seed, matrices == "bfloat16")
    whole = parallel.whole_weights(loss_of)
    del loss_of
    if distributed.is_initialized():
        distributed.destroy_process_group()
    if rank == 0:
        model = load(folder)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.copy_(whole.pop(name))
        run_files.save_whole(asked.output / "model", model, tokenizer)
        score(model.eval(), tokenizer, asked, matrices)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="a folder below runs/")
    parser.add_argument("--model", default=models.PACKAGED_MODEL, help="its name, or a folder")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the rows")
    parser.add_argument("--voice", default="factual", help="factual, or a file in data/voices/")
    parser.add_argument("--train-rows", type=int, default=300)
    parser.add_argument("--validation-rows", type=int, default=100)
    parser.add_argument("--max-new-tokens", type=int, default=120)
    parser.add_argument("--precision", default="auto", help="auto, bfloat16 or float32")
    parser.add_argument("--processes", type=int, default=1, help="how many must have started")
    parser.add_argument("--shard", action="store_true", help="FSDP instead of DDP")
    parser.add_argument("--cpu", action="store_true", help="no GPU, even where there is one")
    asked = parser.parse_args()
    asked.shard |= os.environ.get("ACCELERATE_USE_FSDP") == "true"  # an FSDP configuration
    if asked.shard and asked.processes == 1:
        parser.error("--shard divides the weights among processes: --processes has to be 2 or more")
    asked.output.mkdir(parents=True, exist_ok=True)
    return asked


def rows_of(name: str, count: int, voice: str) -> pd.DataFrame:
    return products.with_voice(products.load_split(name).head(count), voice)


def encoded(tokenizer, rows: pd.DataFrame) -> list[Example]:
    pairs = prompt_completion(rows)
    return [training.encode(tokenizer, row["prompt"], row["completion"]) for row in pairs]


def load(folder: Path):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)


def train(
    loss_of: nn.Module, examples: list[Example], pad_token_id: int, seed: int, bf16: bool
) -> None:
    """Fine-tune in place by the recipe; every process gets all rows, and takes its share."""
    weights, steps = dict(loss_of.named_parameters()), recipe.steps_of(len(examples))
    warmup, kept = max(1, math.ceil(0.05 * steps)), recipe.checkpoints_of(steps)
    adam = torch.optim.AdamW(weights.values(), betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    mean: dict[str, torch.Tensor] = {}
    loss_of.train()
    for number, rows in enumerate(itertools.islice(step_rows(examples, seed), steps)):
        rate = recipe.LEARNING_RATE * training.rate_share(number, steps, warmup)
        adam.param_groups[0]["lr"] = rate
        loss = backward(loss_of, rows, pad_token_id, bf16)
        nn.utils.clip_grad_norm_(weights.values(), 1.0)
        adam.step()
        adam.zero_grad()
        if number + 1 in kept:
            share = 1 / (kept.index(number + 1) + 1)  # so far the mean of those before
            for name, weight in weights.items():
                own = parallel.own_part(weight)
                mean[name] = torch.lerp(mean.get(name, own), own, share)
        if parallel.place()[0] == 0 and ((number + 1) % 20 == 0 or number + 1 == steps):
            print(f"step {number + 1} of {steps}: loss {loss:.3f}", flush=True)
    for name, weight in weights.items():
        parallel.own_part(weight).copy_(mean[name])
    loss_of.eval()


def step_rows(examples: list[Example], seed: int) -> Iterator[list[Example]]:
    """The rows of one optimizer step after the other, in a new order each pass, without end."""
    order = random.Random(seed)
    while True:
        rows = order.sample(examples, len(examples))
        for begin in range(0, len(rows), recipe.STEP_ROWS):
            yield rows[begin : begin + recipe.STEP_ROWS]


def backward(loss_of: nn.Module, rows: list[Example], pad_token_id: int, bf16: bool) -> float:
    """Gradient of the mean over all targets of a step, whichever process has them; that mean."""
    rank, processes = parallel.place()
    targets = sum(label != IGNORE_INDEX for _, labels in rows for label in labels[1:])
    if not targets:
        raise ValueError(training.NO_TARGET)
    batch = training.collate(rows[rank::processes] or [NOTHING], pad_token_id)
    device = next(loss_of.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        nll = loss_of({name: values.to(device) for name, values in batch.items()})
    loss = nll.sum() / targets
    (loss * processes).backward()  # DDP and FSDP divide the sum of all processes by their number
    loss = loss.detach()
    if processes > 1:
        distributed.all_reduce(loss)
    return loss.item()


def score(model, tokenizer, asked: argparse.Namespace, matrices: str) -> None:
    """Scores on validation, written greedily and as the best of eight drafts: scores.csv."""
    rows, limit = rows_of("validation", asked.validation_rows, asked.voice), asked.max_new_tokens
    written = {
        "tuned": generation.complete(model, tokenizer, prompt_completion(rows)["prompt"][:], limit),
        "best draft": drafts.describe(model, tokenizer, rows, limit),
    }
    nll = training.mean_nll(model, encoded(tokenizer, rows), tokenizer.pad_token_id)
    made = studies.made_with(shlex.join(["python", "tools/sft.py", *sys.argv[1:]]), matrices)
    lines = [
        {"system": system}
        | scores.score(rows, done).drop(columns="tokens").mean().round(4).to_dict()
        | {"NLL": round(nll, 4)}
        | made
        for system, done in written.items()
    ]
    studies.append(asked.output / "scores.csv", {"seed": asked.seed}, lines)
    print(pd.DataFrame(lines).drop(columns=list(made)).to_string(index=False))


if __name__ == "__main__":
    main()
