"""What the house style asks of every notebook and can be counted."""

import ast
import re
import statistics
import subprocess
import sys

import pytest

from helpers.paths import ROOT
from notebook_files import NOTEBOOKS, read, tagged

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


@every_notebook
def test_the_title_carries_the_number_and_one_quoted_line(path):
    title = read(path).cells[0].source
    assert re.match(rf"# {path.name[:2]} · .+\n\n> .+", title)


@every_notebook
def test_the_card_has_its_five_rows(path):
    card = read(path).cells[1].source
    for row in ("You will be able to", "Reads", "Writes", "Time", "Needs"):
        assert f"| **{row}** |" in card


@every_notebook
def test_one_cell_of_literal_parameters_is_tagged(path):
    (cell,) = tagged(read(path), "parameters")
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign) and statement.targets[0].id.isupper()
        ast.literal_eval(statement.value)


@every_notebook
def test_it_is_committed_executed_from_top_to_bottom_without_errors(path):
    cells = code_cells(read(path))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error"]


@every_notebook
def test_no_warnings_bars_or_machine_paths_stand_in_it(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"Warning:|it/s\]", text)
    assert not re.search(r"/(root|work|home|tmp|Users)/\w", text)


@every_notebook
def test_sections_are_numbered_and_marked_core_or_deep(path):
    sections = [cell for cell in text_cells(read(path)) if re.match(r"## \d", cell.source)]
    assert 3 <= len(sections) <= 10
    for number, cell in enumerate(sections, start=1):
        assert cell.source.startswith(f"## {int(path.name[:2])}.{number} ")
        assert len({"core", "deep"} & set(cell.metadata.get("tags", []))) == 1


@every_notebook
def test_an_exercise_is_text_stub_check_and_solution(path):
    cells = read(path).cells
    exercises = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]
    assert 2 <= len(exercises) <= 4
    for i in exercises:
        assert re.match(rf"### Exercise {int(path.name[:2])}\.\d · ", cells[i - 1].source)
        assert re.search(r"\d+ min · level [123] of 3 · uses section", cells[i - 1].source)
        assert "**Done when**" in cells[i - 1].source
        assert "raise NotImplementedError  # your code" in cells[i].source
        assert "check" in cells[i + 1].metadata["tags"]
        assert len(cells[i + 1].source.splitlines()) == 1
        assert "solution" in cells[i + 2].metadata["tags"]
        assert cells[i + 2].source.count("<details>") >= 2


@every_notebook
def test_every_check_is_committed_open(path):
    for cell in tagged(read(path), "check"):
        (output,) = cell.outputs
        assert output["data"]["text/plain"].startswith("○ open")


@every_notebook
def test_cells_stay_within_their_budgets(path):
    notebook = read(path)
    lines = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    words = [
        len(re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL).split())
        for cell in text_cells(notebook)
    ]
    assert max(lines) <= 40
    assert statistics.median(lines) <= 12
    assert max(words) <= 200
    assert sum(words) <= 4000
    assert 40 <= len(notebook.cells) <= 117
    assert path.stat().st_size <= 500_000


@every_notebook
def test_no_cell_installs_logs_in_stars_or_changes_folder(path):
    for cell in code_cells(read(path)):
        assert not re.search(r"^\s*[!%]|import \*|os\.chdir|login\(", cell.source, re.MULTILINE)
        assert all(len(line) <= 100 for line in cell.source.splitlines())


@every_notebook
def test_only_07_and_11_open_the_test_split(path):
    source = "\n".join(cell.source for cell in code_cells(read(path)))
    opens = re.search(r"load_split\(\s*[\"']test[\"']|test\.jsonl|[\"']test[\"']", source)
    assert not opens or path.name[:2] in ("07", "11")


@every_notebook
def test_the_readme_links_it_with_its_measured_minutes(path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"\[{path.name[:2]} [^]]*\]\(notebooks/{path.name}\) \|[^|]*\| \d+", readme)


def test_code_and_notebooks_satisfy_ruff():
    for arguments in (["check", "."], ["format", "--check", "."]):
        command = [sys.executable, "-m", "ruff", *arguments]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout
