"""What the tests of models write: folders in the form that hubs and `save_pretrained` give them."""

import json
from pathlib import Path

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345\n"
)


def safetensors_bytes(numbers: int = 6) -> bytes:
    """By the format: 8 bytes with the header's length, the header in JSON, the numbers."""
    entry = {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "weight": entry}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4 * numbers)


def write_model(folder: Path, weights: tuple[str, ...] = ("model.safetensors",)) -> Path:
    """The files of a whole model, all as small as can be; several weights get an index."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", {"model_type": "llama"})
    write_json(folder / "tokenizer.json", {"model": {}, "added_tokens": []})
    for name in weights:
        (folder / name).write_bytes(safetensors_bytes())
    if len(weights) > 1:
        named = {f"weight.{i}": name for i, name in enumerate(weights)}
        write_json(folder / "model.safetensors.index.json", {"weight_map": named})
    return folder


def write_json(file: Path, content: object) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")
