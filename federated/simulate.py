"""The whole simulation with one command: own SuperLink, `flwr run`, its final status, the report.

    python -m federated.simulate [--set key=value ...] [--tiny] [--no-audit]

Everything stays on this machine: the SuperLink listens on loopback, on a port of its own, and is
ended with the run; nothing is downloaded or reported. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from federated.flower import COMPLETED, RunFailed, environment, free_port, run_app, running
from federated.settings import Settings

APP = Path(__file__).parent / "flower_app"


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
    log.unlink(missing_ok=True)
    with running(command, env, log, port):
        yield


def simulate(settings: Settings, cpus: int) -> dict[str, Any]:
    """Run it, show its progress, and return the report. Raises `RunFailed`."""
    check(settings)
    folder = settings.path("out")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").unlink(missing_ok=True)
    home = folder / "flwr"
    env = environment(home)
    told = f"num-supernodes={settings.users} client-resources-num-cpus=1 init-args-num-cpus={cpus}"
    with superlink(env, home):
        run_app(env, APP, settings, told)
    path = folder / "report.json"
    if not path.exists():
        raise RunFailed(f"the run completed without {path}")
    report: dict[str, Any] = json.loads(path.read_text())
    return report | {"status": COMPLETED}


def audited(settings: Settings) -> dict[str, Any]:
    """What `federated.audit` finds, without noise and with the run's own (or z = 1)."""
    from federated import audit

    print("what the adapter remembers of planted sentences (--no-audit leaves this out):")
    # svd takes no noise.
    noises = (0.0,) if settings.method == "svd" else (0.0, settings.noise or 1.0)
    return audit.audited(settings, noises)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="see federated/settings.py"
    )
    parser.add_argument("--cpus", type=int, default=2, help="clients that run at a time")
    parser.add_argument("--tiny", action="store_true", help="the tests' model: does it run at all?")
    parser.add_argument("--no-audit", action="store_true", help="say nothing of what is remembered")
    args = parser.parse_args()
    # So that the SuperLink is ended too when this process is asked to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        settings = Settings.from_pairs(args.set, {})
        if args.tiny:
            settings = settings.tiny()
        report = simulate(settings, args.cpus)
        if not args.no_audit and settings.method != "local-only":
            report["audit"] = audited(settings)
    except (RunFailed, ValueError, OSError) as error:
        print(f"federated: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    from federated import audit
    from federated.report import lines, summary, write

    folder = settings.path("out")
    write(folder, report)
    print("\n".join(lines(report)))
    if "audit" in report:
        print(
            "what is remembered of a planted sentence, and of texts trained on (docs/federated.md):"
        )
        print("\n".join(audit.lines(report["audit"])))
    print(f"all figures: {folder / 'report.json'}; plot: {folder / 'report.png'}")
    print(summary(report))


if __name__ == "__main__":
    main()
