"""What the installed libraries make of notebook 06 and of the names that the course uses, as JSON.

Standard input holds {"packages": ["trl", ...], "names": {"trl.SFTTrainer": ["0", "args"], ...}}:
a name that the course imports, and the arguments that it passes, by position or keyword.
tools/drift.py starts this script in two environments. It needs the course's folder on the path,
torch and the libraries, and no network.
"""

import ast
import contextlib
import inspect
import json
import pkgutil
import re
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "06_sft_trainer.ipynb"
CELLS = (  # by a text that no other cell of the notebook has
    "SEED = 0\n",
    "from trl import",
    "settings = dict(",
    "def toy_trainer(",
    "layouts = {",
    "MARKED = (",
    "measured = {",
    "too_long = {",
)
ROWS = 8
STEPS = {"max_steps": 3, "learning_rate": 1e-3, "bf16": False}  # the first one's rate is 0


def main() -> None:
    asked = json.load(sys.stdin)
    torch.set_num_threads(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(sys.stderr),  # what libraries print is no JSON
    ):
        found = {part.__name__: outcome(part) for part in (configuration, labels, steps)}
        found["names"] = {name: arguments_of(name, used) for name, used in asked["names"].items()}
    found["versions"] = {name: metadata.version(name) for name in asked["packages"]}
    json.dump(found, sys.stdout, default=str)


def outcome(part: Callable[[], dict]) -> dict[str, Any] | str:
    """A part's result, or the error that ended it: the others are still worth a comparison."""
    try:
        return part()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def notebook_06() -> dict[str, Any]:
    """What notebook 06's cells define, on a tokenizer of bytes, and on a few of its rows.

    Only imports from libraries, assignments and functions are run. The notebook's
    `measure_targets` counts the labels of a row; here it gives the labels themselves.
    """
    from helpers.prompts import product_prompt
    from helpers.training import encode

    lines = (ROOT / "data" / "train.jsonl").read_text(encoding="utf-8").splitlines()[:ROWS]
    pairs = [(product_prompt(row), " " + row["description"]) for row in map(json.loads, lines)]
    tokenizer = byte_tokenizer()
    names = {
        "run_dir": Path("run"),
        "bf16": False,
        "tokenizer": tokenizer,
        "train_set": [{"prompt": read, "completion": learnt} for read, learnt in pairs],
        "train_examples": [encode(tokenizer, *pair) for pair in pairs],
        "measure_targets": lambda row, **changes: labels_of(names["toy_trainer"]([row], **changes)),
    }
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    for text in CELLS:
        (source,) = (source for source in sources if text in source)
        kept = (ast.ImportFrom, ast.Assign, ast.FunctionDef)
        body = [statement for statement in ast.parse(source).body if isinstance(statement, kept)]
        exec(compile(ast.Module(body, []), NOTEBOOK.name, "exec"), names)
    return names


def byte_tokenizer() -> Any:
    """A token a byte; one more is both end and padding, as in the course's model."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        pad_token="<|end|>",
        model_input_names=["input_ids", "attention_mask"],
    )


def labels_of(trainer: Any) -> list[int]:
    return trainer.data_collator([trainer.train_dataset[0]])["labels"][0].tolist()


def configuration() -> dict[str, Any]:
    """Every value of SFTConfig, left alone and with the settings that the notebook writes out."""
    names = notebook_06()
    bare = names["SFTConfig"](output_dir="run", use_cpu=True)
    written = names["SFTConfig"](output_dir="run", **names["settings"])
    return {"SFTConfig(use_cpu=True)": bare.to_dict(), "settings": written.to_dict()}


def labels() -> dict[str, Any]:
    """The labels of one row in each column layout, and how many rows are left of two."""
    names = notebook_06()
    of_layouts = {name: names["measure_targets"](row) for name, row in names["layouts"].items()}
    return of_layouts | names["measured"] | {"rows left of two": len(names["kept"])}


def steps() -> dict[str, Any]:
    """Loss and gradient norm of each step, by SFTTrainer and by the loop of notebook 05."""
    from helpers.training import train

    names = notebook_06()
    trainer = names["toy_trainer"](
        names["train_set"],
        size=32,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=1,
        logging_steps=1,
        save_strategy="no",
        **STEPS,
    )
    fill(trainer.model)
    trainer.train()
    logs = [log for log in trainer.state.log_history if "loss" in log]
    fill(trainer.model)
    pad = names["tokenizer"].pad_token_id
    loop = train(trainer.model, names["train_examples"], pad, batch_size=4, **STEPS)
    return {
        "SFTTrainer": {f"step {i}": pick(log) for i, log in enumerate(logs, start=1)},
        "the loop": {f"step {step.number}": pick(step._asdict()) for step in loop},
    }


def fill(model: torch.nn.Module) -> None:
    """Random weights that don't depend on how a library draws them."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, weight in sorted(model.named_parameters()):
            weight.normal_(0, 0.1, generator=generator)


def pick(log: dict[str, Any]) -> dict[str, float]:
    return {name: float(log[name]) for name in ("loss", "grad_norm")}


def arguments_of(name: str, used: list[str]) -> dict[str, str | None] | None:
    """How each argument is taken: as which parameter, with which default; None: not at all.

    Returns:
        None where the name can't be imported; nothing where it has no signature to ask.
    """
    try:
        thing = pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return None
    if inspect.ismethod(wrapped := getattr(thing, "__wrapped__", None)):
        thing = wrapped  # transformers' auto classes: bound twice, and the first argument is lost
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {argument: taken_as(argument, list(parameters)) for argument in used}


def taken_as(argument: str, parameters: list[inspect.Parameter]) -> str | None:
    kinds = inspect.Parameter
    if argument.isdigit():
        by_position = (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        ordered = [one.name for one in parameters if one.kind in by_position]
        rest = [f"*{one.name}" for one in parameters if one.kind is kinds.VAR_POSITIONAL]
        return next(iter([*ordered[int(argument) :], *rest]), None)
    by_name = (kinds.KEYWORD_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    named = [one for one in parameters if one.kind in by_name and one.name == argument]
    rest = [f"**{one.name}" for one in parameters if one.kind is kinds.VAR_KEYWORD]
    shown = [str(one.replace(annotation=kinds.empty)) for one in named]
    return next((re.sub(r" at 0x\w+", "", text) for text in [*shown, *rest]), None)


if __name__ == "__main__":
    main()
