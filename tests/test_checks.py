"""The checks of the exercises: right ✓, open ○, and every mistake named by its own sentence.

A further notebook adds `tests/exercises/<topic>.py` beside `helpers/checks/<topic>.py`; all tests
below then run on its exercises.
"""

import importlib
import pkgutil

import pytest
import torch

import exercises
from helpers import checks
from helpers.checks import Outcome, check, recorded


def modules_of(package) -> list:
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


EXERCISES = {
    title: exercise
    for module in modules_of(exercises)
    for title, exercise in module.EXERCISES.items()
}


def open_stub(*answer: object) -> None:
    raise NotImplementedError  # your code


def broken(*answer: object) -> None:
    raise KeyError("no such thing")


def every(kind: str) -> list:
    return [
        pytest.param(exercise, name, id=f"{title}: {name}")
        for title, exercise in EXERCISES.items()
        for name in getattr(exercise, kind)
    ]


each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


@pytest.mark.parametrize(("exercise", "name"), every("right"))
def test_a_right_answer_is_marked_right(exercise, name):
    assert exercise.check(exercise.right[name]) == Outcome("✓", "right")


@each_exercise
def test_the_stub_is_marked_open(exercise):
    mark, message = exercise.check(open_stub)
    assert mark == "○"
    assert message.startswith("open: replace the line")


@each_exercise
@pytest.mark.parametrize("answer", [broken, None, "text"], ids=["raises", "None", "text"])
def test_an_answer_that_raises_is_marked_wrong_and_does_not_stop_the_notebook(exercise, answer):
    mark, message = exercise.check(answer)
    error = "KeyError: 'no such thing'" if answer is broken else "TypeError: "
    assert mark == "✗"
    assert message.startswith(f"it stopped with {error}")


@pytest.mark.parametrize(("exercise", "name"), every("mistakes"))
def test_a_mistake_is_named_by_its_own_sentence_and_no_other(exercise, name):
    sentence, answer = exercise.mistakes[name]
    mark, message = exercise.check(answer)
    assert mark == "✗"
    assert {other for other, _ in exercise.mistakes.values() if other in message} == {sentence}


@each_exercise
def test_the_global_random_state_of_torch_is_left_as_it_was(exercise):
    answers = [*exercise.right.values(), open_stub, broken]
    answers += [answer for _, answer in exercise.mistakes.values()]
    with torch.random.fork_rng():
        torch.manual_seed(123)
        before = torch.get_rng_state()
        for answer in answers:
            exercise.check(answer)
            assert torch.equal(torch.get_rng_state(), before), answer


@each_exercise
def test_a_check_says_the_same_whatever_the_random_state(exercise):
    answers = [*exercise.right.values(), *(answer for _, answer in exercise.mistakes.values())]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = [exercise.check(answer) for answer in answers]
        torch.manual_seed(2)
        assert [exercise.check(answer) for answer in answers] == first


def test_an_outcome_is_shown_as_its_mark_and_its_sentence():
    assert repr(Outcome("✗", "the mask is inverted")) == "✗ the mask is inverted"


def test_only_the_stub_is_open_and_not_what_a_library_does_not_implement():
    @check
    def check_logits(answer) -> None:
        answer()

    def stub():
        raise NotImplementedError  # your code

    def of_whole_numbers():
        torch.log_softmax(torch.tensor([1, 2]), 0)

    assert check_logits(stub).mark == "○"
    wrong = check_logits(of_whole_numbers)
    assert wrong.mark == "✗" and "NotImplementedError" in wrong.message


def test_a_check_keeps_the_name_and_the_docstring_of_its_judge():
    @check
    def check_mask(answer: object) -> None:
        """Exercise 0.0."""

    assert (check_mask.__name__, check_mask.__doc__) == ("check_mask", "Exercise 0.0.")


def test_every_check_of_the_package_is_held_here():
    held = {exercise.check for exercise in EXERCISES.values()}
    defined = {
        value
        for module in modules_of(checks)
        for name, value in vars(module).items()
        if name.startswith("check_")
    }
    assert defined == held


def test_what_was_asked_of_a_toy_job_is_recorded_by_position_and_by_name():
    run, asked = recorded(lambda rate, steps, seed: rate * steps + seed)
    assert (run(2, 3, seed=1), run(steps=3, seed=4, rate=2)) == (7, 10)
    assert asked == {(2, 3, 1): 7, (2, 3, 4): 10}
    with pytest.raises(TypeError, match="seed"):
        run(2, 3)
