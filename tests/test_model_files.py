"""helpers/model_files.py: each kind of folder that people really have, used or refused by name."""

import json
import sys
from pathlib import Path

import pytest

from helpers.model_files import ModelError, check_folder, pickled_on_hub
from model_folders import POINTER, safetensors_bytes, write_json, write_model

SHARDS = (
    "model-00001-of-00003.safetensors",
    "model-00002-of-00003.safetensors",
    "last.safetensors",
)


@pytest.fixture
def folder(tmp_path):
    return write_model(tmp_path / "mine")


def refusal(folder: Path) -> str:
    """The sentence; it must be short, name the folder, and leave the folder as it was."""
    before = {file: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(ModelError) as refused:
        check_folder(folder)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
    text = str(refused.value)
    assert str(folder) in text
    assert len(text) < 500 + 3 * len(str(folder))
    return text


@pytest.mark.parametrize("weights", [("model.safetensors",), SHARDS])
def test_a_whole_model_is_used_in_one_file_or_several(tmp_path, weights):
    folder = write_model(tmp_path, weights)
    assert check_folder(folder) == folder


@pytest.mark.parametrize(
    "name", ["tokenizer.model", "tokenizer.model.v3", "vocab.json", "vocab.txt", "spiece.model"]
)
def test_a_tokenizer_in_an_older_format_is_one_too(folder, name):
    (folder / "tokenizer.json").rename(folder / name)
    assert check_folder(folder) == folder


def test_a_tokenizer_that_spells_in_bytes_needs_no_vocabulary(folder):
    (folder / "tokenizer.json").unlink()
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "ByT5Tokenizer"})
    assert check_folder(folder) == folder


def test_without_a_tokenizer_it_is_refused_although_its_settings_are_there(folder):
    (folder / "tokenizer.json").unlink()
    assert "holds no tokenizer" in refusal(folder)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer"})
    (folder / "merges.txt").write_text("t h")
    text = refusal(folder)
    assert "holds no tokenizer (tokenizer.json)" in text
    assert "save_pretrained(folder)" in text


@pytest.mark.parametrize("lost", ["model", "added_tokens"])
def test_a_tokenizer_file_that_lacks_a_part_is_named_with_the_part(folder, lost):
    whole = {"model": {}, "added_tokens": []}
    write_json(folder / "tokenizer.json", {name: whole[name] for name in whole if name != lost})
    text = refusal(folder)
    assert f"{folder / 'tokenizer.json'} is not whole: it has no {lost}." in text
    assert "anew" in text


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_git_lfs_pointer_is_called_that_whatever_file_it_stands_for(folder, name):
    (folder / name).write_text(POINTER)
    text = refusal(folder)
    assert f"{folder / name} is a Git LFS pointer of {len(POINTER)} bytes" in text
    assert "git lfs pull" in text


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_an_empty_file_is_named(folder, name):
    (folder / name).write_bytes(b"")
    text = refusal(folder)
    assert f"{folder / name} is empty (0 bytes)" in text
    assert "Download or copy it anew" in text


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize(
    "content",
    [b'{"model":', b"\xff\xfe", b"[]", b"[" * 100_000],
    ids=["cut", "bytes", "list", "deep"],
)
def test_settings_that_are_no_json_object_are_named(folder, name, content):
    (folder / name).write_bytes(content)
    text = refusal(folder)
    assert str(folder / name) in text
    assert "can't be read" in text or "holds no JSON object" in text


@pytest.mark.parametrize("kept", [1, 30, 100, -1, -23])
def test_weights_that_are_cut_off_are_named_with_their_size(folder, kept):
    file = folder / "model.safetensors"
    file.write_bytes(safetensors_bytes()[:kept])
    text = refusal(folder)
    assert str(file) in text
    assert "anew" in text
    if kept != 1:
        assert f"is cut off: it has {file.stat().st_size} bytes" in text


def test_the_last_byte_decides_whether_weights_are_whole(folder):
    whole = safetensors_bytes()
    (folder / "model.safetensors").write_bytes(whole)
    assert check_folder(folder) == folder
    (folder / "model.safetensors").write_bytes(whole[:-1])
    assert f"promises at least {len(whole)}" in refusal(folder)


@pytest.mark.parametrize(
    "content",
    [b"<!doctype html><title>Sign in</title>", b"\x02\0\0\0\0\0\0\0{}", b"\x03\0\0\0\0\0\0\0{}}"],
    ids=["a page", "no tensors", "no JSON"],
)
def test_what_is_no_file_of_safetensors_is_named(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    text = refusal(folder)
    assert str(folder / "model.safetensors") in text
    assert "not a file of safetensors" in text or "lists no tensors" in text


@pytest.mark.parametrize("lost", [SHARDS[1:2], SHARDS[:2]])
def test_shards_that_are_missing_are_counted_and_named(tmp_path, lost):
    folder = write_model(tmp_path, SHARDS)
    for name in lost:
        (folder / name).unlink()
    text = refusal(folder)
    assert f"names 3 files of weights, and {len(lost)} of them are not there" in text
    assert all(name in text for name in lost)


def test_a_shard_that_points_to_a_deleted_file_is_missing_too(tmp_path):
    """As in a hub's cache, where the snapshot holds links to the blobs."""
    folder = write_model(tmp_path, SHARDS)
    (folder / SHARDS[0]).unlink()
    (folder / SHARDS[0]).symlink_to(tmp_path / "blob")
    with pytest.raises(ModelError, match=f"1 of them are not there: {SHARDS[0]}"):
        check_folder(folder)


def test_each_shard_is_looked_into(tmp_path):
    folder = write_model(tmp_path, SHARDS)
    (folder / SHARDS[2]).write_text(POINTER)
    assert f"{folder / SHARDS[2]} is a Git LFS pointer" in refusal(folder)


def test_shards_without_their_index_are_not_taken_for_a_model(folder):
    (folder / "model.safetensors").rename(folder / SHARDS[0])
    text = refusal(folder)
    assert SHARDS[0] in text
    assert "model.safetensors.index.json" in text


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": ["a"]}])
def test_an_index_that_names_nothing_is_refused(tmp_path, index):
    folder = write_model(tmp_path, SHARDS)
    write_json(folder / "model.safetensors.index.json", index)
    assert "names no files of weights" in refusal(folder)


def test_an_adapter_is_told_to_be_merged_and_names_its_base(tmp_path):
    write_json(tmp_path / "adapter_config.json", {"base_model_name_or_path": "owner/base"})
    (tmp_path / "adapter_model.safetensors").write_bytes(safetensors_bytes())
    text = refusal(tmp_path)
    assert "holds a LoRA adapter of owner/base (adapter_config.json)" in text
    assert "Merge it first: peft's AutoPeftModelForCausalLM" in text
    assert "merge_and_unload()" in text


def test_an_adapter_beside_whole_weights_would_be_put_on_top_so_it_is_refused(folder):
    write_json(folder / "adapter_config.json", {"base_model_name_or_path": "owner/base"})
    assert "or delete the adapter_* files, if its weights are merged already" in refusal(folder)


@pytest.mark.parametrize("method", ["gptq", "bitsandbytes"])
def test_quantized_weights_are_refused_by_their_method(folder, method):
    config = {"model_type": "llama", "quantization_config": {"quant_method": method}}
    write_json(folder / "config.json", config)
    text = refusal(folder)
    assert f"the weights are quantized (quantization_config: {method})" in text
    assert str(folder / "config.json") in text


def test_pickled_weights_are_named_with_the_way_to_convert_them(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    (folder / "training_args.bin").touch()
    text = refusal(folder)
    assert "has its weights only as pytorch_model.bin." in text
    assert "can run code" in text
    assert f"from_pretrained({str(folder)!r}, use_safetensors=False).save_pretrained(new)" in text


def test_of_many_pickled_files_three_are_named(folder):
    (folder / "model.safetensors").unlink()
    for number in range(1, 6):
        (folder / f"pytorch_model-0000{number}-of-00005.bin").touch()
    assert "pytorch_model-00003-of-00005.bin and 2 more" in refusal(folder)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors"], ids=["no config", "no weights"]
)
def test_a_folder_that_is_no_model_is_told_how_one_is_saved(folder, name):
    (folder / name).unlink()
    text = refusal(folder)
    assert "model.save_pretrained(folder)" in text
    assert "tokenizer.save_pretrained(folder)" in text


def hub_answers(monkeypatch, files: list[str] | None) -> None:
    def list_repo_files(name):
        if files is None:
            raise OSError("no network")
        return files

    monkeypatch.setattr(sys.modules["huggingface_hub"], "list_repo_files", list_repo_files)


@pytest.mark.parametrize(
    ("files", "fetched", "named"),
    [
        (["config.json", "pytorch_model.bin"], ["config.json"], True),
        (["pytorch_model.bin", "model.safetensors"], ["model.safetensors"], False),
        (["config.json", "training_args.bin"], ["config.json"], False),
        (None, ["config.json"], False),
    ],
    ids=["pickled", "both kinds", "no weights", "no answer"],
)
def test_a_hub_model_with_pickled_weights_alone_is_recognised(
    tmp_path, monkeypatch, files, fetched, named
):
    pytest.importorskip("huggingface_hub")
    hub_answers(monkeypatch, files)
    for name in fetched:
        (tmp_path / name).touch()
    found = pickled_on_hub("owner/old", tmp_path)
    if not named:
        assert found is None
        return
    assert "owner/old has its weights only as pytorch_model.bin." in str(found)
    assert "from_pretrained('owner/old', use_safetensors=False)" in str(found)


def test_a_file_that_may_not_be_read_is_named(folder, monkeypatch):
    def no_permission(file, *mode, **options):
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "open", no_permission)
    with pytest.raises(ModelError, match="model.safetensors can't be read: Permission denied"):
        check_folder(folder)


def test_only_the_files_that_would_be_read_are_judged(folder):
    """A half download beside the real weights, or a broken index of another format, is no harm."""
    (folder / "consolidated.safetensors").write_bytes(b"")
    (folder / "pytorch_model.bin").write_bytes(b"")
    (folder / "pytorch_model.bin.index.json").write_text("{")
    assert check_folder(folder) == folder
    assert json.loads((folder / "config.json").read_text()) == {"model_type": "llama"}
