"""Imports run one way, and the wearer's rooms stay light."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "optimum", "peft", "flwr")
BELOW = ("cpu", "disk", "errors", "messages", "settings", "text")
"""What stands beside the rooms and serves them all; everything else there stands above them."""
ABOVE = tuple(
    f"device.{path.stem}"
    for path in sorted((ROOT / "device").glob("*"))
    if path.name in ("commands", "demo")
    or (path.suffix == ".py" and path.stem not in ("__init__", *BELOW))
)
MAY_NOT_SEE = {
    "device": (*HEAVY, "export", "federated"),
    "export": ("federated", "flwr"),
    "device/language": (
        "device.connectors",
        "device.voice",
        "device.displays",
        *ABOVE,
    ),
    "device/connectors": (
        "device.language",
        "device.voice",
        "device.displays",
        *ABOVE,
    ),
    "device/displays": (
        "device.language",
        "device.connectors",
        "device.voice",
        *ABOVE,
    ),
    "device/voice": (
        "device.language",
        "device.connectors",
        "device.displays",
        *ABOVE,
    ),
}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", MAY_NOT_SEE)
def test_imports_run_one_way(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        for name in imports(path):
            for forbidden in MAY_NOT_SEE[room]:
                assert not f"{name}.".startswith(f"{forbidden}."), f"{path} imports {name}"


def test_the_whole_command_runs_without_the_workshop() -> None:
    code = (
        "import sys\n"
        f"for name in {HEAVY!r}: sys.modules[name] = None\n"
        "from device.cli import parser\n"
        "parser()\n"
        f"assert not [m for m in sys.modules if m.split('.')[0] in {HEAVY!r} and sys.modules[m]]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


def test_exported_names() -> None:
    """What other rooms may rely on; a change here is a change of contract."""
    import device.errors
    import device.messages

    assert public(device.messages) == {
        "Card", "Draft", "GLANCE_CHARS", "INTENTS", "Intent", "Line", "Message", "Source",
        "Thread", "Triage", "URGENCIES", "Urgency",
    }  # fmt: skip
    assert public(device.errors) == {
        "ConnectorError", "DisplayError", "InputError", "ModelError", "SettingsError",
        "SidelongError", "StoreError", "VoiceError",
    }  # fmt: skip


def test_exported_methods() -> None:
    from device.connectors.files import read_threads
    from device.inbox import Inbox
    from device.language.catalog import Catalog
    from device.language.engine import Engine
    from device.language.writer import Writer

    contracts: dict[type, set[str]] = {
        Catalog: {
            "current", "current_name", "default", "entry", "list", "pull", "rollback", "tried",
            "use", "verify",
        },
        Inbox: {
            "claim_unshown", "close", "count", "due", "edit", "expire", "ingest", "mark_read",
            "mark_shown", "passages", "release_claim", "search", "senders", "take_back", "thread",
            "threads", "tidy", "wipe",
        },
        Engine: {
            "close", "extend", "fingerprint", "fork", "generate", "load", "n_ctx", "n_vocab",
            "open", "prefill", "save", "score", "set_adapter", "tokens", "truncate",
        },
        Writer: {
            "card", "cards", "clear", "forget", "keep_up", "prefill", "stages", "unchecked",
        },
    }  # fmt: skip
    for contract, names in contracts.items():
        assert {name for name in dir(contract) if not name.startswith("_")} == names
    assert list(inspect.signature(read_threads).parameters) == [
        "path", "me", "usual_me", "unread", "date_order",
    ]  # fmt: skip


def public(module: object) -> set[str]:
    """Names that a module defines for others."""
    borrowed = {"Literal", "Path", "annotations", "dataclass", "dt", "field"}
    return {name for name in vars(module) if not name.startswith("_")} - borrowed
