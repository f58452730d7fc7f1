"""Flower's own programs: how they are started, what a run says, and what its end really was.

Flower's exit code is 0 for some runs that failed; the run's final status is what counts.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from federated.processes import end_with_parent
from federated.settings import MARK, ROOT, Settings

QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_worker_niceness": "0",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Without these a run tries to install packages, to look for updates and to report; and Ray's
workers, at a niceness of 15, get a twentieth of a core that anybody else wants too."""
START_S = 180.0
"""Seconds in which a program has to come up; it takes ten on an idle machine."""
COMPLETED = "finished:completed"
ERROR = re.compile(r"\s*[A-Za-z_.]*(?:Error|Exception): ")


class RunFailed(RuntimeError):
    """The run did not complete, whatever its exit code said."""


def environment(home: Path) -> dict[str, str]:
    """What Flower's and Ray's processes see; `federated` is imported from this checkout."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    bin_folder = str(Path(sys.executable).parent)
    search = os.pathsep.join((bin_folder, os.environ.get("PATH", "")))
    return os.environ | QUIET | {"FLWR_HOME": str(home), "PYTHONPATH": path, "PATH": search}


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens on this port of an address of this machine."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str], log: Path, port: int, host: str = "127.0.0.1"
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens on this port of this machine, as long as the block runs.

    Raises `RunFailed` where it doesn't come up; what it says is added to `log`.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, env=dict(env), stdout=out, stderr=out, preexec_fn=end_with_parent
        )
        try:
            until = time.monotonic() + START_S
            while not listens(port, host):
                if process.poll() is not None or time.monotonic() > until:
                    raise RunFailed(f"{Path(command[0]).name} did not start; see {log}")
                time.sleep(0.2)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def flwr(env: Mapping[str, str], *args: str) -> str:
    """One `flwr` command's output. Raises `RunFailed` with what it said."""
    done = subprocess.run(["flwr", *args], env=dict(env), capture_output=True, text=True)
    if done.returncode:
        raise RunFailed(f"flwr {args[0]}: {(done.stdout + done.stderr).strip()}")
    return done.stdout


def flwr_json(env: Mapping[str, str], *args: str) -> dict[str, Any]:
    """What a `flwr` command answers as JSON. Raises `RunFailed` where it says that it failed,
    which its exit code doesn't always."""
    told = flwr(env, *args, "--format", "json")
    answer: dict[str, Any] = json.loads(told[told.index("{") :]) if "{" in told else {}
    if not answer.get("success"):
        raise RunFailed(str(answer.get("error-message", told)).strip())
    return answer


def toml_of(settings: Settings) -> str:
    """The settings as `--run-config` reads them from a file."""
    told = settings.to_config()
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())


def run_app(
    env: Mapping[str, str], app: Path, settings: Settings, federation: str | None = None
) -> None:
    """Submit a run with these settings, show its progress, and see that it completed.

    `run.toml` and `run.log` are written in `settings.out`. Raises `RunFailed`.
    """
    folder = settings.path("out")
    folder.mkdir(parents=True, exist_ok=True)
    config, log = folder / "run.toml", folder / "run.log"
    config.write_text(toml_of(settings), encoding="utf-8")
    more = () if federation is None else ("--federation-config", federation)
    run_id = str(flwr_json(env, "run", str(app), "--run-config", str(config), *more)["run-id"])
    follow(env, run_id, log)
    if (status := status_of(env, run_id)) != COMPLETED:
        raise RunFailed(f"the run's status is {status}: {why(log)}")


def follow(env: Mapping[str, str], run_id: str, log: Path) -> None:
    """Show the run's own lines as they come, and keep all that Flower says in `log`.

    The command's exit code is 0 for runs that failed too, so nobody asks for it.
    """
    command = ["flwr", "log", run_id, "--stream"]
    # Not waited for where this is interrupted: it ends with this process.
    process = subprocess.Popen(
        command, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=end_with_parent,
    )  # fmt: skip
    assert process.stdout is not None
    last = ""
    with log.open("w") as file, process.stdout as said:
        for line in said:
            file.write(line)
            shown = line.partition(MARK)[2].rstrip()
            if shown and shown != last:  # Flower's logger can have two handlers
                print(shown.removeprefix(" "), flush=True)
                last = shown
    process.wait()


def why(log: Path) -> str:
    """The last error that a run's log names, and where the log is."""
    with log.open(errors="replace") as file:
        found = deque((line.strip() for line in file if ERROR.match(line)), maxlen=1)
    return f"{found[0] if found else 'no reason given'}; all of it is in {log}"


def status_of(env: Mapping[str, str], run_id: str) -> str:
    """The run's status as the SuperLink has it."""
    return str(flwr_json(env, "list", "--run-id", run_id)["runs"][0]["status"])
