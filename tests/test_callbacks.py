"""helpers/callbacks.py: memory goes back before a save, and a log is one line."""

from types import SimpleNamespace

import pytest

from helpers import callbacks


@pytest.fixture
def given_back(monkeypatch):
    calls = []
    monkeypatch.setattr(callbacks, "release", lambda: calls.append("back"))
    return calls


@pytest.mark.parametrize(("saves", "times"), [(True, 1), (False, 0)])
def test_memory_goes_back_after_a_step_that_is_saved(given_back, saves, times):
    control = SimpleNamespace(should_save=saves)
    callbacks.GiveBack().on_step_end(None, None, control)
    assert len(given_back) == times


def test_memory_goes_back_at_the_end(given_back):
    callbacks.GiveBack().on_train_end(None, None, None)
    assert given_back == ["back"]


@pytest.mark.parametrize(
    ("logs", "line"),
    [
        ({"loss": 1.23456, "grad_norm": 2.0, "epoch": 0.5}, "{'loss': 1.235, 'grad_norm': 2.0}"),
        ({"eval_loss": 0.65049, "eval_runtime": 3.0}, "{'eval_loss': 0.65}"),
    ],
)
def test_a_log_is_one_line_of_what_matters(capsys, logs, line):
    state = SimpleNamespace(global_step=7)
    callbacks.Progress().on_log(None, state, None, logs=logs)
    assert capsys.readouterr().out == f"step   7 {line}\n"


def test_the_last_log_prints_nothing(capsys):
    state = SimpleNamespace(global_step=7)
    callbacks.Progress().on_log(None, state, None, logs={"train_loss": 1.0, "train_runtime": 2.0})
    assert capsys.readouterr().out == ""


def test_the_clock_keeps_the_seconds_of_each_step(monkeypatch):
    times = iter([10.0, 12.5, 20.0, 21.0])
    monkeypatch.setattr(callbacks.time, "perf_counter", lambda: next(times))
    clock = callbacks.StepClock()
    for _ in range(2):
        clock.on_step_begin(None, None, None)
        clock.on_step_end(None, None, None)
    assert clock.seconds == [2.5, 1.0]
