"""helpers/run_files.py: what is there is whole, whatever stops a run."""

import json
from pathlib import Path

import pytest
import torch

from helpers.run_files import save_whole, saved_weights, write_json, write_text


class Part:
    """Writes one file, or fails half-way."""

    def __init__(self, name: str, fails: bool = False) -> None:
        self.name, self.fails = name, fails

    def save_pretrained(self, folder) -> None:
        folder.mkdir(exist_ok=True)
        (folder / self.name).write_text(self.name, encoding="utf-8")
        if self.fails:
            raise KeyboardInterrupt


def test_the_weights_of_a_folder_are_those_that_were_saved(tiny_model, tmp_path):
    tiny_model.save_pretrained(tmp_path)
    found, own = dict(saved_weights(tmp_path)), tiny_model.state_dict()
    assert list(found) == sorted(own)
    assert all(torch.equal(found[name], own[name]) for name in own)


def test_a_folder_replaces_the_one_that_was_there(tmp_path):
    save_whole(tmp_path / "model", Part("old"))
    save_whole(tmp_path / "model", Part("weights"), Part("tokenizer"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["model", "tokenizer", "weights"]


def test_a_folder_stays_whole_when_writing_the_new_one_stops(tmp_path):
    save_whole(tmp_path / "model", Part("old"))
    with pytest.raises(KeyboardInterrupt):
        save_whole(tmp_path / "model", Part("half", fails=True))
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["old"]
    save_whole(tmp_path / "model", Part("new"))
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["new"]


def test_json_is_written_whole_and_read_back(tmp_path):
    path, value = tmp_path / "report.json", {"colour": "crème", "share": 0.5}
    write_json(path, value)
    assert json.loads(path.read_text(encoding="utf-8")) == value
    with pytest.raises(TypeError):
        write_json(path, {"not JSON": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == value
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_of_an_old_folder_that_a_stopped_run_had_put_aside(tmp_path):
    for name in ("model", "model.old", "model.part"):
        Part("stale").save_pretrained(tmp_path / name)
    save_whole(tmp_path / "model", Part("new"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["model", "new"]


def test_where_the_new_folder_can_not_take_its_place_the_old_one_is_still_there(
    tmp_path, monkeypatch
):
    save_whole(tmp_path / "model", Part("old"))
    move = Path.replace

    def refuse(self, target):
        if self.name.endswith(".part"):
            raise PermissionError("in use")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        save_whole(tmp_path / "model", Part("new"))
    assert (tmp_path / "model.old" / "old").is_file()


def test_lines_end_as_they_stand_on_every_system(tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(Path, "write_text", lambda self, text, **how: asked.update(how))
    monkeypatch.setattr(Path, "replace", lambda self, target: None)
    write_text(tmp_path / "a.csv", "a\r\nb\n")
    assert asked["newline"] == "\n"
