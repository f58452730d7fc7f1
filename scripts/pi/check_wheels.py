"""Is there a wheel for 64-bit ARM of everything that Sidelong's base install needs?

    python scripts/pi/check_wheels.py

pip resolves the dependencies as on Raspberry Pi OS 12 (Python 3.11, glibc 2.36) and 13 (Python
3.13, glibc 2.41), wheels only, and installs nothing. llama-cpp-python is left out, since it is
built on the board; what it needs itself is not. Exit code 1 where a wheel is missing.

pip reads a dependency's conditions ("; sys_platform == ...") by the machine it runs on: run it on
Linux. Which Python is asked for, it knows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
BUILT = "llama-cpp-python"
SYSTEMS = {"3.11": 36, "3.13": 41}
"""Python -> the minor version of its glibc."""


def base(pyproject: Path = PYPROJECT) -> list[str]:
    """The base dependencies, llama-cpp-python replaced by its own."""
    wanted = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    needed = [d for d in metadata.requires(BUILT) or () if "extra ==" not in d]
    return [d for d in wanted if not d.startswith(BUILT)] + needed


def tags(glibc: int) -> list[str]:
    """The platforms whose wheels run there, as pip's `--platform` wants them."""
    return [
        "manylinux2014_aarch64",
        *(f"manylinux_2_{n}_aarch64" for n in range(17, glibc + 1)),
    ]


def ask(python: str, dependencies: list[str]) -> tuple[list[str], str]:
    """(names of the wheels that pip would install, what it says where it can't)."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet"]
        command += ["--ignore-installed", "--only-binary=:all:", "--target", folder]
        command += ["--python-version", python, "--implementation", "cp"]
        command += ["--report", str(report)]
        command += [f"--platform={tag}" for tag in tags(SYSTEMS[python])]
        done = subprocess.run([*command, *dependencies], capture_output=True, text=True)
        return (
            (wheels(json.loads(report.read_text())), "")
            if not done.returncode
            else (
                [],
                done.stderr.strip(),
            )
        )


def wheels(report: dict[str, Any]) -> list[str]:
    """The wheels' file names in a report of pip."""
    return sorted(
        item["download_info"]["url"].rpartition("/")[2].partition("#")[0]
        for item in report["install"]
    )


def main() -> int:
    """0 where all are there, else 1."""
    dependencies = base()
    missing = False
    for python in SYSTEMS:
        found, problem = ask(python, dependencies)
        if problem:
            missing = True
            print(f"Python {python}: {problem}")
            continue
        compiled = [name for name in found if "aarch64" in name]
        print(f"Python {python}: all {len(found)} are there, {len(compiled)} of them compiled:")
        for name in compiled:
            print(f"  {name}")
    print(f"{BUILT} is built on the board.")
    return int(missing)


if __name__ == "__main__":
    sys.exit(main())
