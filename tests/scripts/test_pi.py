"""The Raspberry Pi's installer: another board's build is never run, and no wheel is missed.

The boards are made up of what their kernels say; no Raspberry Pi was at hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.pi import check_wheels

PI = Path(__file__).parents[2] / "scripts/pi"
CPUINFO = """processor\t: {n}
BogoMIPS\t: 108.00
Features\t: {features}
CPU part\t: {part}
"""
BOARDS = {
    "Raspberry Pi 4 Model B": ("fp asimd evtstrm crc32 cpuid", "0xd08"),
    "Raspberry Pi 5 Model B": ("fp asimd evtstrm aes crc32 atomics fphp asimddp cpuid", "0xd0b"),
}
PI_4, PI_5 = BOARDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bash and /proc")


class Card:
    """An SD card with an installation whose pip writes down what it is asked."""

    def __init__(self, folder: Path):
        self.prefix = folder / "sidelong"
        self.home = folder
        bin = self.prefix / "venv/bin"
        bin.mkdir(parents=True)
        (bin / "python").symlink_to(sys.executable)
        self._script(bin / "pip", f'echo "$@" >>{folder}/asked')
        self._script(bin / "sidelong", 'echo "ran $*"')
        (self.prefix / "board.sh").write_text((PI / "board.sh").read_text())
        (self.prefix / "board.sh").chmod(0o755)

    def _script(self, path: Path, line: str) -> None:
        path.write_text(f"#!/bin/bash\n{line}\n")
        path.chmod(0o755)

    def run(self, board: str, *command: str) -> subprocess.CompletedProcess[str]:
        features, part = BOARDS[board]
        cpuinfo, model = self.home / "cpuinfo", self.home / "model"
        cpuinfo.write_text("".join(CPUINFO.format(n=n, features=features, part=part) for n in "01"))
        model.write_text(f"{board}\0")
        env = os.environ | {
            "HOME": str(self.home),
            "SIDELONG_PREFIX": str(self.prefix),
            "SIDELONG_CPUINFO": str(cpuinfo),
            "SIDELONG_MODEL_FILE": str(model),
        }
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)

    def sidelong(self, board: str) -> subprocess.CompletedProcess[str]:
        return self.run(board, str(PI / "sidelong.sh"), "doctor")

    def install(self, board: str) -> Path:
        """As `install.sh` does it after building; the wheel it made."""
        where = f". {PI}/board.sh; board_wheels {self.prefix} {self.prefix}/venv/bin/python"
        folder = Path(self.run(board, "bash", "-c", where).stdout)
        folder.mkdir(parents=True)
        wheel = folder / "llama_cpp_python-0.3.36-py3-none-linux_aarch64.whl"
        wheel.touch()
        done = self.run(board, str(self.prefix / "board.sh"), "use", str(self.prefix))
        assert done.returncode == 0, done.stderr
        return wheel

    @property
    def asked(self) -> list[str]:
        return (self.home / "asked").read_text().splitlines()


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def test_its_own_board_runs_it(card: Card) -> None:
    card.install(PI_5)
    done = card.sidelong(PI_5)
    assert (done.returncode, done.stdout) == (0, "ran doctor\n")


def test_another_board_never_runs_it(card: Card) -> None:
    card.install(PI_5)
    done = card.sidelong(PI_4)
    assert done.returncode == 2
    assert "ran" not in done.stdout
    assert "Raspberry Pi 4 Model B; run scripts/pi/install.sh here once" in done.stderr


def test_a_card_that_comes_back_gets_its_own_build(card: Card) -> None:
    on_five, on_four = card.install(PI_5), card.install(PI_4)
    assert on_five.parent != on_four.parent
    done = card.sidelong(PI_5)
    assert done.stdout == "ran doctor\n"
    assert card.asked[-1].endswith(str(on_five))
    assert "--force-reinstall" in card.asked[-1], "the version is the same"
    before = len(card.asked)
    assert card.sidelong(PI_5).returncode == 0
    assert len(card.asked) == before


@pytest.mark.skipif(os.uname().machine == "aarch64", reason="this may be a Raspberry Pi")
def test_not_on_another_machine(card: Card) -> None:
    done = card.run(PI_5, str(PI / "install.sh"), "--dry-run")
    assert done.returncode == 2
    assert "install the 64-bit Raspberry Pi OS" in done.stderr
    assert card.run(PI_5, str(PI / "install.sh"), "--nonsense").returncode == 2


def test_the_installer_knows_which_llama_is_wanted(card: Card) -> None:
    install = (PI / "install.sh").read_text()
    (line,) = (line for line in install.splitlines() if "wanted=$(sed" in line)
    asked = f"source_dir={PI.parents[1]}; {line}; echo $wanted"
    found = card.run(PI_5, "bash", "-c", asked).stdout.strip()
    assert found in (PI.parents[1] / "pyproject.toml").read_text()
    assert found.startswith("llama-cpp-python==")


def test_the_wheels_that_are_asked_for() -> None:
    base = check_wheels.base()
    assert any(d.startswith("onnxruntime") for d in base)
    assert not any(d.startswith("llama-cpp-python") for d in base)
    assert any(d.startswith("diskcache") for d in base), "what llama-cpp-python needs itself"
    assert check_wheels.tags(18)[-1] == "manylinux_2_18_aarch64"
    item = {"download_info": {"url": "https://files.example/ab/numpy-2-cp311.whl#sha256=1"}}
    assert check_wheels.wheels({"install": [item]}) == ["numpy-2-cp311.whl"]
