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

from device.errors import SidelongError
from federated.flower import COMPLETED, RunFailed, environment, free_port, run_app, running
from federated.processes import InUseError, alone
from federated.settings import Settings

APP = Path(__file__).parent / "flower_app"


def check(settings: Settings) -> None:
    """Raises `OSError`, `ValueError` or `RunFailed` for what a run would only fail at later."""
    needed = ("flwr", "ray", "matplotlib", "torch", "transformers")
    if missing := [name for name in needed if find_spec(name) is None]:
        raise RunFailed(
            f"{', '.join(missing)} not installed in {sys.prefix}: make federated, or "
            f"{sys.executable} -m pip install -e '.[export,federated]'"
        )
    if settings.deployed:
        raise ValueError(
            "deployed = True is for `python -m federated.deploy run` alone; leave it out"
        )
    if settings.method != "local-only" and settings.min_clients > settings.users:
        raise ValueError(
            f"min_clients = {settings.min_clients} of users = {settings.users}: no round could "
            "change anything; set users higher or min_clients lower"
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
    """Run it with so many clients at a time, show its progress, and return the report.

    Raises `OSError`, `ValueError` or `RunFailed`.
    """
    if cpus < 1:
        raise ValueError(f"--cpus {cpus}: no client could run; 1 at least")
    check(settings)
    folder = settings.path("out")
    path, home = folder / "report.json", folder / "flwr"
    env = environment(home)
    told = f"num-supernodes={settings.users} client-resources-num-cpus=1 init-args-num-cpus={cpus}"
    # The server has a lock too, of `folder`; by then its SuperLink's address would be overwritten.
    with alone(home):
        path.unlink(missing_ok=True)
        with superlink(env, home):
            run_app(env, APP, settings, told)
    if not path.exists():
        raise RunFailed(f"the run completed without {path}")
    report: dict[str, Any] = json.loads(path.read_text())
    return report | {"status": COMPLETED}


def audited(settings: Settings) -> dict[str, Any]:
    """What `federated.audit` finds, without noise and with the run's own (or z = 1)."""
    from federated import audit

    print(
        "what such an adapter remembers of a planted sentence, and of texts that trained it "
        "(docs/federated.md; --no-audit leaves this out):",
        flush=True,
    )
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
        _tell(settings, report, with_audit=not args.no_audit)
    except (RunFailed, InUseError, SidelongError, ValueError, OSError) as error:
        print(f"federated: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _tell(settings: Settings, report: dict[str, Any], *, with_audit: bool) -> None:
    """Print the report, and add to it what is remembered, where anything was learnt together.

    The report comes first, so that it is not lost where the audit can't be made.
    """
    from federated import audit
    from federated.report import lines, summary, write

    folder = settings.path("out")
    write(folder, report)
    print("\n".join(lines(report)), flush=True)
    if with_audit and report["rounds_taken"]:
        report["audit"] = audited(settings)
        write(folder, report)
        print("\n".join(audit.lines(report["audit"])))
    print(f"all figures: {folder / 'report.json'}; plot: {folder / 'report.png'}")
    print(summary(report))


if __name__ == "__main__":
    main()
