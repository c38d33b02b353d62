"""tools/run_course.py: what counts as done, and what a notebook took."""

import os
import re
import subprocess
import sys

import nbformat
import pytest

from tool_files import load_tool

run_course = load_tool("run_course")

FINISHED = {"end_time": "2026-01-01T00:00:00", "exception": False}
TAKES_200_MB = "import time; held = bytearray(200_000_000); time.sleep(2)"


@pytest.mark.parametrize(
    ("papermill", "done"),
    [
        (FINISHED, True),
        (FINISHED | {"exception": True}, False),
        (FINISHED | {"end_time": None}, False),
        ({}, False),
    ],
)
def test_a_notebook_is_done_if_it_ran_to_its_end(tmp_path, papermill, done):
    notebook, executed = tmp_path / "01.ipynb", tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), notebook)
    assert not run_course.is_done(notebook, executed)
    nbformat.write(nbformat.v4.new_notebook(metadata={"papermill": papermill}), executed)
    assert run_course.is_done(notebook, executed) == done


def test_a_notebook_that_changed_since_is_not_done(tmp_path):
    notebook, executed = tmp_path / "01.ipynb", tmp_path / "executed.ipynb"
    for path in (executed, notebook):
        nbformat.write(nbformat.v4.new_notebook(metadata={"papermill": FINISHED}), path)
    later = executed.stat().st_mtime + 10
    os.utime(notebook, (later, later))
    assert not run_course.is_done(notebook, executed)


@pytest.mark.parametrize(
    ("name", "done"),
    [("train.jsonl", False), ("raw/shop/1.html", False), ("my.csv", True), ("mine/my.csv", True)],
)
def test_data_of_the_course_makes_it_run_again_and_somebodys_own_file_does_not(
    tmp_path, monkeypatch, name, done
):
    notebook, executed = tmp_path / "01.ipynb", tmp_path / "executed.ipynb"
    for path in (notebook, executed):
        nbformat.write(nbformat.v4.new_notebook(metadata={"papermill": FINISHED}), path)
    later = executed.stat().st_mtime + 10
    os.utime(executed, (later, later))
    card = "`train.jsonl` holds the rows, `raw/` what arrived"
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("{}", encoding="utf-8")
    os.utime(tmp_path / name, (later + 10, later + 10))
    monkeypatch.setattr(run_course, "DATA", tmp_path)
    assert run_course.is_done(notebook, executed) == done


def test_a_notebook_that_was_cut_off_while_it_was_written_runs_again(tmp_path):
    notebook, executed = tmp_path / "01.ipynb", tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), notebook)
    executed.write_text('{"cells": [', encoding="utf-8")
    assert not run_course.is_done(notebook, executed)


def test_the_data_card_names_each_file_and_folder_beside_it():
    card = (run_course.DATA / "README.md").read_text(encoding="utf-8")
    tracked = subprocess.check_output(
        ["git", "ls-files", "data/*.*"], cwd=run_course.ROOT, text=True
    ).splitlines()
    names = {name.split("/")[1] for name in tracked} - {"README.md"}
    assert names and [name for name in names if f"`{name}" not in card] == []


def test_the_memory_of_what_was_started_is_measured_and_not_our_own(capsys):
    ours = bytearray(400_000_000)
    with run_course.measured():
        subprocess.run([sys.executable, "-c", TAKES_200_MB], check=True)
    found = re.fullmatch(r"(.+) minutes, at most (.+) GB of memory\n", capsys.readouterr().out)
    assert 0.2 <= float(found[2]) < 0.4, len(ours)


def test_a_failure_is_passed_on_and_nothing_is_claimed(capsys):
    with pytest.raises(ZeroDivisionError), run_course.measured():
        raise ZeroDivisionError
    assert capsys.readouterr().out == ""
