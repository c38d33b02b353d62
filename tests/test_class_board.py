"""notebooks/class_board.ipynb, run on made-up seats; it is no numbered lesson."""

import ast

import pandas as pd
import papermill
import pytest
from bs4 import BeautifulSoup

from helpers import class_folder
from helpers.paths import ROOT
from notebook_files import NOTEBOOKS, define, read, tagged

BOARD = ROOT / "notebooks" / "class_board.ipynb"
WRITERS = [path for path in NOTEBOOKS if path.name[:2] in ("05", "06")]


def test_it_is_committed_without_outputs_and_with_literal_parameters():
    notebook = read(BOARD)
    assert BOARD not in NOTEBOOKS
    for cell in notebook.cells:
        assert len(cell.source.split()) <= 200
        if cell.cell_type == "code":
            assert (cell.execution_count, cell.outputs) == (None, [])
            assert len(cell.source.splitlines()) <= 40
    (parameters,) = tagged(notebook, "parameters")
    for statement in ast.parse(parameters.source).body:
        ast.literal_eval(statement.value)


@pytest.mark.parametrize("path", WRITERS, ids=lambda path: path.stem)
def test_05_and_06_check_the_seat_first_and_write_only_where_a_folder_is_named(path):
    notebook = read(path)
    assert papermill.inspect_notebook(path)["CLASS_DIR"]["default"] == '""'
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    (checks,) = [i for i, cell in enumerate(code) if "class_folder.check_seat(" in cell]
    (writes,) = [i for i, cell in enumerate(code) if "class_folder.write_seat(" in cell]
    assert checks <= 2 and writes == len(code) - 1
    assert "folder_of" not in "".join(code)


@pytest.fixture
def share(tmp_path):
    """Seats 1 to 6 of 06, 1 and 2 of 05, one file that was not finished, a sheet to be read."""
    for seat in range(1, 7):
        measures = {"colour named": 1.0, "wrong colour": 0.0, "invented number": 0.0}
        measures |= {"stopped": 1.0, "coverage": 0.9 + seat / 100}
        means = {"gold": measures, "after, greedy": measures, "after, best draft": measures}
        nll = {"before": 1.8, "after, greedy": 0.7}
        for lesson in ("05", "06")[seat > 2 :]:
            class_folder.write_seat(str(tmp_path), lesson, seat, means, nll, True, 300)
    (tmp_path / "06_seat_008_x.json.part").write_text("{", encoding="utf-8")
    items = [f"item{number}" for number in range(8)]
    sheet = pd.DataFrame({"item": items, "text": "A mug.", "label": "", "reason": ""})
    sheet.to_csv(tmp_path / "sheet.csv", index=False)
    return tmp_path


def fill(share, seat, labels):
    path = share / "blind_read" / f"seat_{seat:03}.csv"
    sheet = pd.read_csv(path, keep_default_na=False)
    sheet.assign(label=labels[: len(sheet)], reason=f"by {seat}").to_csv(path, index=False)


def run(share, tmp_path, **parameters):
    parameters |= {"CLASS_DIR": str(share), "SEATS": 8, "SHEET": str(share / "sheet.csv")}
    parameters |= {"READERS": [1, 2]}
    out = tmp_path / "out.ipynb"
    return papermill.execute_notebook(
        BOARD, out, parameters, progress_bar=False, kernel_name="python3"
    )


def printed(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output["text"] for output in outputs if output.output_type == "stream")


def table_of(notebook, beginning):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    (cell,) = [cell for cell in code if beginning in cell.source]
    (html,) = [o["data"]["text/html"] for o in cell.outputs if "data" in o]
    rows = BeautifulSoup(html, "html.parser").find_all("tr")
    return [
        [part.get_text().replace("\xa0", " ") for part in row.find_all(["th", "td"])]
        for row in rows
    ]


def test_the_board_shows_who_is_done_the_spread_the_minutes_and_the_agreement(share, tmp_path):
    first = run(share, tmp_path, DEAL=True)
    text = printed(first)
    assert "8 results of 6 seats have arrived" in text
    assert "06: 6 seats are done; missing: [7, 8]" in text
    assert "05: 2 seats are done; missing: [3, 4, 5, 6, 7, 8]" in text
    assert "not whole: 06_seat_008_x.json.part" in text
    assert "2 sheets written now" in text
    spread = str(table_of(first, "SAME ="))
    assert "0.94  [0.91, 0.96]" in spread and "0.92  [0.91, 0.92]" in spread
    assert "gold" not in spread
    minutes = {row[0]: row[1:] for row in table_of(first, "TEACHING.md")}
    assert minutes["05"][0] == "2" and minutes["05"][4:] == ["7 to 9 min", "25 min", "65 min"]
    assert minutes["06"][0] == "6" and minutes["06"][4] == "17 to 25 min"
    fill(share, 1, ["ok"] * 4 + ["broken"] * 4)
    fill(share, 2, ["ok"] * 3 + ["broken"] * 5)
    second = run(share, tmp_path, DEAL=True)  # dealt already: nothing is replaced
    assert "0 sheets written now" in printed(second)
    assert "16 labels given, by 2 readers" in printed(second)
    agreement = [["(1, 2)", "8", "0.88", "0.75"], ["all", "8", "0.88", "0.75"]]
    assert table_of(second, "blind_read.kappa")[1:] == agreement  # (7/8 - 1/2) / (1 - 1/2)
    own = [pd.read_csv(share / "labels" / f"blind_read{end}.csv") for end in ("", "_second")]
    assert [table["label"].tolist().count("ok") for table in own] == [4, 3]
    assert [set(table["reason"]) for table in own] == [{"by 1"}, {"by 2"}]


def test_07_reads_the_labels_of_the_class(share, tmp_path):
    run(share, tmp_path, DEAL=True)
    fill(share, 1, ["ok"] * 8)
    run(share, tmp_path)
    (evaluation,) = (path for path in NOTEBOOKS if path.name.startswith("07"))
    names = {"ROOT": ROOT, "LABELS": str(share / "labels"), "pd": pd}
    read_labels = define(evaluation, "read_labels", **names)
    assert read_labels("blind_read.csv")["label"].tolist() == ["ok"] * 8
    assert len(read_labels("blind_read_second.csv")) == 0


def test_a_folder_that_is_not_there_is_said_before_anything_else(tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="no such folder.*connected"):
        run(tmp_path / "share", tmp_path)
