"""The notebooks as files: their cells by tag, and the solutions that stand in their folds."""

import ast
import re
from pathlib import Path

import nbformat
import papermill
import yaml

from helpers import class_folder
from helpers.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def solutions(notebook: nbformat.NotebookNode) -> list[str]:
    """The code of each solution, in the order of the exercises."""
    texts = (cell.source for cell in tagged(notebook, "solution"))
    return [re.search(r"```python\n(.*?)```", text, re.DOTALL)[1] for text in texts]


def with_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Behind each check the solution, and the check once more, tagged "solved"."""
    cells, answers = [], iter(solutions(notebook))
    for cell in notebook.cells:
        cells.append(cell)
        if "check" in cell.metadata.get("tags", []):
            cells.append(nbformat.v4.new_code_cell(next(answers)))
            cells.append(nbformat.v4.new_code_cell(cell.source, metadata={"tags": ["solved"]}))
    assert next(answers, None) is None
    notebook.cells = cells
    return notebook


def small_parameters(path: Path) -> Path:
    return ROOT / "tests" / "small" / f"{path.name.split('_')[0]}.yaml"


def tiny(path: Path, model: Path, run: Path) -> dict[str, object]:
    """Small parameters of a notebook, on a model of two layers."""
    small = yaml.safe_load(small_parameters(path).read_text(encoding="utf-8"))
    small |= {"BASE_MODEL": str(model), "RUN_DIR": str(run)}
    small |= {"HUB_MODELS": [str(model)], "PARITY_LAYERS": 1}  # of that model's layers
    known = papermill.inspect_notebook(path)
    return {name: value for name, value in small.items() if name in known}


def write_with_solutions(path: Path, model: Path, folder: Path, target: Path) -> None:
    """A notebook with solutions and small parameters, not run yet; what it writes goes to folder.

    Where a class would share its scores, it is seat 7.
    """
    parameters = tiny(path, model, folder / "run")
    if "CLASS_DIR" in papermill.inspect_notebook(path):
        parameters |= {"CLASS_DIR": str(folder), "SEED": 7}
    papermill.execute_notebook(path, target, parameters, prepare_only=True)
    notebook = with_solutions(read(target))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, target)


def assert_open_and_then_right(path: Path, executed: nbformat.NotebookNode, folder: Path) -> None:
    """Each check said ○ before the solution and ✓ after it, and a seat's scores are there."""
    said = {
        tag: [cell.outputs[0]["data"]["text/plain"] for cell in tagged(executed, tag)]
        for tag in ("check", "solved")
    }
    assert said["check"] and all(outcome.startswith("○") for outcome in said["check"])
    assert said["solved"] == ["✓ right"] * len(said["check"])
    seats = class_folder.read_seats(str(folder))
    assert list(seats["seat"]) == [7] * ("CLASS_DIR" in papermill.inspect_notebook(path))
    for scores in seats["scores"]:
        assert {"gold", "before", "after"} == {system.partition(",")[0] for system in scores}
        assert {"coverage", "NLL"} <= set(scores["before"])


def define(path: Path, name: str, **names) -> object:
    """The named top-level function of a notebook, run in a namespace of the given names."""
    for cell in read(path).cells:
        if cell.cell_type == "code" and f"def {name}(" in cell.source:
            (function,) = (
                node
                for node in ast.parse(cell.source).body
                if isinstance(node, ast.FunctionDef) and node.name == name
            )
            exec(compile(ast.Module([function], []), str(path), "exec"), names)
            return names[name]
    raise LookupError(f"{path.name} defines no function {name}")


def run_cells(path: Path, *beginnings: str, **names) -> dict:
    """Run the code cells that contain the given texts, in order, in a namespace of their own."""
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "code"]
    for beginning in beginnings:
        (source,) = (source for source in cells if beginning in source)
        exec(compile(source, str(path), "exec"), names)
    return names
