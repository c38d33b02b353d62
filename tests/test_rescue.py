"""tools/rescue.py: one archive that puts a late one where the class is."""

import re
import shutil
import zipfile
from importlib import metadata

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tool_files import load_tool


@pytest.fixture
def rescue():
    return load_tool("rescue")


@pytest.fixture
def course(tmp_path, tiny_model, tiny_tokenizer):
    """A course's folder after `make course`, as far as the archive needs it."""
    root = tmp_path / "course"
    for part in (tiny_model, tiny_tokenizer):
        part.save_pretrained(root / "runs" / "06_sft_trainer" / "model")
    for folder, text in (("notebooks", "committed"), ("runs/notebooks", "run here")):
        (root / folder / "figures").mkdir(parents=True)
        (root / folder / "01_a.ipynb").write_text(text, encoding="utf-8")
        (root / folder / "figures" / "one.svg").write_text(text, encoding="utf-8")
    return root


def test_unpacked_in_the_course_all_is_in_place(rescue, course, tmp_path, tiny_model):
    rescue.main(course)
    late = tmp_path / "late"
    with zipfile.ZipFile(course / "runs" / "rescue.zip") as packed:
        assert packed.testzip() is None
        packed.extractall(late)
    assert (late / "runs" / "notebooks" / "01_a.ipynb").read_text() == "run here"
    assert (late / "runs" / "notebooks" / "figures" / "one.svg").is_file()
    folder = late / "runs" / "06_sft_trainer" / "model"
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    assert model.dtype == torch.bfloat16
    for name, weight in tiny_model.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight.to(torch.bfloat16)), name
    assert AutoTokenizer.from_pretrained(folder).eos_token == "<|end|>"
    left = sorted(path.name for path in (course / "runs").iterdir())
    assert left == ["06_sft_trainer", "notebooks", "rescue.zip"]


def test_without_a_run_of_the_course_the_committed_notebooks_are_packed(rescue, course):
    shutil.rmtree(course / "runs" / "notebooks")
    rescue.main(course)
    with zipfile.ZipFile(course / "runs" / "rescue.zip") as packed:
        assert packed.read("runs/notebooks/01_a.ipynb") == b"committed"


def test_without_a_tuned_model_it_says_so_in_a_sentence_and_writes_nothing(rescue, course):
    shutil.rmtree(course / "runs" / "06_sft_trainer")
    with pytest.raises(SystemExit, match="There is no tuned model in .*make course"):
        rescue.main(course)
    assert not list(course.rglob("*.zip*"))


def test_an_archive_stays_whole_when_packing_the_next_one_stops(rescue, course, monkeypatch):
    rescue.main(course)
    before = (course / "runs" / "rescue.zip").read_bytes()
    monkeypatch.setattr(rescue, "wheels", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rescue.main(course)
    assert (course / "runs" / "rescue.zip").read_bytes() == before


def test_the_list_of_wheels_is_what_is_installed_in_pips_words(rescue):
    first, *lines = rescue.wheels().splitlines()
    assert first.startswith("# Python 3.")
    assert f"torch=={metadata.version('torch').partition('+')[0]}" in lines
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines)
    assert not [line for line in lines if line.startswith("sft-course")]
