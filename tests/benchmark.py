"""CPU seconds a row, in one run: the classic recipe, notebook 06's two trainers and 05's loop.

    python tests/benchmark.py           alternates them, a few steps each: about eight minutes
    python tests/benchmark.py quality   one epoch of 100 rows by each, then the NLL on validation

The classic recipe: rows tokenized and padded to 512 beforehand, batch 1, float32, so that every
position carries loss. "06" is SFTTrainer as it is, "06 lean" the LeanTrainer that notebook 06
trains with (goal: 1/10 of the classic's time). 06 and 05 compute in the precision that is chosen
for this machine, and it is printed. Each measurement has a process of its own, since peak memory
is a process's.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from datasets import Dataset, disable_progress_bars
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from transformers.utils import logging
from trl import SFTConfig, SFTTrainer

from helpers import models, precision, products, prompts, training
from helpers.lean_trainer import LeanTrainer
from notebook_files import NOTEBOOKS, run_cells

ROUNDS = 3
ROWS = 100
LEARNING_RATE = 1.5e-4  # what notebook 06 finds, for all
WARM_UP_STEPS = 1  # memory that is touched for the first time is slow
TIMED_STEPS = {"classic": 6, "06": 3, "06 lean": 3, "05": 3}
(SFT_TRAINER,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
TOKENIZER = AutoTokenizer.from_pretrained(models.model_folder(models.PACKAGED_MODEL))


class CpuSeconds(TrainerCallback):
    """CPU seconds of all threads, after each step."""

    def __init__(self) -> None:
        self.after = []

    def on_step_end(self, args, state, control, **kwargs) -> None:
        self.after.append(time.process_time())


def classic_rows(rows: Dataset) -> Dataset:
    texts = [row["prompt"] + row["completion"] for row in rows]
    return Dataset.from_dict(
        dict(TOKENIZER(texts, padding="max_length", max_length=512, truncation=True))
    )


def course_settings() -> dict:
    """The settings that notebook 06 writes out, taken from its own cells."""
    cells = ("# Parameters.", "settings = dict(")
    return run_cells(SFT_TRAINER, *cells, bf16=bf16())["settings"]


def bf16() -> bool:
    return precision.choose() == "bfloat16"


def starting_model() -> torch.nn.Module:
    source = models.model_folder(models.PACKAGED_MODEL)
    return AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)


def examples(rows: Dataset) -> list[training.Example]:
    return [training.encode(TOKENIZER, row["prompt"], row["completion"]) for row in rows]


def new_trainer(recipe: str, folder: str, **changes) -> SFTTrainer:
    disable_progress_bars()
    logging.disable_progress_bar()
    settings = course_settings()
    rows = prompts.prompt_completion(products.load_split("train").head(ROWS))
    if recipe == "classic":
        rows = classic_rows(rows)
        settings |= {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 1}
        settings["bf16"] = False
        settings["completion_only_loss"] = None
    kind = LeanTrainer if recipe == "06 lean" else SFTTrainer
    return kind(
        starting_model(),
        SFTConfig(output_dir=folder, save_strategy="no", **settings | changes),
        processing_class=TOKENIZER,
        train_dataset=rows,
    )


def measure(recipe: str) -> dict[str, float]:
    """A few steps: CPU seconds a row, tokens that carry loss a row, and peak memory in GB."""
    steps = WARM_UP_STEPS + TIMED_STEPS[recipe]
    rows = prompts.prompt_completion(products.load_split("train").head(ROWS))
    if recipe == "05":
        encoded, rows_a_step, after = examples(rows), 8, []
        labels = [label for example in encoded for label in example.labels]
        for _ in training.train(
            starting_model(),
            encoded,
            TOKENIZER.pad_token_id,
            learning_rate=LEARNING_RATE,
            batch_size=rows_a_step,
            max_steps=steps,
            bf16=bf16(),
        ):
            after.append(time.process_time())
    else:
        with tempfile.TemporaryDirectory() as folder:
            trainer = new_trainer(recipe, folder, max_steps=steps)
            clock = CpuSeconds()
            trainer.add_callback(clock)
            trainer.train()
        after, at_once = clock.after, trainer.args.per_device_train_batch_size
        rows_a_step = at_once * trainer.args.gradient_accumulation_steps
        labels = [label for row in trainer.train_dataset["labels"] for label in row]
    spent = after[-1] - after[WARM_UP_STEPS - 1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "cpu_seconds_a_row": spent / (TIMED_STEPS[recipe] * rows_a_step),
        "tokens_with_loss_a_row": sum(label != training.IGNORE_INDEX for label in labels) / ROWS,
        "peak_memory_gb": peak * (1 if sys.platform == "darwin" else 1024) / 1e9,
    }


def quality(recipe: str) -> dict[str, float]:
    """One epoch of 100 rows, then the NLL of the validation completions, counted in one way."""
    begin = time.process_time()
    if recipe == "05":
        model = starting_model()
        rows = prompts.prompt_completion(products.load_split("train").head(ROWS))
        pad = TOKENIZER.pad_token_id
        rate = LEARNING_RATE
        for _ in training.train(model, examples(rows), pad, learning_rate=rate, bf16=bf16()):
            pass
    else:
        with tempfile.TemporaryDirectory() as folder:
            trainer = new_trainer(recipe, folder, num_train_epochs=1, learning_rate=LEARNING_RATE)
            trainer.train()
            trainer.model.save_pretrained(folder)  # its forward may be bfloat16's; a file's is not
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    spent = time.process_time() - begin
    validation = examples(prompts.prompt_completion(products.load_split("validation")))
    nll = training.mean_nll(model, validation, TOKENIZER.pad_token_id)
    return {"cpu_seconds": spent, "validation_nll": nll}


def in_its_own_process(recipe: str, what: str) -> dict[str, float]:
    command = [sys.executable, __file__, what, recipe]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def main(what: str) -> None:
    print("notebooks' precision here:", precision.choose())
    results: dict[str, list[dict[str, float]]] = {recipe: [] for recipe in TIMED_STEPS}
    for _ in range(ROUNDS if what == "measure" else 1):
        for recipe, found in results.items():
            found.append(in_its_own_process(recipe, what))
            print(recipe, {name: round(value, 2) for name, value in found[-1].items()}, flush=True)
    cost = "cpu_seconds_a_row" if what == "measure" else "cpu_seconds"
    medians = {
        recipe: statistics.median(run[cost] for run in runs) for recipe, runs in results.items()
    }
    for recipe in ("06", "06 lean", "05"):
        factor = medians["classic"] / medians[recipe]
        print(f"CPU time, notebook {recipe} / classic: 1 / {factor:.1f}")
    for recipe in ("06", "06 lean"):
        print(f"CPU time, notebook {recipe} / 05: {medians[recipe] / medians['05']:.2f}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps({"measure": measure, "quality": quality}[sys.argv[1]](sys.argv[2])))
    else:
        main(sys.argv[1] if len(sys.argv) == 2 else "measure")
