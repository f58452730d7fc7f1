"""The whole simulation with one command: own SuperLink, `flwr run`, its final status, the report.

    python -m federated.simulate [--set key=value ...] [--tiny]

Everything stays on this machine: the SuperLink listens on loopback, on a port of its own, and is
ended with the run; nothing is downloaded or reported. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from federated.processes import end_with_parent
from federated.settings import MARK, ROOT, Settings

APP = Path(__file__).parent / "flower_app"
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
START_S = 60.0


ERROR = re.compile(r"\s*[A-Za-z_.]*(?:Error|Exception): ")


class RunFailed(RuntimeError):
    """The run did not complete, whatever its exit code said."""


def check(settings: Settings) -> None:
    """Raises `OSError`, `ValueError` or `RunFailed` for what a run would only fail at later."""
    if missing := [name for name in ("flwr", "ray", "matplotlib") if find_spec(name) is None]:
        raise RunFailed(
            f"{', '.join(missing)} not installed in {sys.prefix}: make federated, or "
            f"{sys.executable} -m pip install -e '.[federated]'"
        )
    for place in ("glancechat", "users"):
        if not (folder := settings.path("data") / place).is_dir():
            raise OSError(f"no folder {folder}; set data= to the folder of the data sets")
    if not settings.path("gguf").is_file():
        raise OSError(f"no model {settings.path('gguf')}; set gguf= to a model of Sidelong's")
    if settings.resume:
        from federated.strategy import load

        load(settings.path("out"), settings)


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


@contextmanager
def superlink(env: Mapping[str, str], home: Path) -> Iterator[None]:
    """A SuperLink for simulations, known to `flwr` as "sidelong", as long as the block runs.

    Raises `RunFailed` where it doesn't come up.
    """
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "sidelong"\n\n[superlink.sidelong]\n'
        f'address = "127.0.0.1:{port}"\ninsecure = true\n'
    )
    command = ["flower-superlink", "--insecure", "--simulation", "--isolation", "subprocess",
               "--disable-runtime-dependency-installation", "--host", "127.0.0.1",
               "--port", str(port)]  # fmt: skip
    log = home / "superlink.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=dict(env), stdout=out, stderr=out, preexec_fn=end_with_parent
        )
        try:
            until = time.monotonic() + START_S
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > until:
                    raise RunFailed(f"the SuperLink did not start; see {log}")
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def flwr(env: Mapping[str, str], *args: str) -> str:
    """One `flwr` command's output. Raises `RunFailed` with what it said."""
    done = subprocess.run(["flwr", *args], env=dict(env), capture_output=True, text=True)
    if done.returncode:
        raise RunFailed(f"flwr {args[0]}: {(done.stdout + done.stderr).strip()}")
    return done.stdout


def toml_of(settings: Settings) -> str:
    """The settings as `--run-config` reads them from a file."""
    told = settings.to_config()
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())


def simulate(settings: Settings, cpus: int) -> dict[str, object]:
    """Run it, show its progress, and return the report. Raises `RunFailed`."""
    check(settings)
    folder = settings.path("out")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").unlink(missing_ok=True)
    home = folder / "flwr"
    env = environment(home)
    config = folder / "run.toml"
    config.write_text(toml_of(settings))
    with superlink(env, home):
        told = flwr(
            env, "run", str(APP), "--run-config", str(config), "--federation-config",
            f"num-supernodes={settings.users} client-resources-num-cpus=1 "
            f"init-args-num-cpus={cpus}",
            "--format", "json",
        )  # fmt: skip
        started = json.loads(told[told.index("{") :])
        if not started.get("success"):
            raise RunFailed(str(started.get("error-message", told)).strip())
        run_id = started["run-id"]
        follow(env, str(run_id), folder / "run.log")
        status = _status(env, str(run_id))
    if status != "finished:completed":
        raise RunFailed(f"the run's status is {status}: {why(folder / 'run.log')}")
    path = folder / "report.json"
    if not path.exists():
        raise RunFailed(f"the run completed without {path}")
    report: dict[str, object] = json.loads(path.read_text())
    return report | {"status": status}


def follow(env: Mapping[str, str], run_id: str, log: Path) -> None:
    """Show the run's own lines as they come, and keep all that Flower says in `log`.

    The command's exit code is 0 for runs that failed too, so nobody asks for it.
    """
    command = ["flwr", "log", run_id, "--stream"]
    process = subprocess.Popen(
        command, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=end_with_parent,
    )  # fmt: skip
    assert process.stdout is not None
    last = ""
    with log.open("w") as file:
        for line in process.stdout:
            file.write(line)
            shown = line.partition(MARK)[2].rstrip()
            if shown and shown != last:  # Flower's logger can have two handlers
                print(shown.removeprefix(" "), flush=True)
                last = shown
    process.wait()


def why(log: Path) -> str:
    """The last error that a run's log names, and where the log is."""
    found = deque((line.strip() for line in log.open() if ERROR.match(line)), maxlen=1)
    return f"{found[0] if found else 'no reason given'}; all of it is in {log}"


def _status(env: Mapping[str, str], run_id: str) -> str:
    """The run's status as the SuperLink has it."""
    told = flwr(env, "list", "--run-id", run_id, "--format", "json")
    return str(json.loads(told[told.index("{") :])["runs"][0]["status"])


def tiny(settings: Settings) -> Settings:
    """The tests' tiny model in the place of the shipped one: says whether everything runs."""
    from transformers import LlamaForCausalLM

    source = ROOT / "tests" / "tiny"
    folder = settings.path("out") / "tiny"
    if not (folder / "model.safetensors").exists():
        model = LlamaForCausalLM.from_pretrained(source, gguf_file="tiny.gguf")
        model.save_pretrained(folder)
        shutil.copy(source / "tokenizer.json", folder)
    more = {"layers": 1, "steps": 4, "local_steps": 6, "texts": 12}
    gguf = str(source / "tiny.gguf")
    return dataclasses.replace(settings, model=str(folder), gguf=gguf, **more)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="see federated/settings.py"
    )
    parser.add_argument("--cpus", type=int, default=2, help="clients that run at a time")
    parser.add_argument("--tiny", action="store_true", help="the tests' model: does it run at all?")
    args = parser.parse_args()
    # So that the SuperLink is ended too when this process is asked to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if wrong := [pair for pair in args.set if "=" not in pair]:
            raise ValueError(f"--set {wrong[0]}: write KEY=VALUE; federated/settings.py has all")
        settings = Settings.from_config(dict(pair.split("=", 1) for pair in args.set))
        if args.tiny:
            settings = tiny(settings)
        report = simulate(settings, args.cpus)
    except (RunFailed, ValueError, OSError) as error:
        print(f"federated: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    from federated.report import lines, summary

    print("\n".join(lines(report)))
    folder = settings.path("out")
    print(f"all figures: {folder / 'report.json'}; plot: {folder / 'report.png'}")
    print(summary(report))


if __name__ == "__main__":
    main()
