"""sidelong federate: take part in a federation, from this device's own inbox.

Nothing heavy is imported up here: `key` and `status` need no PyTorch and no Flower.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from device.commands.inbox import wearers_inbox
from device.errors import SidelongError
from device.language.manifest import locked, told
from federated.deploy.limits import Limits
from federated.deploy.membership import (
    Membership,
    folder_of_this_device,
    join_with,
    membership,
)
from federated.own_texts import answers, wearer
from federated.personalize import QUIET, model_of
from federated.settings import ROOT

BUSY = "this device takes part already, in another process"
NODE = re.compile(r"SuperNode ID: (\d+)")
REASON = re.compile(r"\[code: \d+\]\s*(.+)")


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    key = actions.add_parser("key", help="make this device's key; prints the half to register")
    key.add_argument("--new", action="store_true", help="another one; the old one is removed")
    usual = Limits()
    join = actions.add_parser("join", help="take part until Ctrl-C")
    join.add_argument("server", metavar="HOST:PORT", help="the federation's gate")
    join.add_argument("--ca", type=Path, required=True, help="the operator's ca.pem")
    join.add_argument("--model", help="learn for this model (default: the one in use)")
    said = {
        "clip": f"largest norm of an update that leaves (default: {usual.clip:g})",
        "noise": "least noise on each update, over its largest norm (default: 0, none)",
        "rounds": f"take part so often at most, ever (default: {usual.rounds})",
    }
    for name, words in said.items():
        default = getattr(usual, name)
        join.add_argument(f"--{name}", type=type(default), default=default, help=words)
    actions.add_parser("status", help="what has left this device")
    actions.add_parser("leave", help="remove the key and everything of the federation's")


def run(args: argparse.Namespace) -> int:
    """0. Raises `SidelongError`."""
    match args.action:
        case "key":
            _key(args.new)
        case "join":
            _join(args)
        case "status":
            _status()
        case "leave":
            _leave()
    return 0


def _key(new: bool) -> None:
    try:
        from federated.deploy.certificates import make_device_key, public_half
    except ImportError as error:
        raise SidelongError(
            f"a key needs the extra `federated` ({error}): pip install 'sidelong[export,federated]'"
        ) from error

    folder = folder_of_this_device()
    path = folder / "device.key"
    with told(path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if new:
            path.unlink(missing_ok=True)
        try:
            print(public_half(path) if path.exists() else make_device_key(path))
        except ValueError as error:
            raise SidelongError(
                f"{path}: no key ({error}); `sidelong federate key --new` makes another"
            ) from error


def _join(args: argparse.Namespace) -> None:
    folder = folder_of_this_device()
    if missing := [name for name in ("flwr", "torch", "transformers") if find_spec(name) is None]:
        raise SidelongError(
            f"taking part needs {', '.join(missing)}: pip install 'sidelong[export,federated]'"
        )
    if not (folder / "device.key").exists():
        raise SidelongError(
            "this device has no key; `sidelong federate key` makes one, and its operator has to "
            "register it"
        )
    if not args.ca.is_file():
        raise SidelongError(f"{args.ca}: no such file; the federation's operator gives out ca.pem")
    try:
        limits = Limits(clip=args.clip, noise=args.noise, rounds=args.rounds)
    except ValueError as error:
        raise SidelongError(str(error)) from error
    with wearers_inbox() as inbox:
        wearer(answers(inbox))  # raises where there are too few
    with locked(folder / ".lock", BUSY):
        mine = _unpacked(args, limits)
        print(
            f"What leaves: in a round, LoRA tensors of a norm of {limits.clip:g} at most, made "
            f"from your sent messages. No text, no names. {mine.sent()} updates have left so far; "
            f"after {limits.rounds} this device stops.",
            flush=True,
        )
        _take_part(args, mine)


def _unpacked(args: argparse.Namespace, limits: Limits) -> Membership:
    """The membership, with the model's weights unpacked, so that no round waits for that.

    Another process does it: this one stays, and should hold no PyTorch.
    """
    with told(folder_of_this_device()):
        mine = join_with(model_of(args), limits)
        if not mine.checkpoint.exists():
            command = [sys.executable, "-m", "federated.base_model",
                       str(mine.model), str(mine.checkpoint)]  # fmt: skip
            done = subprocess.run(
                command, cwd=ROOT, env=os.environ | QUIET, capture_output=True, text=True
            )
            if done.returncode:
                raise SidelongError(
                    f"{mine.model}: can't be unpacked: {done.stderr.strip()[-300:]}"
                )
    return mine


def _take_part(args: argparse.Namespace, mine: Membership) -> None:
    """Until Ctrl-C. Raises `SidelongError` where the server refuses this device.

    Flower's node waits for ever for a worker that was killed: both are started anew then.
    """
    from federated.flower import RunFailed, environment

    env = environment(mine.folder / "flwr")
    log = mine.folder / "log.txt"
    log.unlink(missing_ok=True)
    while True:
        try:
            _one_node(args, mine, env, log)
        except RunFailed as error:
            raise SidelongError(_refused(log) or str(error)) from error


def _one_node(args: argparse.Namespace, mine: Membership, env: dict[str, str], log: Path) -> None:
    """Flower's node, and one worker after the other, until a worker ends without an answer.

    Raises `RunFailed` where the node ends.
    """
    from federated.deploy.certificates import write_secret
    from federated.flower import RunFailed, free_port, running

    port = free_port()
    secret = mine.folder / ".worker-secret"
    node = [
        "flower-supernode", "--superlink", args.server, "--root-certificates", str(args.ca),
        "--auth-supernode-private-key", str(mine.folder / "device.key"),
        "--isolation", "process", "--superexec-auth-secret-file", str(secret),
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    worker = [sys.executable, "-m", "federated.deploy.worker", f"127.0.0.1:{port}", str(secret)]
    shown = False
    secret.unlink(missing_ok=True)
    write_secret(secret, secrets.token_bytes(32))
    with running(node, env, log, port) as supernode:
        while True:
            with running(worker, env, log, port) as answering:
                while answering.poll() is None:
                    if supernode.poll() is not None:
                        raise RunFailed(f"Flower's node ended; see {log}")
                    if not shown and (found := NODE.search(log.read_text(errors="replace"))):
                        print(f"This is device {found[1]}. Ctrl-C ends it.", flush=True)
                        shown = True
                    time.sleep(0.5)
            if answering.returncode != 0:
                return


def _refused(log: Path) -> str | None:
    """Why the server didn't let this device in, where it said so."""
    found = REASON.search(log.read_text(errors="replace"))
    if found is None:
        return None
    return f"the server refuses this device: {found[1].strip()}; is its key registered?"


def _status() -> None:
    mine = membership()
    print(f"Model {mine.model}. Updates that have left: {mine.sent()} of {mine.limits.rounds}.")
    path = mine.folder / "sent.jsonl"
    if path.exists():
        print(path.read_text(encoding="utf-8"), end="")


def _leave() -> None:
    from device.disk import erase

    folder = folder_of_this_device()
    if not folder.exists():
        print("This device takes part in no federation.")
        return
    with locked(folder / ".lock", BUSY), told(folder):
        erase(folder)
    print("Gone: the key and everything of the federation's. What has left can't be called back.")
