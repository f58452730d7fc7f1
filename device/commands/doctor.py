"""sidelong doctor: what is installed, which model and CPU, what is missing for what."""

from __future__ import annotations

import argparse
import ctypes.util
import platform
import re
import shutil
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path

from rich.text import Text

from device.commands.common import NOT_INSTALLED, version
from device.cpu import cores, cpu_name
from device.displays.terminal import Screen, hang
from device.errors import ModelError, SettingsError
from device.language.catalog import Catalog
from device.language.manifest import Entry
from device.language.tuning import Tunings, words
from device.settings import default_data_dir, load_settings, settings_path
from device.text import neutralise

BASE = "cards from GGUF models"
"""What Sidelong is no use without."""
VOICE = "microphone and speaker"
NEEDS = {
    BASE: (("llama_cpp", "llama-cpp-python"), ("tokenizers", "tokenizers")),
    "cards from ONNX models": (("onnxruntime", "onnxruntime"), ("tokenizers", "tokenizers")),
    VOICE: (("sounddevice", "sounddevice"),),
}
"""Feature -> (module, distribution) that it needs."""

EXTRAS = {
    "voice": "speech models",
    "matrix": "Matrix",
    "kdeconnect": "an Android phone's chats",
    "glasses": "glasses over Bluetooth",
    "encrypted": "encrypted inbox",
    "federated": "learning with others",
    "export": "training and export",
}
"""Extra -> the feature that it is for. What it needs is read from the distribution."""
PORTAUDIO = "apt install libportaudio2"
GLANCES = "glance_rouge_l"
"""Of a model's figures in its manifest, what tells which model is the better one."""
BESIDE_MB = 250
"""What `sidelong run` holds in memory beside the model's file (docs/performance.md)."""
LABEL_WIDTH = 26
"""Of the longest label and a gap, so that all values stand in one column."""


def add(parser: argparse.ArgumentParser) -> None:
    """There are no options."""


def run(args: argparse.Namespace) -> int:
    """0 when cards can be made here, else 2."""
    console = Screen()
    well = True

    def row(what: str, found: str, good: bool = True, needed: bool = True) -> None:
        nonlocal well
        well = well and (good or not needed)
        style = "default" if good else "bold red" if needed else "yellow"
        body = Text(neutralise(found), style=style)
        hang(Text(what, style="dim"), body, console, LABEL_WIDTH)

    row("sidelong", f"{version('sidelong')} on Python {platform.python_version()}")
    row("machine", f"{platform.machine()}, {cpu_name()}, {cores()} cores")
    row("memory", memory())
    try:
        row("llama.cpp uses", llama_features())
    except Exception as error:  # whatever a broken library raises is what is to be told
        problem = f"not usable: {error}; pip install --force-reinstall llama-cpp-python"
        row("llama.cpp uses", problem, good=False)
    try:
        load_settings()
        there = settings_path().exists()
        row("settings", f"{settings_path()} ({'read' if there else 'not there: defaults'})")
    except SettingsError as error:
        row("settings", str(error), good=False)
    row("data", str(default_data_dir()))
    try:
        entry = Catalog.default().current()
        size = f"{entry.size_bytes / 1e6:.1f} MB"
        row("model in use", f"{entry.name} ({entry.quantization}, {size}, whole)")
        tuned = Tunings.default().of(entry.sha256)
        row("tuned for this CPU", words(tuned) if tuned else "not yet: sidelong tune")
        best, why = advice(Catalog.default().list(), available_mb())
        if best is not None and best.name != entry.name:
            why += f"; sidelong model use {best.name}"
        row("best model here", why, good=best is not None, needed=False)
    except ModelError as error:
        row("model in use", str(error), good=False)
    for feature, needs in NEEDS.items():
        missing = [dist for module, dist in needs if util.find_spec(module) is None]
        found = ", ".join(f"{dist} {version(dist)}" for _, dist in needs)
        if missing:
            how = f"pip install {missing[0]}"
            row(feature, f"missing {', '.join(missing)}: {how}", False, needed=feature == BASE)
        elif feature == VOICE and not audio_library():
            row(feature, f"{found}; PortAudio is missing: {PORTAUDIO}", False, needed=False)
        else:
            row(feature, found)
    for extra, feature in EXTRAS.items():
        versions = {name: version(name) for name in needed_by(extra)}
        missing = [name for name, there in versions.items() if there == NOT_INSTALLED]
        if missing or not versions:
            what = (
                f"missing {', '.join(missing)}" if versions else "unknown to the version installed"
            )
            row(feature, f"{what}: pip install 'sidelong[{extra}]'", False, needed=False)
        else:
            row(feature, ", ".join(f"{name} {there}" for name, there in versions.items()))
    return 0 if well else 2


def needed_by(extra: str) -> list[str]:
    """The distributions that an extra of Sidelong's asks for; none where it isn't known."""
    try:
        wanted = metadata.requires("sidelong") or []
    except metadata.PackageNotFoundError:
        return []
    named = re.compile(rf"([\w.-]+).*\bextra == ['\"]{extra}['\"]")
    return [match[1] for line in wanted if (match := named.match(line))]


def advice(models: Sequence[Entry], available: float | None) -> tuple[Entry | None, str]:
    """The model whose glances are best of those that fit `available` MB, all where that is None;
    and why. None where none fits, or none was examined."""
    examined = [(model.figures[GLANCES], model) for model in models if GLANCES in model.figures]
    examined.sort(key=lambda one: -one[0])
    reasons = []
    for figure, model in examined:
        needs = model.size_bytes / 1e6 + BESIDE_MB
        if available is not None and needs > available:
            reasons.append(f"{model.name} wants {needs:.0f} MB of memory")
            continue
        others = [f"{other.name} {one:.1f}" for one, other in examined if other is not model]
        beside = f" ({', '.join(others)})" if others else ""
        reasons.insert(0, f"{model.name}: glance ROUGE-L {figure:.1f}{beside}")
        return model, "; ".join(reasons)
    return None, "; ".join(reasons) or "no model has figures"


def _meminfo() -> dict[str, str]:
    """kB by name; empty where the system keeps no such file."""
    info = Path("/proc/meminfo")
    return dict(re.findall(r"^(\w+):\s+(\d+)", info.read_text(), re.M)) if info.exists() else {}


def available_mb() -> float | None:
    """Memory that programs may still take, in MB; None where the system doesn't say."""
    values = _meminfo()
    return int(values["MemAvailable"]) * 1024 / 1e6 if "MemAvailable" in values else None


def memory() -> str:
    """Available and total memory, and free disk in the wearer's home."""
    values = _meminfo()
    try:
        disk = f"{shutil.disk_usage(Path.home()).free / 1e9:.0f} GB disk free"
    except (OSError, RuntimeError):  # no home, as in some containers
        disk = "free disk unknown"
    if "MemTotal" not in values:
        return disk
    free, total = (int(values[key]) * 1024 / 1e9 for key in ("MemAvailable", "MemTotal"))
    return f"{free:.1f} of {total:.1f} GB available, {disk}"


def llama_features() -> str:
    """The CPU features that the installed llama.cpp was built for and this CPU has. Raises anything
    where it is broken."""
    import llama_cpp.llama_cpp as llama

    info = llama.llama_print_system_info().decode()
    return ", ".join(re.findall(r"(\w+) = 1", info)) or "plain code"


def audio_library() -> bool:
    """Whether PortAudio can be loaded."""
    return ctypes.util.find_library("portaudio") is not None
