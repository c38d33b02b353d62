"""helpers/run_files.py: what is there is whole, whatever stops a run."""

import json

import pytest
import torch

from helpers.run_files import save_whole, saved_weights, write_json


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
