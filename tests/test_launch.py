"""tools/launch/: each file is one that accelerate reads, and says whether it was ever run."""

import pytest
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser

from helpers.paths import ROOT

FILES = sorted((ROOT / "tools" / "launch").glob("*.yaml"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@each_file
def test_accelerate_knows_every_setting(path):
    config = load_config_from_file(str(path))
    assert config.num_machines == 1
    assert config.mixed_precision == "no"  # tools/sft.py chooses


@each_file
def test_files_for_gpus_say_that_they_were_not_run(path):
    config = load_config_from_file(str(path))
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# NOT RUN HERE") != bool(config.use_cpu)


@each_file
def test_a_file_for_several_processes_starts_them_through_torchrun(path):
    given = ["--config_file", str(path), "tools/sft.py"]
    asked, config, _ = _validate_launch_command(launch_command_parser().parse_args(given))
    assert asked.num_processes == config.num_processes
    assert (asked.multi_gpu or asked.use_fsdp) == (config.num_processes > 1)
    assert asked.use_fsdp == ("fsdp" in path.stem)


def test_there_is_a_file_for_each_way():
    assert {path.stem for path in FILES} == {
        "two_cpu_processes",
        "two_cpu_processes_fsdp",
        "one_gpu",
        "gpus_ddp",
        "gpus_fsdp",
    }
