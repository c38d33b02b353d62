"""Notebooks run as a learner's would: with all solutions put in, and on another model."""

import nbformat
import papermill
import pytest
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from helpers import products
from helpers.paths import ROOT
from notebook_files import NOTEBOOKS, read, small_parameters, solved, tagged

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory):
    """A checkpoint in the shape of the classic tutorial's: no pad token, no chat template."""
    text = products.load_split("train")["description"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end = "<|endoftext|>"
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=[end], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(text, trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end)
    config = GPT2Config(
        vocab_size=len(wrapped), n_positions=1024, n_embd=32, n_layer=2, n_head=2,
        bos_token_id=wrapped.eos_token_id, eos_token_id=wrapped.eos_token_id,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("gpt2")
    GPT2LMHeadModel(config).save_pretrained(folder)
    wrapped.save_pretrained(folder)
    assert wrapped.pad_token is None and wrapped.chat_template is None
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
def test_with_all_solutions_put_in_it_runs_through_and_every_check_says_right(
    path, gpt2_folder, tmp_path
):
    source, output = tmp_path / "solved.ipynb", tmp_path / "executed.ipynb"
    nbformat.write(solved(read(path)), source)
    small = yaml.safe_load(small_parameters(path).read_text(encoding="utf-8"))
    small |= {"BASE_MODEL": str(gpt2_folder), "RUN_DIR": str(tmp_path / "run")}
    small |= {"HUB_MODELS": [str(gpt2_folder)], "PARITY_LAYERS": 1}  # of that model's two layers
    known = papermill.inspect_notebook(path)
    parameters = {name: value for name, value in small.items() if name in known}
    papermill.execute_notebook(
        source, output, parameters, cwd=path.parent, progress_bar=False, kernel_name="python3"
    )
    outcomes = [cell.outputs[0]["data"]["text/plain"] for cell in tagged(read(output), "check")]
    assert outcomes and set(outcomes) == {"✓ right"}


def test_06_takes_a_csv_of_ones_own(gpt2_folder, tmp_path):
    rows = products.load_split("train").head(12)[products.COLUMNS]
    rows.to_csv(tmp_path / "my.csv", index=False)
    (path,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
    small = yaml.safe_load(small_parameters(path).read_text(encoding="utf-8"))
    small |= {"BASE_MODEL": str(gpt2_folder), "RUN_DIR": str(tmp_path / "run")}
    small |= {"PARITY_LAYERS": 0, "DATA": str(tmp_path / "my.csv")}
    papermill.execute_notebook(path, tmp_path / "out.ipynb", small, progress_bar=False)
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


def test_06_refuses_a_bad_csv_before_it_writes_anything(gpt2_folder, tmp_path):
    (tmp_path / "my.csv").write_text("category,name\nKitchen,Kettle\n", encoding="utf-8")
    (path,) = (path for path in NOTEBOOKS if path.name.startswith("06"))
    parameters = {"BASE_MODEL": str(gpt2_folder), "RUN_DIR": str(tmp_path / "run")}
    parameters |= {"DATA": str(tmp_path / "my.csv")}
    with pytest.raises(papermill.PapermillExecutionError, match="no column 'features'"):
        papermill.execute_notebook(path, tmp_path / "out.ipynb", parameters, progress_bar=False)
    assert not (tmp_path / "run").exists()
