"""Say within two minutes whether this machine will do, in which precision, and for how long."""

import os
import platform
import shutil
import time

import psutil
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers import models, precision, products, recipe, training
from helpers.paths import ROOT

MEMORY_NEEDED, DISK_NEEDED = 6.5, 8.0  # GB

# The machine that the README's minutes come from; there the notebooks train in bfloat16.
REFERENCE_FLOAT32 = 3.2  # s: "a training step of 8 rows", as this check prints it there
REFERENCE_BFLOAT16 = 2.0  # s
REFERENCE_MINUTES = 23.0  # notebook 06 there, as `make course` prints it
STEPS = 155  # of 8 rows, in notebook 06: sweep 3 x 10, three passes 114, the shorter runs

EMULATED = 0.5  # of float32's speed: below it, no whole step is tried in bfloat16


def main() -> None:
    memory = psutil.virtual_memory().available / 1e9
    disk = shutil.disk_usage(ROOT).free / 1e9
    report(True, f"Python {platform.python_version()}, {os.cpu_count()} cores")
    report(memory >= MEMORY_NEEDED, f"{memory:.1f} GB of memory free ({MEMORY_NEEDED:.1f} needed)")
    if memory < MEMORY_NEEDED:
        print('  Close other programs, or see "Small laptops" in README.md.')
    report(disk >= DISK_NEEDED, f"{disk:.0f} GB of disk free ({DISK_NEEDED:.0f} needed)")
    folder = models.model_folder(models.PACKAGED_MODEL)
    report(True, f"the starting model is in {folder}")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    seconds = steps_by_precision(model, tokenizer)
    chosen = precision.choose()
    print(f"The notebooks will train in {chosen} here.")
    fastest = min(seconds, key=seconds.get)
    if fastest != chosen:
        print(f"  {fastest} was faster just now: check again on a quiet machine.")
    minutes = minutes_of_06(seconds["float32"], seconds.get(chosen, seconds["float32"]))
    print(f"Notebook 06 will take about {minutes:.0f} minutes here.")


def report(good: bool, sentence: str) -> None:
    print(f"{'✓' if good else '✗'} {sentence}", flush=True)


def steps_by_precision(model: torch.nn.Module, tokenizer) -> dict[str, float]:
    """Seconds of a training step in each precision; without bfloat16 where it is emulated.

    There a step takes minutes, and the product of two small matrices says so in a moment.
    """
    seconds = {"float32": step_seconds(model, tokenizer, bf16=False)}
    report(True, f"a training step of 8 rows takes {seconds['float32']:.1f} s in float32")
    gain = precision.bfloat16_gain()
    if gain < EMULATED:
        report(True, f"no bfloat16 instructions: a product in it takes {1 / gain:.0f} x as long")
    else:
        seconds["bfloat16"] = step_seconds(model, tokenizer, bf16=True)
        report(True, f"and {seconds['bfloat16']:.1f} s in bfloat16")
    return seconds


def step_seconds(model: torch.nn.Module, tokenizer, bf16: bool) -> float:
    """Seconds of the fastest of three of notebook 06's steps; the first touches new memory."""
    examples = recipe.examples_of(tokenizer, products.load_split("train").head(8))
    steps = training.train(
        model, examples, tokenizer.pad_token_id, learning_rate=0.0, batch_size=4, accumulation=2,
        max_steps=3, bf16=bf16,
    )  # fmt: skip
    times = [time.perf_counter()]
    for _ in steps:
        times.append(time.perf_counter())
    return min(after - before for before, after in zip(times, times[1:], strict=False))


def minutes_of_06(float32_step: float, chosen_step: float) -> float:
    """Its training goes at the pace of the chosen precision, all that it writes at float32's."""
    others_there = REFERENCE_MINUTES - STEPS * REFERENCE_BFLOAT16 / 60
    others = others_there * float32_step / REFERENCE_FLOAT32
    return STEPS * chosen_step / 60 + others


if __name__ == "__main__":
    main()
