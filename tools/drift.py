"""What would the course notice if its libraries were the newest ones? Exit code 1: something.

Makes runs/drift/environment with the newest releases and the pinned torch, runs
tools/drift_probe.py there and here, keeps both answers as JSON, and prints what differs, with the
sections that it touches. What only the newer releases have is no difference: nothing uses it.
Methods of objects (`model.generate`) are not among the names; labels and steps stand for them.
"""

import ast
import json
import math
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import nbformat
from install import install_torch, torch_pin, venv_python

from helpers.paths import ROOT, RUNS
from helpers.run_files import write_json

NEWEST = ("accelerate", "datasets", "peft", "transformers", "trl")
LOOKED_AT = (*NEWEST, "huggingface_hub", "tokenizers")  # the last two come with transformers
FOLDER = RUNS / "drift"
GONE = "gone"
SAME = 1e-5  # relative; notebook 06 calls losses equal that agree to 5e-5

Uses = dict[str, dict[str, set[str]]]  # name -> argument ("": the name itself) -> sections


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    uses = course_uses()
    pinned, newest = probe(sys.executable, uses), probe(newest_environment(), uses)
    write_json(FOLDER / "pinned.json", pinned)
    write_json(FOLDER / "newest.json", newest)
    if failed := failures(pinned):
        sys.exit("With the pinned releases already:\n" + "\n".join(failed))
    for name, version in newest["versions"].items():
        print(f"{name:16} pinned {pinned['versions'][name]:8} newest {version}")
    if all(pinned["versions"][name] == newest["versions"][name] for name in NEWEST):
        print("The newest releases are the pinned ones.")
    found = list(differences(pinned, newest))
    for path, was, now in found:
        where = ", ".join(sorted(sections(path, uses)))
        short, new = (textwrap.shorten(str(value), 80) for value in (was, now))
        print(f"{' / '.join(path)}: {short} -> {new}   [{where}]")
    told = f"Differences: {len(found)}." if found else "Nothing that the course relies on differs."
    print(f"{told} Both answers are in {FOLDER}.")
    sys.exit(1 if found else 0)


def newest_environment() -> str:
    """Make or update the second environment; its Python."""
    folder = FOLDER / "environment"
    print(f"Installing the newest releases into {folder}: minutes the first time", flush=True)
    pip = [venv_python(str(folder)), "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    try:
        subprocess.check_call([sys.executable, "-m", "venv", str(folder)])
        install_torch(pip)
        subprocess.check_call([*pip, "--upgrade", torch_pin(), *NEWEST])
    except subprocess.CalledProcessError:
        sys.exit("They could not be installed. What stopped it stands above.")
    return pip[0]


def probe(python: str, uses: Uses) -> dict[str, Any]:
    """The answer of tools/drift_probe.py in an environment, without network."""
    names = {name: sorted(arguments.keys() - {""}) for name, arguments in uses.items()}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [python, str(ROOT / "tools" / "drift_probe.py")],
        input=json.dumps({"packages": LOOKED_AT, "names": names}),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1"},
    )
    if done.returncode:
        sys.exit(f"{python} could not run the probe:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def course_uses() -> Uses:
    """What notebooks, helpers and tools import from the libraries, and with which arguments."""
    uses: Uses = {}
    for cells in sources():
        for name, argument, place in uses_of(cells):
            uses.setdefault(name, {}).setdefault(argument, set()).add(place)
    return dict(sorted(uses.items()))


def sources() -> Iterator[list[tuple[str, str]]]:
    """For each file: (place, code) of its code; a notebook's places are its sections."""
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        place, cells = f"{path.name[:2]}, set-up", []
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code" and not cell.source.startswith("%%"):
                cells.append((place, cell.source))
            elif cell.source.startswith("## "):
                place = cell.source.split()[1]
        yield cells
    for path in sorted([*ROOT.glob("helpers/**/*.py"), *ROOT.glob("tools/*.py")]):
        yield [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))]


def uses_of(cells: list[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """(name, argument, place) for each import, mention, call and overridden method in a file."""
    nodes = [(place, node) for place, code in cells for node in ast.walk(ast.parse(code))]
    known = {}
    for place, node in nodes:
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in LOOKED_AT:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield f"{node.module}.{alias.name}", "", place
    for place, node in nodes:
        if name := dotted(node, known):
            yield name, "", place
        elif isinstance(node, ast.Call) and (name := dotted(node.func, known)):
            starred = [isinstance(given, ast.Starred) for given in node.args]
            plain = starred.index(True) if True in starred else len(starred)
            keywords = [keyword.arg for keyword in node.keywords if keyword.arg]
            yield from ((name, given, place) for given in [*map(str, range(plain)), *keywords])
        elif isinstance(node, ast.ClassDef):
            for name in filter(None, (dotted(base, known) for base in node.bases)):
                yield from overridden(name, node, place)


def dotted(node: ast.AST, known: dict[str, str]) -> str | None:
    """The full name of what a name or an attribute means, where it comes from the libraries."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute) and (base := dotted(node.value, known)):
        return f"{base}.{node.attr}"
    return None


def overridden(base: str, node: ast.ClassDef, place: str) -> Iterator[tuple[str, str, str]]:
    """Methods with which a class of the course replaces those of its base, and their arguments."""
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("__"):
            for argument in ["", *(one.arg for one in method.args.args[1:])]:  # without self
                yield f"{base}.{method.name}", argument, place


def failures(found: dict[str, Any]) -> list[str]:
    """What would hide a difference: parts that ended in an error, names and arguments missing."""
    parts = [f"{part}: {value}" for part, value in found.items() if isinstance(value, str)]
    gone = [f"{name}: no such name" for name, taken in found["names"].items() if taken is None]
    for name, taken in found["names"].items():
        refused = [argument for argument, as_what in (taken or {}).items() if as_what is None]
        gone += [f"{name}: no argument {argument}" for argument in refused]
    return parts + gone


def differences(
    was: Any, now: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """(path, pinned value, newest value) of all that the pinned side has, and the other has not.

    Versions are left out; of two lists, the first place where they part is told.
    """
    if path == ("versions",):
        return
    if isinstance(was, dict) and isinstance(now, dict):
        for key in was:
            yield from differences(was[key], now.get(key, GONE), (*path, key))
    elif isinstance(was, list) and isinstance(now, list) and was != now:
        i = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), None)
        if i is None:
            yield path, f"{len(was)} values", f"{len(now)} values"
        else:
            yield (*path, f"from value {i} on"), was[i], now[i]
    elif not same(was, now):
        yield path, was, now


def same(was: Any, now: Any) -> bool:
    numbers = all(isinstance(value, int | float) for value in (was, now))
    return math.isclose(was, now, rel_tol=SAME) if numbers else was == now


def sections(path: tuple[str, ...], uses: Uses) -> set[str]:
    """Where the course shows what stands under a path of the probe's answer."""
    match path:
        case ("names", name, *argument):
            return uses[name]["".join(argument)]
        case ("configuration", _, name, *_):
            return {"6.3"} | uses["trl.SFTConfig"].get(name, set())
        case ("configuration",):
            return {"6.3"}
        case ("labels", *_):
            return {"6.4"}
        case ("steps", "the loop", *_):
            return {"5.7"}
    return {"6.5"}


if __name__ == "__main__":
    main()
