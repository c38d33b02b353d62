"""Notebook 06's recipe as a script, in one process or several: train, take the mean, score.

    .venv/bin/python tools/sft.py --seed 1 --output runs/seeds/1
    .venv/bin/torchrun --nproc_per_node 2 tools/sft.py --processes 2 --output runs/two
    .venv/bin/accelerate launch --config_file tools/launch/two_cpu_processes_fsdp.yaml \
        tools/sft.py --processes 2 --output runs/sharded

It writes <output>/model, and its scores on validation as <output>/scores.csv. Notebook 12 shows
what the parts do, and that two processes give what one gives.
"""

import argparse
import random
import shlex
import sys
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from helpers import models, parallel, precision, products, recipe, run_files, scores, studies
from helpers.memory import release
from helpers.model_checks import load_model
from helpers.tokenizer_checks import load_tokenizer
from helpers.training import IGNORE_INDEX, NO_TARGET, Example, collate, optimizer_of


def main() -> None:
    asked = arguments()
    device = parallel.start(asked.processes)
    rank, _ = parallel.place()
    folder = models.model_folder(asked.model)
    tokenizer = load_tokenizer(folder)
    matrices = parallel.of_the_first(precision.choose(asked.precision, device.type))
    torch.manual_seed(asked.seed + rank)  # dropout, where a model has it, differs by process
    loss_of = parallel.spread(parallel.TargetNLL(load_model(folder)).to(device))
    release()  # the whole model, where only a part of it is kept
    examples = recipe.examples_of(tokenizer, rows_of("train", asked.train_rows, asked.voice))
    mean = train(loss_of, examples, tokenizer.pad_token_id, asked.seed, matrices == "bfloat16")
    del loss_of
    release()
    parallel.stop()
    if rank == 0:
        model = load_model(folder).eval()
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.copy_(mean.pop(name))
        run_files.save_whole(asked.output / "model", model, tokenizer)
        rows = rows_of("validation", asked.validation_rows, asked.voice)
        lines = scores.both_ways(model, tokenizer, rows, asked.max_new_tokens)
        made = studies.made_with(shlex.join(["python", "tools/sft.py", *sys.argv[1:]]), matrices)
        studies.append(asked.output / "scores.csv", {"seed": asked.seed}, [x | made for x in lines])
        print(pd.DataFrame(lines).to_string(index=False))


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
    return parser.parse_args()


def rows_of(split: str, count: int, voice: str) -> pd.DataFrame:
    return products.with_voice(products.load_split(split).head(count), voice)


def train(loss_of: nn.Module, examples: list[Example], pad: int, seed: int, bf16: bool) -> dict:
    """Fine-tune by the recipe; in the first process, name -> mean weight of late checkpoints."""
    order, size = random.Random(seed), recipe.STEP_ROWS
    passes = [order.sample(examples, len(examples)) for _ in range(recipe.PASSES)]
    groups = [rows[i : i + size] for rows in passes for i in range(0, len(rows), size)]
    steps, weights, mean = len(groups), list(loss_of.parameters()), {}
    kept = recipe.checkpoints_of(steps)
    adam, schedule = optimizer_of(weights, recipe.LEARNING_RATE, steps)
    loss_of.train()
    for number, rows in enumerate(groups, start=1):
        loss = backward(loss_of, rows, pad, bf16)
        nn.utils.clip_grad_norm_(weights, 1.0)
        adam.step()
        schedule.step()
        adam.zero_grad()
        if number in kept:
            recipe.add_to_mean(mean, parallel.whole_weights(loss_of), kept.index(number))
        if parallel.place()[0] == 0 and (number % 20 == 0 or number == steps):
            print(f"step {number} of {steps}: loss {loss:.3f}", flush=True)
    return mean


def backward(loss_of: nn.Module, rows: list[Example], pad: int, bf16: bool) -> float:
    """Gradient of the mean over all targets of a step, whichever process has them; that mean."""
    rank, processes = parallel.place()
    targets = sum(label != IGNORE_INDEX for _, labels in rows for label in labels[1:])
    if not targets:
        raise ValueError(NO_TARGET)
    nothing = Example([0], [IGNORE_INDEX])  # where no row is left: each process has to take part
    batch = collate(rows[rank::processes] or [nothing], pad)
    device = next(loss_of.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        nll = loss_of({name: values.to(device) for name, values in batch.items()})
    (nll.sum() / targets * processes).backward()  # DDP and FSDP divide by the processes
    return parallel.add_up(nll.detach().sum()) / targets


if __name__ == "__main__":
    main()
