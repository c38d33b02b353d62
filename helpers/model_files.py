"""What a folder with a model has to hold, read from its files before any library opens them."""

import contextlib
import json
from pathlib import Path

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")  # the names that are looked for
VOCABULARIES = ("tokenizer.json", "*.model", "*.model.v*", "tekken.json", "vocab.json", "vocab.txt")
WITHOUT_VOCABULARY = ("ByT5Tokenizer", "CanineTokenizer")  # they spell in bytes or characters
PICKLED = "pytorch_model*.bin"
LFS_POINTER = b"version https://git-lfs"


class ModelError(RuntimeError):
    """A model that can't be had or can't be trusted; the message says what to do."""


class DamagedFileError(ModelError):
    """A file that was whole where it came from."""

    def __init__(self, file: Path, fault: str) -> None:
        super().__init__(f"{file} {fault}. Download or copy it anew.")


def check_folder(folder: Path) -> Path:
    """The same folder, if its files are a whole model with a tokenizer.

    Only sizes, settings and headers are read, so this takes milliseconds.

    Args:
        folder: what `from_pretrained` will be given.

    Raises:
        ModelError: an adapter, or files that are missing, cut off, quantized or Git LFS pointers.
    """
    try:
        _check_no_adapter(folder)
        for file in _weights(folder):
            _check_safetensors(file)
        _check_not_quantized(folder / "config.json")
        _check_tokenizer(folder)
    except OSError as error:  # no permission, a broken disk
        raise ModelError(f"{error.filename} can't be read: {error.strerror}.") from error
    return folder


def pickled_on_hub(name: str, fetched: Path) -> ModelError | None:
    """The refusal of a hub model whose weights are all pickled (such files are never fetched).

    Args:
        name: the hub id.
        fetched: the folder with those of its files that were fetched.

    Returns:
        None where something else is wrong, or the hub does not answer.
    """
    from huggingface_hub import list_repo_files  # slow to import, and not needed by default

    with contextlib.suppress(Exception):
        pickled = [file for file in list_repo_files(name) if Path(file).match(PICKLED)]
        if pickled and not any(fetched.glob("*.safetensors")):
            return _pickled_only(name, pickled)
    return None


def _pickled_only(where: object, files: list[str]) -> ModelError:
    return ModelError(
        f"{where} has its weights only as {_listed(files)}. Loading such a file can run code, so "
        "it is not loaded here. If you trust its source, convert it once and pass the new folder: "
        f"AutoModelForCausalLM.from_pretrained({str(where)!r}, use_safetensors=False)"
        ".save_pretrained(new), and its tokenizer likewise."
    )


def _check_no_adapter(folder: Path) -> None:
    if not (folder / "adapter_config.json").is_file():
        return
    base = _read_json(folder / "adapter_config.json").get("base_model_name_or_path")
    beside = any((folder / name).is_file() for name in WEIGHTS)
    merged = " (or delete the adapter_* files, if its weights are merged already)" if beside else ""
    raise ModelError(
        f"{folder} holds a LoRA adapter of {base} (adapter_config.json), not a model of its own. "
        f"Merge it first{merged}: peft's AutoPeftModelForCausalLM.from_pretrained(folder)"
        ".merge_and_unload().save_pretrained(new), with the base model's tokenizer beside it, and "
        "pass the new folder."
    )


def _weights(folder: Path) -> list[Path]:
    if not (folder / "config.json").is_file():
        raise _not_a_model(folder)
    name = next((name for name in WEIGHTS if (folder / name).is_file()), None)
    if name is None:
        raise _no_weights(folder)
    if name == WEIGHTS[0]:
        return [folder / name]
    shards = _read_json(folder / name).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise DamagedFileError(folder / name, "names no files of weights (weight_map)")
    files = [folder / shard for shard in sorted(set(map(str, shards.values())))]
    if missing := [file.name for file in files if not file.is_file()]:
        fault = f"names {len(files)} files of weights, and {len(missing)} of them are not there"
        raise DamagedFileError(folder / name, f"{fault}: {_listed(missing)}")
    return files


def _no_weights(folder: Path) -> ModelError:
    if other := sorted(file.name for file in folder.glob("*.safetensors")):
        return ModelError(
            f"{folder} holds {_listed(other)}, but neither {WEIGHTS[0]} nor {WEIGHTS[1]}, by which "
            "the weights are found. Download or copy the model anew."
        )
    if pickled := sorted(file.name for file in folder.glob(PICKLED)):
        return _pickled_only(folder, pickled)
    return _not_a_model(folder)


def _not_a_model(folder: Path) -> ModelError:
    return ModelError(
        f"{folder} holds no config.json with {WEIGHTS[0]} beside it. Save a model there with "
        "model.save_pretrained(folder) and tokenizer.save_pretrained(folder). Pickled weights "
        "(.bin, .pt) are not loaded, since loading them can run code."
    )


def _check_not_quantized(file: Path) -> None:
    if kept := _read_json(file).get("quantization_config"):
        method = kept.get("quant_method", "unknown") if isinstance(kept, dict) else kept
        raise ModelError(
            f"{file}: the weights are quantized (quantization_config: {method}), and only plain "
            "numbers can be trained. Take the model that it was quantized from."
        )


def _check_safetensors(file: Path) -> None:
    """By the format: 8 bytes with the header's length, the header in JSON, the numbers."""
    size = _size(file)
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(min(length, size))
    if size < 9 or not header.startswith(b"{"):
        raise DamagedFileError(file, "is not a file of safetensors")
    try:
        tensors = json.loads(header)
        tensors.pop("__metadata__", None)
        whole = 8 + length + max(entry["data_offsets"][1] for entry in tensors.values())
    except (ValueError, LookupError, TypeError, AttributeError):
        whole = 8 + length if size < 8 + length else None
    if whole is None:
        raise DamagedFileError(file, "lists no tensors that can be read")
    if size < whole:
        promised = f"its header promises at least {whole:,}"
        raise DamagedFileError(file, f"is cut off: it has {size:,} bytes, and {promised}")


def _check_tokenizer(folder: Path) -> None:
    files = [file for name in VOCABULARIES for file in folder.glob(name)]
    for file in files:
        _size(file)
    settings = folder / "tokenizer_config.json"
    kind = _read_json(settings).get("tokenizer_class") if settings.is_file() else None
    if not files and kind not in WITHOUT_VOCABULARY:
        raise ModelError(
            f"{folder} holds no tokenizer (tokenizer.json). Save the one that the model was "
            "trained with beside it: AutoTokenizer.from_pretrained(source).save_pretrained(folder)."
        )
    file = folder / "tokenizer.json"
    if file in files and (lost := {"model", "added_tokens"} - _read_json(file).keys()):
        raise DamagedFileError(file, f"is not whole: it has no {' and no '.join(sorted(lost))}")


def _read_json(file: Path) -> dict:
    _size(file)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(file, f"can't be read as JSON ({error})") from error
    if not isinstance(found, dict):
        raise DamagedFileError(file, "holds no JSON object")
    return found


def _size(file: Path) -> int:
    """Bytes of a file that is neither empty nor a Git LFS pointer."""
    size = file.stat().st_size
    if not size:
        raise DamagedFileError(file, "is empty (0 bytes)")
    with file.open("rb") as stream:
        start = stream.read(200)
    if start.startswith(LFS_POINTER):
        raise ModelError(
            f"{file} is a Git LFS pointer of {size} bytes, not the file itself. Run `git lfs "
            f"install` and `git lfs pull` in {file.parent}, or download the model anew."
        )
    return size


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
