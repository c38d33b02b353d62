"""What sets the course up: the lists of versions, tools/install.py, the Makefile, portability."""

import ast
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from helpers import training
from helpers.paths import ROOT
from notebook_files import NOTEBOOKS
from notebook_files import read as read_notebook
from tool_files import load_tool

COURSE = "sft-course"
USED_OTHERWISE = {
    "accelerate": "transformers' Trainer asks for it",
    "fastapi": "transformers serve is built on it",
    "gguf": "transformers reads GGUF files through it",
    "ipykernel": "the notebooks' kernel, named in their metadata",
    "ipywidgets": "tqdm's progress bars in JupyterLab look for it",
    "jupyterlab": "its command is called jupyter",
    "jupytext": "for people who edit notebooks as plain text",
    "myst-nb": "tools/site/conf.py names it to sphinx",
    "myst-parser": "an extension that tools/slides.py names to Sphinx",
    "nbval": "a plugin of pytest, switched on by --nbval-lax",
    "pytest-xdist": "a plugin of pytest, switched on by -n",
    "ruff": "called by hand and by editors; its settings are in pyproject.toml",
    "sphinx-book-theme": "tools/site/conf.py names it to sphinx",
    "sphinx-copybutton": "tools/site/conf.py names it to sphinx",
    "sphinx-mathjax-offline": "tools/site/conf.py names it to sphinx",
    "sphinx-revealjs": "an extension that tools/slides.py names to Sphinx",
    "uvicorn": "transformers serve runs in it",
}
URL = re.compile(r"(?:https?|file)://([^\s\"'<>`)\]/]*)([^\s\"'<>`)\]]*)")
REGISTRY_HOST = re.compile(
    r"pypi|pythonhosted|download.*pytorch|anaconda|npmjs|registry|mirror|artifactory|nexus|devpi"
    r"|jfrog",
    re.IGNORECASE,
)
REGISTRY_PATH = re.compile(r"/(?:simple|whl|wheels)\b")
# Where a path begins: not as in https://site/work/, but as after the \n of a notebook's text.
MACHINE_PATH = re.compile(r"(?:(?<![\w.~*-])|(?<=\\n))/(?:root/|work/|home/[A-Za-z])")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def requirements() -> list[tuple[str, str]]:
    """(requirement, what it is for) of every line but comments."""
    lines = [line.partition("#") for line in read("requirements.txt").splitlines()]
    return [(left.strip(), right.strip()) for left, _, right in lines if left.strip()]


def pins() -> dict[str, str]:
    """The pinned version of each package, by canonical name."""
    pairs = [text.split("==") for text, _ in requirements() if "==" in text]
    return {canonical(package): version for package, version in pairs}


def oldest_python() -> tuple[int, ...]:
    supported = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    return tuple(int(part) for part in re.fullmatch(r">=([\d.]+)", supported)[1].split("."))


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def sources() -> dict[str, str]:
    """The Python code of the course, by file."""
    code = {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
        for folder in ("helpers", "tools", "tests")
        for file in (ROOT / folder).rglob("*.py")
    }
    for file in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        code_cells = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        python = "\n".join(cell for cell in code_cells if not cell.startswith("%%"))
        code[file.name] = re.sub(r"^(\s*)[%!].*", r"\1pass", python, flags=re.MULTILINE)
    return code


def imported_modules(code: str) -> set[str]:
    """Top-level names of the modules that the code imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def imported_packages() -> dict[str, set[str]]:
    """For each package of others that the course imports (canonical name): the files."""
    belongs_to = metadata.packages_distributions()
    own = {path.stem for folder in ("tools", "tests") for path in (ROOT / folder).iterdir()}
    files = {}
    for file, code in sources().items():
        for module in imported_modules(code) - set(sys.stdlib_module_names) - own:
            for package in belongs_to.get(module, [module]):
                files.setdefault(canonical(package), set()).add(file)
    files.pop(COURSE, None)
    return files


def test_environment_yml_is_a_python_pip_and_the_one_list():
    text = re.sub(r"#.*", "", read("environment.yml"))
    entries = re.findall(r"- (.+)", text.split("dependencies:")[1])
    python, *others = [entry.strip() for entry in entries]
    assert others == ["pip", "pip:", "-r requirements.txt"]
    package, version = python.split("=")
    assert package == "python"
    assert tuple(map(int, version.split("."))) >= oldest_python()


def test_requirements_are_pinned_and_say_what_they_are_for():
    lines = requirements()
    assert lines[0][0] == "-e ."
    for requirement, _ in lines[1:]:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==\d[\w.]*", requirement), requirement
    assert not [requirement for requirement, purpose in lines if len(purpose) < 5]
    assert len(pins()) == len(lines) - 1  # none twice


def test_the_installed_versions_are_the_pinned_ones():
    installed = {package: metadata.version(package) for package in pins()}
    # torch's builds for CPUs call themselves 2.13.0+cpu.
    assert {name: version.split("+")[0] for name, version in installed.items()} == pins()


def test_install_asks_for_the_same_python_as_the_package():
    assert load_install(ROOT).OLDEST == oldest_python() == (3, 11)


def test_old_pythons_can_parse_install():
    ast.parse(read("tools/install.py"), feature_version=(3, 6))


@pytest.fixture
def course(tmp_path):
    """A copy of what tools/install.py reads, in an empty folder."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/install.py", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run_install(course: Path, version: tuple[int, int, int]) -> subprocess.CompletedProcess:
    """As a Python of another version would, with every child process refused."""
    code = f"""
import os, platform, runpy, subprocess, sys
def refuse(command, *arguments, **options):
    print("STARTED", command, flush=True)
    os._exit(9)
subprocess.Popen = subprocess.run = subprocess.call = refuse
subprocess.check_call = subprocess.check_output = os.system = refuse
sys.version_info = {(*version, "final", 0)}
platform.python_version = lambda: "{".".join(map(str, version))}"
runpy.run_path("tools/install.py", run_name="__main__")
"""
    return subprocess.run([sys.executable, "-c", code], cwd=course, capture_output=True, text=True)


@pytest.mark.parametrize("version", [(3, 6, 9), (3, 9, 18), (3, 10, 14)])
def test_an_old_python_is_turned_away_with_one_sentence(course, version):
    before = sorted(course.rglob("*"))
    done = run_install(course, version)
    assert (done.returncode, done.stdout) == (1, "")
    sentence = done.stderr.removesuffix("\n")
    assert sentence.startswith("This course needs Python 3.11 or newer")
    assert "this is Python " + ".".join(map(str, version)) in sentence
    assert "make course PYTHON=" in sentence
    assert "\n" not in sentence
    assert not re.search(r"[.!?] [A-Z]", sentence)
    assert sorted(course.rglob("*")) == before


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 14, 0)])
def test_a_python_that_is_new_enough_begins_with_the_environment(course, version):
    done = run_install(course, version)
    assert done.returncode == 9
    assert "'-m', 'venv'" in done.stdout


def load_install(root: Path) -> ModuleType:
    return load_tool("install", root)


class Commands:
    """Stands for the subprocess module: keeps the commands, and breaks off at the n-th."""

    def __init__(self, break_at: int | None = None) -> None:
        self.calls = []
        self.break_at = break_at

    def check_call(self, command, **options):
        self.calls.append(command)
        if command[1:3] == ["-m", "venv"]:
            folder = Path(command[-1])
            folder.mkdir(exist_ok=True)
            written = f"version = {platform.python_version()}\ncommand = {' '.join(command)}\n"
            (folder / "pyvenv.cfg").write_text(written)
        if len(self.calls) == self.break_at:
            raise KeyboardInterrupt


def install(course: Path, break_at: int | None = None) -> list[list[str]]:
    """Run the installer with stand-in commands; the commands."""
    module = load_install(course)
    module.subprocess = Commands(break_at)
    try:
        module.main()
    except KeyboardInterrupt:
        assert break_at
    return module.subprocess.calls


def test_installing_makes_the_environment_and_then_installs_the_one_list(course, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    python = str(course / ".venv" / "bin" / "python")
    environment, torch, everything = install(course)
    assert environment == [sys.executable, "-m", "venv", str(course / ".venv")]
    assert torch[:4] == everything[:4] == [python, "-m", "pip", "install"]
    assert torch[-1] == f"torch=={pins()['torch']}"
    assert torch[torch.index("--extra-index-url") + 1] == "https://download.pytorch.org/whl/cpu"
    assert everything[-2:] == ["-r", str(course / "requirements.txt")]


@pytest.mark.parametrize(
    ("system", "python"), [("Darwin", "bin/python"), ("Windows", "Scripts/python.exe")]
)
def test_other_systems_take_torch_from_the_usual_index(course, monkeypatch, system, python):
    monkeypatch.setattr(platform, "system", lambda: system)
    environment, everything = install(course)
    assert everything[0] == str(course / ".venv" / python)
    assert "--extra-index-url" not in everything


def test_a_second_install_does_nothing(course):
    assert install(course) != []
    assert install(course) == []


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_a_change_of_the_lists_installs_again(course, name):
    install(course)
    with (course / name).open("a") as stream:
        stream.write("# changed\n")
    again = install(course)
    assert again != []
    assert "--clear" not in again[0]
    assert install(course) == []


def test_a_folder_that_moved_gets_a_new_environment(course):
    """The commands in .venv name the folder and the Python that it was made with."""
    install(course)
    moved = course / "elsewhere"
    moved.mkdir()
    for name in ("tools", "requirements.txt", "pyproject.toml", ".venv"):
        (course / name).rename(moved / name)
    assert "--clear" in install(moved)[0]
    assert install(moved) == []


def test_another_python_gets_a_new_environment(course, monkeypatch):
    install(course)
    monkeypatch.setattr(sys, "version", "3.99.0 (another one)")
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.0")
    assert "--clear" in install(course)[0]
    assert install(course) == []


@pytest.mark.parametrize("last", range(3))
def test_an_interrupted_install_leaves_no_stamp_and_is_done_again(course, last):
    steps = len(install(course))
    shutil.rmtree(course / ".venv")
    break_at = max(1, steps - last)
    install(course, break_at)
    assert not [path for path in (course / ".venv").iterdir() if "sha256" in path.name]
    assert len(install(course)) == steps
    assert install(course) == []


def test_going_back_after_an_interrupted_update_installs_again(course):
    install(course)
    pinned = (course / "requirements.txt").read_bytes()
    (course / "requirements.txt").write_bytes(pinned + b"# newer pins\n")
    install(course, break_at=2)
    (course / "requirements.txt").write_bytes(pinned)
    assert install(course) != []


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize(
    "page", ["README.md", "docs/details.md", "notebooks/TEACHING.md", "CONTRIBUTING.md"]
)
def test_every_make_target_that_a_page_names_exists(page):
    readme = read(page)
    blocks = re.findall(r"^```.*?^```", readme, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", readme, flags=re.M | re.S))
    commands = "\n".join(blocks + spans)
    named = set(re.findall(r"^\s*(?:\$ )?make ([a-z][\w-]*)", commands, re.MULTILINE))
    assert "course" in named
    assert named <= makefile_targets()


PAGES = ("README.md", "docs/details.md", "notebooks/TEACHING.md", "data/README.md")
PAGES += ("data/generations/README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def without_code(page: str) -> str:
    return re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """As GitHub makes them: lower case, punctuation dropped, a hyphen for each space."""
    headings = re.findall(r"^#+ (.+)", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(read(page))):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target


def test_the_readme_opens_with_two_pictures_and_is_a_screen_long_before_its_first_table():
    opening = read("README.md").partition("\n|")[0]
    pictures = re.findall(r"^!\[([^]]+)\]\((notebooks/figures/\w+\.svg)\)", opening, re.MULTILINE)
    assert len(pictures) == 2
    assert all(len(alt) > 100 for alt, _ in pictures)
    assert len(re.sub(r"^!\[.*", "", opening, flags=re.MULTILINE).split()) <= 200
    heights = [float(ET.parse(ROOT / file).getroot().get("height")) for _, file in pictures]
    assert sum(heights) <= 550


@pytest.mark.parametrize(
    "picture", sorted(ROOT.glob("notebooks/figures/*.svg")), ids=lambda file: file.stem
)
def test_a_picture_has_a_title_a_ground_of_its_own_and_needs_no_other_file(picture):
    text = picture.read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert root.findtext("{http://www.w3.org/2000/svg}title")
    first = root.find("{http://www.w3.org/2000/svg}rect")  # else dark text on a dark page
    assert first.get("fill") == "#ffffff"
    assert not re.search(r"<script|<foreignObject|href=|@import|url\((?!#)", text)


def test_the_plans_for_a_class_name_the_deep_sections():
    headings = [
        cell.source.split()[1]
        for path in NOTEBOOKS
        for cell in read_notebook(path).cells
        if cell.source.startswith("## ") and "deep" in cell.metadata.get("tags", [])
    ]
    listed = re.search(r"^.*Deep are (.+?)\. The core", read("notebooks/TEACHING.md"), re.M)[1]
    named = re.findall(r"\d+\.\d+", listed.partition(", and the second half")[0])
    assert named == headings


@pytest.fixture
def check_machine():
    return load_tool("check_machine")


def test_the_check_foretells_the_minutes_of_the_machine_that_they_come_from(check_machine):
    float32, bfloat16 = check_machine.REFERENCE_FLOAT32, check_machine.REFERENCE_BFLOAT16
    minutes = check_machine.REFERENCE_MINUTES
    assert check_machine.minutes_of_06(float32, bfloat16) == pytest.approx(minutes)
    assert check_machine.minutes_of_06(3 * float32, 3 * bfloat16) == pytest.approx(3 * minutes)
    slower = check_machine.minutes_of_06(float32, float32)
    assert minutes < slower < minutes * float32 / bfloat16  # only the training is slower


@pytest.mark.parametrize(
    ("gain", "measured"), [(0.02, {"float32"}), (1.8, {"float32", "bfloat16"})]
)
def test_the_check_tries_no_step_in_emulated_bfloat16(check_machine, monkeypatch, gain, measured):
    monkeypatch.setattr(check_machine, "step_seconds", lambda *_, bf16: 1.0 if bf16 else 2.0)
    monkeypatch.setattr(check_machine.precision, "bfloat16_gain", lambda: gain)
    seconds = check_machine.steps_by_precision(None, None)
    assert set(seconds) == measured
    assert seconds["float32"] == 2.0


def test_the_check_times_steps_and_leaves_the_weights_alone(
    check_machine, model, tiny_tokenizer, monkeypatch
):
    clock = iter([0.0, 9.0, 11.0, 14.0])  # the first step takes 9 s, the next ones 2 and 3
    monkeypatch.setattr(check_machine.time, "perf_counter", lambda: next(clock))
    rows = [training.encode(tiny_tokenizer, "A kettle:", " it boils.")] * 8
    monkeypatch.setattr(check_machine.recipe, "examples_of", lambda *_: rows)
    before = [weight.clone() for weight in model.parameters()]
    assert check_machine.step_seconds(model, tiny_tokenizer, bf16=False) == 2.0
    after = list(model.parameters())
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_every_make_target_is_phony():
    phony = re.search(r"^\.PHONY: (.*)", read("Makefile"), re.MULTILINE)[1].split()
    assert set(phony) == makefile_targets()


def test_the_weekly_workflow_calls_what_exists_on_each_python_that_is_promised():
    text = read(".github/workflows/weekly.yml")
    assert text.startswith("# Not run here")
    assert set(re.findall(r"\bmake ([a-z]+)", text)) == {"drift", "test"} <= makefile_targets()
    assert all((ROOT / name).exists() for name in re.findall(r"tools/\w+\.py", text))
    jobs = yaml.safe_load(text)["jobs"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert [tuple(map(int, one.split("."))) for one in matrix["python"]][0] == oldest_python()
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_the_citation_names_title_version_and_licence_of_the_course():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert set(citation) >= {"cff-version", "message", "title", "authors"}  # the format asks for
    assert read("README.md").startswith(f"# {citation['title']}\n")
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert str(citation["version"]) == project["version"]
    assert citation["license"] == project["license"]


def test_the_check_before_merging_is_make_test_with_a_browser_where_apt_gives_one():
    lines = [line.strip() for line in read(".ci/run").splitlines()]
    settings = [line for line in lines if line.startswith(("#", "set "))]
    *before, test = [line for line in lines if line and line not in settings]
    assert test == "make test"
    assert all("chromium" in line and line.endswith("|| true") for line in before)
    assert "set -euo pipefail" in settings
    assert os.name == "nt" or os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_imported_package_is_in_the_one_list():
    strangers = {name: files for name, files in imported_packages().items() if name not in pins()}
    assert strangers == {}


def test_every_package_in_the_one_list_is_used():
    scripts = [file for file in tracked() if file.suffix in ("", ".sh")]
    commands = "\n".join(file.read_text(encoding="utf-8", errors="ignore") for file in scripts)
    called = {name for name in pins() if re.search(rf"(?:/|-m ){re.escape(name)}\b", commands)}
    assert set(pins()) - set(imported_packages()) - called - set(USED_OTHERWISE) == set()


def test_every_excuse_belongs_to_a_pinned_package():
    assert set(USED_OTHERWISE) <= set(pins())


def test_no_tracked_file_names_a_folder_of_one_machine():
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for file in tracked()
        for number, line in enumerate(
            file.read_text(encoding="utf-8", errors="ignore").splitlines(), start=1
        )
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_no_tracked_file_names_a_registry_but_pytorchs():
    found = {
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in tracked()
        for match in URL.finditer(file.read_text(encoding="utf-8", errors="ignore"))
        if REGISTRY_HOST.search(match[1]) or REGISTRY_PATH.search(match[2])
        # RFC 2606 keeps hosts that end in .example for text.
        if match[1] != "download.pytorch.org" and not match[1].endswith(".example")
    }
    assert found == set()
