"""Pack what a late one needs into runs/rescue.zip: unpacked in the course's folder, it is in place.

It holds notebook 06's tuned model in bfloat16, the executed notebooks, and a list of the wheels.
"""

import platform
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from helpers.paths import ROOT

OWN = "sft-course"


def main(root: Path = ROOT) -> None:
    model, archive = root / "runs" / "06_sft_trainer" / "model", root / "runs" / "rescue.zip"
    if not (model / "model.safetensors").is_file():
        sys.exit(f"There is no tuned model in {model}: make course makes it, and so does 06.")
    written = archive.with_name(archive.name + ".part")
    with (
        tempfile.TemporaryDirectory(dir=archive.parent) as scratch,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        save_in_bfloat16(model, Path(scratch))
        for file in sorted(Path(scratch).iterdir()):
            packed.write(file, f"runs/06_sft_trainer/model/{file.name}")
        for name, file in executed_notebooks(root).items():
            packed.write(file, f"runs/notebooks/{name}")
        packed.writestr("runs/wheels.txt", wheels())
    written.replace(archive)
    print(f"{archive}, {archive.stat().st_size / 1e6:.0f} MB: unpack it in the course's folder.")


def save_in_bfloat16(source: Path, target: Path) -> None:
    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16, use_safetensors=True)
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source).save_pretrained(target)


def executed_notebooks(root: Path) -> dict[str, Path]:
    """Name in the archive -> file: those of `make course`, or else those that are committed."""
    run, committed = root / "runs" / "notebooks", root / "notebooks"
    folder = run if any(run.glob("[0-9]*.ipynb")) else committed
    files = [*folder.glob("[0-9]*.ipynb"), *folder.glob("figures/*")]
    return {file.relative_to(folder).as_posix(): file for file in sorted(files)}


def wheels() -> str:
    """What is installed here, as pip reads it; torch's own builds lose their `+cpu`."""
    found = {
        f"{package.name}=={package.version.partition('+')[0]}\n"
        for package in metadata.distributions()
        if package.name != OWN
    }
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    how = "pip install --no-index --find-links wheels -r runs/wheels.txt"
    return f"# {system}. With these wheels in a folder: {how}\n" + "".join(sorted(found))


if __name__ == "__main__":
    main()
