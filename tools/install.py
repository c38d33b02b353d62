"""Make .venv and install requirements.txt into it; costs a second when nothing changed.

Runs on a bare Python, so it uses the standard library only, in a syntax that old versions parse.
"""

import hashlib
import os
import platform
import subprocess
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "installed.sha256")
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def main():
    if sys.version_info < OLDEST:
        sys.exit(
            "This course needs Python %d.%d or newer, and this is Python %s: install a newer one "
            "and name it, e.g. make course PYTHON=python3.12"
            % (OLDEST + (platform.python_version(),))
        )
    os.makedirs(os.path.join(ROOT, "runs"), exist_ok=True)  # papermill does not make it
    state = fingerprint()
    if os.path.exists(STAMP):
        with open(STAMP) as stamp:
            if stamp.read() == state:
                return
    print("Setting up .venv: 2.2 GB, a few minutes the first time", flush=True)
    if os.path.exists(STAMP):
        os.remove(STAMP)  # or going back to the old pins would trust what is half replaced
    clear = [] if venv_fits() else ["--clear"]
    subprocess.check_call([sys.executable, "-m", "venv"] + clear + [VENV])
    pip = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check"]
    install_torch(pip)
    subprocess.check_call(pip + ["-r", os.path.join(ROOT, "requirements.txt")], cwd=ROOT)
    with open(STAMP + ".part", "w") as stamp:
        stamp.write(state)
    os.replace(STAMP + ".part", STAMP)


def fingerprint():
    """Changes with the pins, the package's metadata, the folder and the Python in use."""
    digest = hashlib.sha256((ROOT + sys.version).encode())
    for name in ("requirements.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as stream:
            digest.update(stream.read())
    return digest.hexdigest()


def venv_fits():
    """Whether .venv is new, or was made here by this Python: its scripts name both."""
    config = os.path.join(VENV, "pyvenv.cfg")
    if not os.path.exists(config):
        return True
    with open(config) as stream:
        lines = stream.read().splitlines()
    here = any(line.startswith("command = ") and line.endswith(" " + VENV) for line in lines)
    return here and "version = " + platform.python_version() in lines


def install_torch(pip):
    """PyPI's torch for Linux brings several GB of CUDA, so there PyTorch's own index comes first.

    Where it can't be reached, pip goes on to its other sources.
    """
    if platform.system() == "Linux":
        few_tries = ["--no-deps", "--retries", "1", "--timeout", "10"]
        subprocess.check_call(pip + few_tries + ["--extra-index-url", TORCH_CPU_INDEX, torch_pin()])


def torch_pin():
    with open(os.path.join(ROOT, "requirements.txt")) as stream:
        return next(line.split()[0] for line in stream if line.startswith("torch=="))


def venv_python(venv=VENV):
    folder = ("Scripts", "python.exe") if platform.system() == "Windows" else ("bin", "python")
    return os.path.join(venv, *folder)


if __name__ == "__main__":
    main()
