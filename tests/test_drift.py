"""tools/drift.py: what it collects, what it calls a difference; the probe on the pinned side."""

import copy
import json
import subprocess
import sys

import pytest

from helpers.paths import ROOT
from helpers.prompts import product_prompt
from tool_files import load_tool

PINNED = {
    "versions": {"trl": "1.16.0", "datasets": "5.2.0"},
    "configuration": {"settings": {"bf16": False, "adam_beta2": 0.95, "report_to": []}},
    "labels": {"text": [5, 6, 7], "prompt, completion": [-100, 6, 7]},
    "steps": {
        "SFTTrainer": {"step 1": {"loss": 5.5, "grad_norm": 0.1}},
        "the loop": {"step 1": {"loss": 5.5, "grad_norm": 0.1}},
    },
    "names": {"trl.SFTTrainer": {"0": "model", "args": "args=None"}, "trl.pack_dataset": {}},
}
USES = {
    "trl.SFTTrainer": {"": {"6.3", "8.1"}, "0": {"6.4"}, "args": {"6.3"}},
    "trl.SFTConfig": {"": {"6.3"}, "bf16": {"8.2"}},
    "trl.pack_dataset": {"": {"3.5"}},
}


@pytest.fixture
def drift(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    return load_tool("drift")


def changed(*path_and_value) -> dict:
    *path, last, value = path_and_value
    other = copy.deepcopy(PINNED)
    place = other
    for key in path:
        place = place[key]
    place[last] = value
    return other


def found(drift, newest: dict) -> list[tuple]:
    return [(*path, was, now) for path, was, now in drift.differences(PINNED, newest)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("configuration", "settings", "bf16", True), (False, True)),
        (("configuration", "settings", "adam_beta2", 0.999), (0.95, 0.999)),
        (("configuration", "settings", "report_to", ["all"]), ("0 values", "1 values")),
        (("steps", "SFTTrainer", "step 1", "loss", 5.501), (5.5, 5.501)),
        (("steps", "the loop", "step 1", "grad_norm", float("nan")), None),
        (("names", "trl.pack_dataset", None), ({}, None)),
        (("names", "trl.SFTTrainer", "args", None), ("args=None", None)),
        (("names", "trl.SFTTrainer", "0", "config"), ("model", "config")),
        (("labels", "ValueError: no"), (PINNED["labels"], "ValueError: no")),
    ],
)
def test_a_changed_value_is_told_with_its_place(drift, change, told):
    (line,) = found(drift, changed(*change))
    assert line[:-2] == change[:-1]
    assert told is None or line[-2:] == told


def test_of_changed_labels_the_first_place_is_told(drift):
    newest = changed("labels", "prompt, completion", [-100, -100, 8])
    assert found(drift, newest) == [("labels", "prompt, completion", "from value 1 on", 6, -100)]


def test_what_is_gone_is_told(drift):
    newest = copy.deepcopy(PINNED)
    del newest["configuration"]["settings"]["bf16"]
    assert found(drift, newest) == [("configuration", "settings", "bf16", False, drift.GONE)]


def test_equal_answers_differ_in_nothing(drift):
    assert found(drift, copy.deepcopy(PINNED)) == []


@pytest.mark.parametrize(
    "change",
    [
        ("versions", "trl", "1.17.0"),
        ("configuration", "settings", "brand_new", 1),
        ("steps", "SFTTrainer", "step 1", "loss", 5.500001),
    ],
)
def test_versions_news_and_rounding_are_no_differences(drift, change):
    assert found(drift, changed(*change)) == []


@pytest.mark.parametrize(
    ("path", "touched"),
    [
        (("names", "trl.SFTTrainer"), {"6.3", "8.1"}),
        (("names", "trl.SFTTrainer", "0"), {"6.4"}),
        (("configuration", "settings", "bf16"), {"6.3", "8.2"}),
        (("configuration", "settings", "hub_strategy"), {"6.3"}),
        (("configuration", "settings", "accelerator_config", "split_batches"), {"6.3"}),
        (("labels", "text", "from value 1 on"), {"6.4"}),
        (("steps", "SFTTrainer", "step 1", "loss"), {"6.5"}),
        (("steps", "the loop", "step 1", "loss"), {"5.7"}),
        (("steps",), {"6.5"}),
        (("configuration",), {"6.3"}),
    ],
)
def test_a_difference_is_led_back_to_its_sections(drift, path, touched):
    assert drift.sections(path, USES) == touched


def test_names_arguments_and_overridden_methods_are_collected_with_their_sections(drift):
    cells = [
        ("9, set-up", "import json\nfrom trl import SFTTrainer as Trainer, chat as c"),
        ("9.1", "Trainer(model, *more, 3, args=a, **rest)\njson.dumps(1, indent=2)"),
        ("9.2", "c.templates.get(one, two=2)\nother.SFTTrainer(x)"),
        ("9.3", "class Lean(Trainer):\n    def loss(self, model, *a, **k):\n        pass"),
    ]
    assert set(drift.uses_of(cells)) == {
        ("trl.SFTTrainer", "", "9, set-up"),
        ("trl.chat", "", "9, set-up"),
        ("trl.SFTTrainer", "", "9.1"),
        ("trl.SFTTrainer", "0", "9.1"),
        ("trl.SFTTrainer", "args", "9.1"),
        ("trl.chat", "", "9.2"),
        ("trl.chat.templates", "", "9.2"),
        ("trl.chat.templates.get", "", "9.2"),
        ("trl.chat.templates.get", "0", "9.2"),
        ("trl.chat.templates.get", "two", "9.2"),
        ("trl.SFTTrainer", "", "9.3"),
        ("trl.SFTTrainer.loss", "", "9.3"),
        ("trl.SFTTrainer.loss", "model", "9.3"),
    }


def run(drift, monkeypatch, tmp_path, newest: dict, pinned: dict = PINNED) -> int | str:
    """The exit code of a run in which both environments answer as given."""
    answers = {sys.executable: pinned, "newest python": newest}
    monkeypatch.setattr(drift, "FOLDER", tmp_path / "runs" / "drift")
    monkeypatch.setattr(drift, "NEWEST", ("trl", "datasets"))
    monkeypatch.setattr(drift, "course_uses", lambda: USES)
    monkeypatch.setattr(drift, "newest_environment", lambda: "newest python")
    monkeypatch.setattr(drift, "probe", lambda python, uses: answers[python])
    with pytest.raises(SystemExit) as end:
        drift.main()
    return end.value.code


def test_equal_releases_end_with_0_and_are_said_to_be_equal(drift, monkeypatch, tmp_path, capsys):
    assert run(drift, monkeypatch, tmp_path, PINNED) == 0
    printed = capsys.readouterr().out
    assert "The newest releases are the pinned ones." in printed
    assert "Nothing that the course relies on differs." in printed
    kept = (tmp_path / "runs" / "drift" / "newest.json").read_text(encoding="utf-8")
    assert json.loads(kept) == PINNED


def test_newer_releases_without_a_difference_end_with_0(drift, monkeypatch, tmp_path, capsys):
    assert run(drift, monkeypatch, tmp_path, changed("versions", "trl", "1.17.0")) == 0
    printed = capsys.readouterr().out
    assert "pinned 1.16.0   newest 1.17.0" in printed
    assert "are the pinned ones" not in printed


def test_a_difference_ends_with_1_and_names_the_sections(drift, monkeypatch, tmp_path, capsys):
    assert run(drift, monkeypatch, tmp_path, changed("names", "trl.SFTTrainer", None)) == 1
    printed = capsys.readouterr().out
    assert "names / trl.SFTTrainer: " in printed
    assert "[6.3, 8.1]" in printed
    assert "Differences: 1." in printed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("steps", "ImportError: x"), "steps: ImportError: x"),
        (("names", "trl.pack_dataset", None), "trl.pack_dataset: no such name"),
        (("names", "trl.SFTTrainer", "args", None), "trl.SFTTrainer: no argument args"),
    ],
)
def test_a_fault_on_the_pinned_side_is_not_taken_for_equality(
    drift, monkeypatch, tmp_path, change, sentence
):
    both = changed(*change)
    assert sentence in run(drift, monkeypatch, tmp_path, both, pinned=both)


def test_the_newest_releases_come_beside_the_pinned_torch(drift, monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(drift, "FOLDER", tmp_path)
    monkeypatch.setattr(
        drift.subprocess, "check_call", lambda command, **_: commands.append(command)
    )
    python = drift.newest_environment()
    assert python.startswith(str(tmp_path / "environment"))
    assert commands[0] == [sys.executable, "-m", "venv", str(tmp_path / "environment")]
    assert commands[-1][0] == python
    assert commands[-1][-7:] == ["--upgrade", drift.torch_pin(), *drift.NEWEST]


def test_an_installation_that_fails_is_said_in_a_sentence(drift, monkeypatch, tmp_path):
    def refuse(command, **_):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(drift, "FOLDER", tmp_path)
    monkeypatch.setattr(drift.subprocess, "check_call", refuse)
    with pytest.raises(SystemExit, match="could not be installed"):
        drift.newest_environment()


@pytest.fixture(scope="module")
def answer():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        drift = load_tool("drift")
        return drift.probe(sys.executable, drift.course_uses())


def test_the_probe_gives_the_same_answer_twice(drift, answer):
    again = drift.probe(sys.executable, drift.course_uses())
    assert again == answer
    assert not list(drift.differences(answer, again))


def test_on_the_pinned_side_every_part_and_every_name_is_there(drift, answer):
    assert drift.failures(answer) == []
    assert {"trl.SFTConfig", "trl.SFTTrainer.compute_loss", "peft.LoraConfig"} <= set(
        answer["names"]
    )


def test_the_probe_labels_what_notebook_06_says(answer):
    """The rules of its section 6.4, on a row whose tokens are bytes."""
    row = json.loads((ROOT / "data" / "train.jsonl").open(encoding="utf-8").readline())
    prompt = len(product_prompt(row).encode())
    completion = len(f" {row['description']}".encode())
    labels = dict(answer["labels"])
    assert labels.pop("rows left of two") == 1
    assert labels["prompt, completion"][:prompt] == [-100] * prompt
    counts = {name: (len(x), sum(label != -100 for label in x)) for name, x in labels.items()}
    whole = prompt + completion + 1  # with an end token
    assert counts == {
        "prompt, completion": (whole, completion + 1),
        "text": (whole, whole),
        "prompt, completion, text": (whole - 1, completion),
        "input_ids": (512, 512),
        "input_ids, completion_mask": (whole, completion + 1),
        "messages": (whole + len("user: \n"), whole + len("user: \n")),
        "messages, assistant_only_loss": (whole + len("user: \n"), completion + 1),
    }


def test_the_steps_of_the_probe_train(answer):
    for by in ("SFTTrainer", "the loop"):
        losses = [step["loss"] for step in answer["steps"][by].values()]
        assert len(losses) == 3
        assert losses[2] < min(losses[:2])
