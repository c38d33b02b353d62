"""Run every notebook in order with papermill into runs/; goes on where it stopped last time."""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import papermill
import psutil
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from helpers.paths import DATA, ROOT, RUNS

NOTEBOOKS = ROOT / "notebooks"
EXECUTED = RUNS / "notebooks"


def main() -> None:
    EXECUTED.mkdir(parents=True, exist_ok=True)
    shutil.copytree(NOTEBOOKS / "figures", EXECUTED / "figures", dirs_exist_ok=True)
    notebooks = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    for position, notebook in enumerate(notebooks, start=1):
        executed = EXECUTED / notebook.name
        if is_done(notebook, executed):
            print(f"[{position}/{len(notebooks)}] {notebook.stem}: done earlier", flush=True)
            continue
        print(f"[{position}/{len(notebooks)}] {notebook.stem}", flush=True)
        try:
            with measured():
                papermill.execute_notebook(
                    notebook,
                    executed,
                    cwd=NOTEBOOKS,
                    kernel_name="python3",
                    extra_arguments=["--log-level=ERROR"],  # not of what it listens to
                    progress_bar=True,
                )
        except PapermillExecutionError as error:
            sys.exit(
                f"{notebook.stem} stopped in cell {error.exec_count}: "
                f"{error.ename}: {error.evalue}\n"
                f"The whole story stands in {executed}. The same command goes on from here."
            )
        except DeadKernelError:
            sys.exit(
                f"{notebook.stem}: its process was ended from outside, most often since memory ran "
                "out. Close other programs; the same command goes on from here."
            )
    model = RUNS / "06_sft_trainer" / "model"
    print(f"Done. Tuned model: {model}   Executed notebooks: {EXECUTED}")


@contextmanager
def measured() -> Iterator[None]:
    """Print the minutes, and the highest memory of the processes that were started meanwhile."""
    begin, over, peak = time.perf_counter(), threading.Event(), 0

    def sample() -> None:
        nonlocal peak
        while not over.wait(0.5):
            peak = max(peak, sum(map(resident, psutil.Process().children(recursive=True))))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield
    finally:
        over.set()
        sampler.join()
    minutes = (time.perf_counter() - begin) / 60
    print(f"{minutes:.1f} minutes, at most {peak / 1e9:.1f} GB of memory", flush=True)


def resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def is_done(notebook: Path, executed: Path) -> bool:
    """Whether it ran to its end after the last change of notebook, helpers and the course's data.

    A file in data/ that the data card does not name is somebody's own.
    """
    if not executed.exists():
        return False
    try:
        run = nbformat.read(executed, as_version=4).metadata.get("papermill", {})
    except ValueError:  # cut off: the last run was stopped while it wrote
        return False
    card = (DATA / "README.md").read_text(encoding="utf-8")
    data = [f for f in DATA.glob("**/*.*") if f"`{f.relative_to(DATA).parts[0]}" in card]
    sources = [notebook, *ROOT.glob("helpers/**/*.*"), *data]
    changed = max(file.stat().st_mtime for file in sources if "__pycache__" not in file.parts)
    finished = bool(run.get("end_time")) and not run.get("exception")
    return finished and executed.stat().st_mtime > changed


if __name__ == "__main__":
    main()
