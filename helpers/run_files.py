"""Files of a run: written whole or not at all, and weights read one at a time."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor


def saved_weights(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Name and values of each weight in a model's folder, one at a time, in the names' order.

    A whole model is half a GB; of two models side by side, only two weights are held.
    """
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        for name in sorted(file.keys()):
            yield name, file.get_tensor(name)


def save_whole(folder: Path, *parts: Any) -> None:
    """Write a folder next to its place, then put it there; what stood there goes.

    Args:
        parts: a model, a tokenizer, ...: whatever has `save_pretrained`.
    """
    written = folder.with_name(folder.name + ".part")
    shutil.rmtree(written, ignore_errors=True)  # of a run that was stopped here
    for part in parts:
        part.save_pretrained(written)
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)  # whole, or not at all
    written.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, in UTF-8; a file that was there stays whole until the last moment."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8; a file that was there stays whole until the last moment."""
    written = path.with_name(path.name + ".part")
    written.write_text(text, encoding="utf-8", newline="\n")  # on Windows, too
    written.replace(path)
