"""Notebook 13 on your own products, with a line now and then for the person who waits.

    .venv/bin/python tools/tune.py DATA=my.csv
    .venv/bin/python tools/tune.py DATA=my.csv "COLUMNS={title: name, colour: color}" PASSES=4

Any parameter of the notebook may be given so. What cannot be used is refused in one sentence.
"""

import ast
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
import yaml
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from helpers import first_look, models, own_texts, parameters, products, run_files
from helpers.paths import ROOT

NOTEBOOK = ROOT / "notebooks" / "13_your_own_data.ipynb"
DEFAULTS = {"RUN_DIR": "runs/tune"}  # not the notebook's own, so that `make course` keeps its run
REFUSALS = ("ModelError", "ParameterError", "ProductFileError")
QUIET = ["--log-level=ERROR"]  # or the kernel warns that it listens on this machine
WATCHED = re.compile(  # lines of the notebook that are shown while it runs
    r"step \d+ of|described \d+ of|\d+ of \d+ rows|to train on:|to judge by:|matrix products in|"
    r"None of the|No GGUF:"
)


class Watched:
    """The terminal, for those lines that a waiting person wants."""

    def write(self, text: str) -> None:
        for line in text.splitlines():
            if WATCHED.match(line):
                print(line, flush=True)

    def flush(self) -> None:
        sys.stdout.flush()


def main(arguments: list[str]) -> None:
    try:
        usual = usual_parameters()
        given = DEFAULTS | parameters_of(arguments, usual)
        run_dir = parameters.run_folder(given["RUN_DIR"])
        look(usual | given)
        models.model_folder(given.get("BASE_MODEL", usual["BASE_MODEL"]))  # fetched in the open
    except (ValueError, models.ModelError) as error:
        sys.exit(as_for_make(str(error)))
    print("The first lines come after half a minute; training tells how long it takes.", flush=True)
    with tempfile.TemporaryDirectory() as scratch:  # a refused run leaves nothing in RUN_DIR
        executed = Path(scratch) / NOTEBOOK.name
        try:
            notebook = papermill.execute_notebook(
                NOTEBOOK,
                executed,
                given,
                kernel_name="python3",
                extra_arguments=QUIET,
                progress_bar=False,
                stdout_file=Watched(),
            )
        except PapermillExecutionError as error:
            sys.exit(sentence_of(error, executed, run_dir))
        except DeadKernelError:
            sys.exit(
                "The notebook's process was ended from outside, most often since memory ran out. "
                "Close other programs, or take fewer rows: TRAIN_ROWS=100 MAX_LENGTH=256."
            )
        except KeyboardInterrupt:
            sys.exit(f"Stopped. What was written so far is in {run_dir}.")
        kept = keep(executed, run_dir / NOTEBOOK.name)
    print("".join(output["text"] for output in notebook.cells[-1].outputs if "text" in output))
    print(f"All of it, with every table: {kept}")


def usual_parameters() -> dict[str, Any]:
    found = papermill.inspect_notebook(NOTEBOOK)
    return {name: ast.literal_eval(one["default"]) for name, one in found.items()}


def look(values: Mapping[str, Any]) -> None:
    """Read the file before a model is fetched or started, and say what the counts see in it.

    Raises:
        ParameterError: COLUMNS is no mapping.
        ProductFileError: the file can't be used.
    """
    parameters.check(values, {name: parameters.COMMON[name] for name in ("DATA", "COLUMNS")})
    if values["DATA"]:
        path = Path(values["DATA"]).expanduser()
        rows = products.read_products(path, values["COLUMNS"])
        first_look.check_rows(path, rows)
        print(f"{path.name}: {len(rows)} products")
        print("\n".join(own_texts.what_counts_see(rows, own_texts.own_counts(rows))))


def parameters_of(arguments: list[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """NAME=VALUE for each parameter; those of the notebook that are text stay text.

    Raises:
        ValueError: something is no NAME=VALUE, no parameter, or no value of that kind.
    """
    given = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals:
            raise ValueError(f"{argument!r} is no NAME=VALUE; an example: DATA=my.csv")
        if name not in known:
            raise ValueError(parameters.unknown(name, known))
        given[name] = value_of(name, value, known[name])
    return given


def value_of(name: str, text: str, default: Any) -> Any:
    if isinstance(default, str):
        return text
    try:
        return float(text) if isinstance(default, float) else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{name}={text} can't be read. Its usual value is {default}.") from error


def sentence_of(error: PapermillExecutionError, executed: Path, run_dir: Path) -> str:
    """What a person should read; the stopped notebook is kept where the fault is ours."""
    if error.ename in REFUSALS:
        return as_for_make(error.evalue)
    if "No space left" in error.evalue:
        return f"The disk is full, so the run has stopped. Make room where {run_dir} is; run again."
    kept = keep(executed, run_dir / f"stopped_{NOTEBOOK.name}")
    return f"The run has stopped: {error.ename}: {error.evalue}\nThe whole story: {kept}"


def as_for_make(message: str) -> str:
    """The reader names papermill's way to map columns; here it is another."""
    return re.sub(r'-y "COLUMNS: (\{[^"]*\})"', r'COLUMNS="\1"', message)


def keep(executed: Path, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    run_files.write_text(place, executed.read_text(encoding="utf-8"))
    return place


if __name__ == "__main__":
    main(sys.argv[1:])
