"""Say within a minute whether this machine will do, and how long notebook 06 will take on it."""

import os
import platform
import shutil
import time

import psutil
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers import models, products, prompts
from helpers.paths import ROOT

MEMORY_NEEDED, DISK_NEEDED = 6.5, 6.0  # GB
REFERENCE_STEP = 2.5  # s: a step of 8 rows on the machine that the README's minutes come from
REFERENCE_MINUTES = 16.6  # notebook 06 on that machine


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
    seconds = step_seconds(model, tokenizer)
    report(True, f"a training step of 8 rows takes {seconds:.1f} s")
    minutes = REFERENCE_MINUTES * seconds / REFERENCE_STEP
    print(f"Notebook 06 will take about {minutes:.0f} minutes here.")


def report(good: bool, sentence: str) -> None:
    print(f"{'✓' if good else '✗'} {sentence}", flush=True)


def step_seconds(model: torch.nn.Module, tokenizer) -> float:
    """Seconds of the fastest of three training steps; the first one touches new memory."""
    rows = prompts.prompt_completion(products.load_split("train").head(8))
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    texts = [row["prompt"] + row["completion"] for row in rows]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(**batch, labels=batch["input_ids"]).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.perf_counter() - begin)
    return min(times)


if __name__ == "__main__":
    main()
