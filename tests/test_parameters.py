"""helpers/parameters.py: a parameter is used, or refused by name before anything runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers import parameters
from helpers.parameters import ParameterError, Rule
from helpers.paths import ROOT
from notebook_files import NOTEBOOKS, read, tagged

RULES = {
    "DATA": Rule(str),
    "COLUMNS": Rule(dict),
    "TRAIN_ROWS": Rule(int, 8, 1000),
    "LEARNING_RATE": Rule(float, 1e-7, 1e-2),
    "PRECISION": Rule(str, choices=("auto", "float32")),
    "TYPES": Rule(list, choices=("F16", "F32")),
    "RATES": Rule(list, 1e-7, 1e-2, items=float),
    "SERVE": Rule(bool),
}
GOOD = {
    "DATA": "my.csv",
    "COLUMNS": {"title": "name"},
    "TRAIN_ROWS": 300,
    "LEARNING_RATE": 1e-4,
    "PRECISION": "auto",
    "TYPES": ["F16"],
    "RATES": [1e-4, 1e-3],
    "SERVE": True,
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"DATA": ""},
        {"COLUMNS": {}},
        {"TRAIN_ROWS": 8},
        {"TRAIN_ROWS": 1000},
        {"TYPES": []},
        {"LEARNING_RATE": 1e-2},
        {"SERVE": False},
    ],
)
def test_what_may_be_is_taken(change):
    parameters.check(GOOD | change, RULES)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATA", 2024, "text"),
        ("DATA", None, "text"),
        ("COLUMNS", "{title: name}", "a mapping (papermill: -y"),
        ("COLUMNS", {"title": 3}, "every value is text"),
        ("TRAIN_ROWS", -1, "at least 8 and at most 1000"),
        ("TRAIN_ROWS", 7, "at least 8"),
        ("TRAIN_ROWS", 1001, "at most 1000"),
        ("TRAIN_ROWS", 300.0, "a whole number"),
        ("TRAIN_ROWS", True, "a whole number"),
        ("TRAIN_ROWS", "300", "a whole number"),
        ("LEARNING_RATE", "1e-4", "1.0e-4 a number"),
        ("LEARNING_RATE", 1, "at most 0.01"),
        ("LEARNING_RATE", float("nan"), "a number"),
        ("PRECISION", "bf16", "one of 'auto', 'float32'"),
        ("TYPES", "F16", "a list (papermill: -y"),
        ("TYPES", ["F16", "Q4_K"], "of 'F16', 'F32'"),
        ("RATES", "[1e-4]", "a list"),
        ("RATES", ["1e-4"], "every value is a number"),
        ("RATES", [1e-4, 1.0], "at most 0.01"),
        ("SERVE", "false", "True or False (papermill"),
        ("SERVE", 1, "True or False"),
    ],
)
def test_what_may_not_be_is_refused_by_name_and_with_what_to_do(name, value, said):
    with pytest.raises(ParameterError) as refused:
        parameters.check(GOOD | {name: value}, RULES)
    message = str(refused.value)
    assert message.startswith(f"{name} is ") and said in message
    assert len(message) < 300


@pytest.mark.parametrize("wrong", [[-1e-4], ["1e-4"], ["a"], 1e-4])
def test_a_list_of_numbers_stays_one(wrong):
    values = {"In": ["# Parameters. Some\nRATES = [1e-4, 1]\n"]}
    parameters.check(values | {"RATES": [1, 2.5]})
    with pytest.raises(ParameterError, match="RATES is"):
        parameters.check(values | {"RATES": wrong})


def test_an_empty_list_tells_nothing_of_its_items():
    values = {"In": ["# Parameters. Some\nREADERS = []\n"]}
    for may_be in ([], [1, 2], ["a"]):
        parameters.check(values | {"READERS": may_be})
    with pytest.raises(ParameterError, match="READERS is"):
        parameters.check(values | {"READERS": "[1]"})


def test_a_cell_that_was_mended_and_a_formula_do_no_harm():
    values = {"In": ["# Parameters. Some\nROWS = = 3\n", "# Parameters. Some\nROWS = 2 * 3\n"]}
    parameters.check(values | {"ROWS": 6})
    with pytest.raises(ParameterError, match="ROWS is -1, and has to be at least"):
        parameters.check(values | {"ROWS": -1})


def test_two_names_in_one_line_are_no_parameters_and_do_no_harm():
    values = {"In": ["# Parameters. Some\nA, B = 1, 2\nROWS = 3\n"]}
    parameters.check(values | {"ROWS": 6})
    with pytest.raises(ParameterError, match="ROWS is -1"):
        parameters.check(values | {"ROWS": -1})


def test_every_fault_is_named_at_once():
    with pytest.raises(ParameterError, match="TRAIN_ROWS is -1.*SERVE is 'no'"):
        parameters.check(GOOD | {"TRAIN_ROWS": -1, "SERVE": "no"}, RULES)


def test_a_long_value_is_cut():
    with pytest.raises(ParameterError) as refused:
        parameters.check(GOOD | {"TRAIN_ROWS": "9" * 10_000}, RULES)
    assert len(str(refused.value)) < 300


OWN_CELL = "# Parameters. Change them here\nTRAIN_ROWS = 300\nanything = 1\n"


@pytest.mark.parametrize(
    ("injected", "meant"),
    [
        ("data", "Did you mean DATA?"),
        ("TRAIN_ROW", "Did you mean TRAIN_ROWS?"),
        ("EPOCHS", "There are TRAIN_ROWS, anything, DATA"),
    ],
)
def test_a_name_from_outside_that_is_no_parameter_is_refused(injected, meant):
    inputs = ["", OWN_CELL, f'# Parameters\nSERVE = True\n{injected} = "my.csv"\n']
    with pytest.raises(ParameterError) as refused:
        parameters.check(GOOD | {"In": inputs, "anything": 1}, RULES)
    assert f"No parameter '{injected}'." in str(refused.value)
    assert meant in str(refused.value)


def test_names_of_other_cells_are_nobodys_business():
    values = {"In": ["", OWN_CELL, "# Parameters\nTRAIN_ROWS = 2\n", "x = 1", "# a note\ny = 2"]}
    assert parameters.injected_names(values) == ["TRAIN_ROWS"]
    parameters.check(values | {"TRAIN_ROWS": 2, "anything": 1, "x": 1, "y": 2})


WRONG = {  # of the usual value's kind: values that would mean something else, and what is said
    bool: {"false": "True or False", 1: "True or False"},
    int: {-1: "at least", "3": "a whole number", 2.5: "a whole number"},
    float: {-0.1: "at least", "1e-4": "a number"},
    str: {2024: "text"},
    list: {"[1e-4]": "a list"},
    dict: {"{title: name}": "a mapping"},
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_refuses_what_would_silently_mean_something_else(path):
    (cell,) = tagged(read(path), "parameters")
    usual = {}
    exec(cell.source, {}, usual)
    (check,) = [c.source for c in read(path).cells if "parameters.check(globals()" in c.source]
    rules = check[check.index("RULES = {") : check.index("}\n") + 2] if "RULES" in check else ""
    names = {"Rule": Rule, "RULES": None}
    exec(rules, names)
    at_work = usual | {"In": ["", cell.source]}
    parameters.check(at_work, names["RULES"])
    for name, value in usual.items():
        for wrong, said in WRONG[type(value)].items():
            with pytest.raises(ParameterError, match=f"{name} is .*{said}"):
                parameters.check(at_work | {name: wrong}, names["RULES"])
    from_outside = [*at_work["In"], "# Parameters\ntrain_row = 3\n"]
    with pytest.raises(ParameterError, match="No parameter 'train_row'"):
        parameters.check(at_work | {"In": from_outside}, names["RULES"])


@pytest.mark.parametrize("name", ["runs/mine", "a b/c", str(ROOT.parent / "elsewhere")])
def test_a_run_has_a_folder_of_its_own(name):
    assert parameters.run_folder(name) == (ROOT / name).resolve()
    assert parameters.run_folder("~/sft") == (Path.home() / "sft").resolve()


@pytest.mark.parametrize(
    ("name", "what"),
    [("", "no folder"), (".", "no folder"), ("..", "no folder"), ("runs/..", "no folder"),
     ("/", "no folder"), ("README.md", "a file")],
)  # fmt: skip
def test_a_run_does_not_replace_folders_of_the_project(name, what):
    with pytest.raises(ParameterError, match=f"RUN_DIR is '{name}', which is {what}"):
        parameters.run_folder(name)


HOLD = """
import sys
from pathlib import Path
from helpers import parameters
parameters.lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_two_runs_do_not_share_a_folder_and_a_killed_one_leaves_it_free(tmp_path):
    folder = tmp_path / "run"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ParameterError, match="another run is at work in .*run"):
            parameters.lock(folder)
    finally:
        other.kill()
        other.wait()
    parameters.lock(folder)
    parameters.lock(folder)  # a cell that is run again
    last = subprocess.run(
        [sys.executable, "-c", HOLD, str(folder)], input="", capture_output=True, text=True
    )
    assert "another run is at work" in last.stderr


def test_too_small_a_disk_is_said_before_anything_runs(tmp_path):
    parameters.check_disk(tmp_path / "not" / "there", 1000)
    with pytest.raises(ParameterError, match=r"1000000000\.0 GB are needed in .* free"):
        parameters.check_disk(tmp_path / "not" / "there", 10**18)
    assert not (tmp_path / "not").exists()
