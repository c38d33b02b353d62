"""Notebooks run as a learner's would: on another model, on a file of one's own, and solved."""

import gguf
import papermill
import pytest
import yaml
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from browsers import executable
from conftest import byte_level
from helpers import products
from helpers.paths import ROOT
from notebook_files import (
    NOTEBOOKS,
    assert_open_and_then_right,
    read,
    small_parameters,
    write_with_solutions,
)

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory):
    """A Llama of two layers with a chat template, and the key-values of a GGUF file beside it."""
    end, folder = "<|im_end|>", tmp_path_factory.mktemp("llama")
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=byte_level(end), eos_token=end, pad_token=end
    )
    wrapped.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}assistant:"
    config = LlamaConfig(
        vocab_size=len(wrapped), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=wrapped.eos_token_id,
        pad_token_id=wrapped.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    wrapped.save_pretrained(folder)
    writer = gguf.GGUFWriter(folder / "keys.gguf", "llama")
    writer.add_block_count(2)
    writer.add_context_length(1024)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(wrapped))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder


@every_notebook
def test_the_small_parameters_are_parameters_of_the_notebook(path):
    known = set(papermill.inspect_notebook(path))
    small = yaml.safe_load(small_parameters(path).read_text(encoding="utf-8"))
    assert set(small) <= known
    assert small["RUN_DIR"].startswith("runs/small/")


def test_the_preset_for_small_laptops_has_parameters_of_06():
    (path,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
    preset = yaml.safe_load((ROOT / "tools" / "small_laptop.yaml").read_text(encoding="utf-8"))
    assert set(preset) <= set(papermill.inspect_notebook(path))


@every_notebook
@pytest.mark.skipif(bool(executable()), reason="test_jupyterlab.py runs the same in JupyterLab")
def test_each_check_is_open_until_its_solution_is_run(path, gpt2_folder, tmp_path):
    source, output = tmp_path / "source.ipynb", tmp_path / "executed.ipynb"
    write_with_solutions(path, gpt2_folder, tmp_path, source)
    papermill.execute_notebook(
        source, output, cwd=path.parent, progress_bar=False, kernel_name="python3"
    )
    assert_open_and_then_right(path, read(output), tmp_path)


def test_06_takes_a_csv_of_ones_own(gpt2_folder, tmp_path):
    rows = products.load_split("train").head(12)[products.COLUMNS]
    rows = rows.rename(columns={"name": "title"})
    rows.to_csv(tmp_path / "my.csv", index=False)
    (path,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
    small = yaml.safe_load(small_parameters(path).read_text(encoding="utf-8"))
    small |= {"BASE_MODEL": str(gpt2_folder), "RUN_DIR": str(tmp_path / "run")}
    small |= {"PARITY_LAYERS": 0, "DATA": str(tmp_path / "my.csv"), "COLUMNS": {"title": "name"}}
    papermill.execute_notebook(path, tmp_path / "out.ipynb", small, progress_bar=False)
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "no column 'features'"),
        ({"TRAIN_ROWS": -1}, "TRAIN_ROWS is -1"),
        ({"SWEEP_RATES": "[1e-4]"}, "SWEEP_RATES is .*a list"),
        ({"data": "my.csv"}, "Did you mean DATA"),
    ],
)
def test_06_refuses_what_it_can_not_use_before_it_writes_anything(
    changes, said, gpt2_folder, tmp_path
):
    (tmp_path / "my.csv").write_text("category,name\nKitchen,Kettle\n", encoding="utf-8")
    (path,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
    parameters = {"BASE_MODEL": str(gpt2_folder), "RUN_DIR": str(tmp_path / "run")}
    parameters |= {"DATA": str(tmp_path / "my.csv")} | changes
    with pytest.raises(papermill.PapermillExecutionError, match=said):
        papermill.execute_notebook(path, tmp_path / "out.ipynb", parameters, progress_bar=False)
    assert not (tmp_path / "run").exists()


def own_data(tmp_path, folder, **changes):
    """Notebook 13 and small parameters for it, on a CSV with two columns under other names."""
    rows = products.load_split("train").head(15)[products.COLUMNS]
    rows = rows.rename(columns={"name": "title", "color": "colour"})
    rows.to_csv(tmp_path / "my.csv", index=False)
    (path,) = (path for path in NOTEBOOKS if path.name.startswith("13"))
    small = yaml.safe_load(small_parameters(path).read_text(encoding="utf-8"))
    small |= {"BASE_MODEL": str(folder), "RUN_DIR": str(tmp_path / "run")}
    small |= {"DATA": str(tmp_path / "my.csv"), "COLUMNS": {"title": "name", "colour": "color"}}
    return path, small | changes


def test_13_tunes_a_llama_on_a_csv_of_ones_own_and_hands_it_on(llama_folder, tmp_path):
    path, small = own_data(tmp_path, llama_folder)
    done = papermill.execute_notebook(path, tmp_path / "out.ipynb", small, progress_bar=False)
    run = tmp_path / "run"
    page = (run / "report.html").read_text(encoding="utf-8")
    card = (run / "MODEL_CARD.md").read_text(encoding="utf-8")
    for text in (page, card):
        assert "my.csv holds 15 rows" in text and "train.jsonl" not in text
    assert page.count("data:image/png;base64,") == 2 and "http" not in page
    assert "GGUF, Q8_0" in page and "Exact field F1" in page  # what the deep sections found
    assert (run / "model_bfloat16" / "model.safetensors").is_file()
    last = "".join(output["text"] for output in done.cells[-1].outputs)
    assert str(run / "report.html") in last and last.count("\n") == 7
    weights = AutoModelForCausalLM.from_pretrained(run / "model").state_dict()
    again = AutoModelForCausalLM.from_pretrained(run / "gguf", gguf_file="model-F32.gguf")
    for name, weight in again.state_dict().items():
        assert weight.equal(weights[name]), name


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"COLUMNS": {}}, "no column"),
        ({"TRAIN_ROWS": -1}, "TRAIN_ROWS is -1"),
        ({"data": "my.csv"}, "Did you mean DATA"),
        ({"MAX_LENGTH": 2000}, "MAX_LENGTH asks for .* reads 1024"),
    ],
)
def test_13_refuses_what_it_can_not_use_before_it_writes_anything(
    changes, said, gpt2_folder, tmp_path
):
    path, small = own_data(tmp_path, gpt2_folder, **changes)
    with pytest.raises(papermill.PapermillExecutionError, match=said):
        papermill.execute_notebook(path, tmp_path / "out.ipynb", small, progress_bar=False)
    assert not (tmp_path / "run").exists()
