"""helpers/studies.py: a study that is interrupted goes on, and a recorded run is compared."""

import subprocess
import sys

import pandas as pd
import pytest

from helpers import studies
from helpers.paths import ROOT

WANTED = [{"rows": rows, "seed": seed} for rows in (5, 20) for seed in (0, 1)]


def test_a_study_that_does_not_exist_lacks_every_run(tmp_path):
    assert studies.recorded(tmp_path / "no.csv").empty
    assert studies.missing(tmp_path / "no.csv", WANTED) == WANTED


def test_only_the_runs_without_a_line_are_missing(tmp_path):
    path = tmp_path / "deep" / "study.csv"
    studies.append(path, WANTED[2], [{"NLL": 0.5}])
    studies.append(path, WANTED[0], [{"NLL": 0.7}, {"NLL": 0.8}])
    assert studies.missing(path, WANTED) == [WANTED[1], WANTED[3]]
    assert studies.recorded(path)["NLL"].tolist() == [0.5, 0.7, 0.8]


def test_a_second_try_replaces_the_lines_of_the_first(tmp_path):
    path = tmp_path / "study.csv"
    studies.append(path, WANTED[0], [{"NLL": 0.7}, {"NLL": 0.8}])
    studies.append(path, WANTED[1], [{"NLL": 0.9}])
    studies.append(path, WANTED[0], [{"NLL": 0.6}])
    assert sorted(studies.recorded(path)["NLL"]) == [0.6, 0.9]


def test_a_new_setting_or_result_makes_a_new_column(tmp_path):
    path = tmp_path / "study.csv"
    studies.append(path, {"rows": 5}, [{"NLL": 0.7}])
    studies.append(path, {"rows": 5, "voice": "story"}, [{"NLL": 2.6, "clean": 0.1}])
    table = studies.recorded(path)
    assert list(table) == ["rows", "NLL", "voice", "clean"] and len(table) == 2


def test_a_file_that_is_no_table_is_refused_and_kept(tmp_path):
    path = tmp_path / "study.csv"
    path.write_text('a,b\n"1,2\n3', encoding="utf-8")
    with pytest.raises(ValueError, match=r"study\.csv: not readable as CSV"):
        studies.append(path, {"a": 1}, [{"b": 2}])
    assert path.read_text(encoding="utf-8") == 'a,b\n"1,2\n3'


STUDY = """
import sys, time
from pathlib import Path
from helpers import studies

path = Path(sys.argv[1])
wanted = [{"rows": rows, "seed": seed} for rows in range(12) for seed in range(2)]
for settings in studies.missing(path, wanted):
    time.sleep(0.02)
    studies.append(path, settings, [{"value": settings["rows"] * 10 + settings["seed"]}])
    print("done", flush=True)
"""


def run_study(path, lines=None):
    """Run the study to its end, or kill it after so many lines."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUDY, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    for _ in range(lines or 0):
        process.stdout.readline()
    if lines:
        process.kill()
    process.communicate()
    return process.returncode


def test_killed_twice_it_ends_with_the_same_table(tmp_path):
    assert run_study(tmp_path / "whole.csv") == 0
    for lines in (3, 5):
        assert run_study(tmp_path / "killed.csv", lines) != 0
        assert 0 < len(studies.recorded(tmp_path / "killed.csv")) < 24
    assert run_study(tmp_path / "killed.csv") == 0
    whole, killed = (tmp_path / name for name in ("whole.csv", "killed.csv"))
    assert whole.read_text(encoding="utf-8") == killed.read_text(encoding="utf-8")


def test_a_run_made_again_is_held_against_its_line(tmp_path):
    path = tmp_path / "study.csv"
    studies.append(path, WANTED[0], [{"NLL": 0.70, "coverage": 0.90}])
    studies.append(path, WANTED[1], [{"NLL": 0.10, "coverage": 0.10}])
    fresh, tolerances = {"NLL": 0.71, "coverage": 0.80}, {"NLL": 0.02, "coverage": 0.05}
    found = studies.compare(path, WANTED[0], fresh, tolerances)
    assert found["same"].tolist() == [True, False]
    assert found["difference"].tolist() == pytest.approx([0.01, 0.10])


def test_a_run_that_stands_nowhere_or_twice_is_no_record(tmp_path):
    path = tmp_path / "study.csv"
    for settings in ({"rows": 5}, WANTED[3]):
        with pytest.raises(LookupError, match="0 lines"):
            studies.compare(path, settings, {"NLL": 1}, {"NLL": 1})
    studies.append(path, {"rows": 5}, [{"NLL": 0.7}, {"NLL": 0.7}])
    with pytest.raises(LookupError, match="2 lines"):
        studies.compare(path, {"rows": 5}, {"NLL": 1}, {"NLL": 1})


def test_a_line_says_what_made_it():
    made = studies.made_with("papermill x", "float32")
    assert made["command"] == "papermill x" and made["machine"].endswith(", float32")
    assert "torch==2.13.0" in made["versions"]
    assert pd.Timestamp(made["date"]).year >= 2026
