"""The operator's command: python -m federated.deploy ACTION FOLDER ...

docs/federation-operator.md tells how to use it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path

from federated.flower import COMPLETED, RunFailed
from federated.settings import Settings

try:
    from federated.deploy import certificates, host
except ImportError as error:
    print(f"federated.deploy: {error}: pip install 'sidelong[export,federated]'", file=sys.stderr)
    raise SystemExit(2) from None


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m federated.deploy")
    actions = top.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, words: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=words)
        sub.add_argument("folder", type=Path, help="the federation's folder")
        return sub

    init = action("init", "make CA and certificate for a new federation")
    init.add_argument(
        "names", nargs="+", metavar="NAME", help="host names or addresses of the gate"
    )
    init.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")
    init.add_argument("--port", type=int, default=9443, help="of the gate (default: 9443)")
    action("up", "SuperLink and gate, until Ctrl-C")
    register = action("register", "let a device take part")
    register.add_argument("key", type=Path, help="file with the device's public key")
    register.add_argument("--name", help="to tell devices apart by")
    revoke = action("revoke", "shut a device out")
    revoke.add_argument("node", type=int, help="its number, as `devices` lists it")
    action("devices", "list the registered devices")
    run = action("run", "rounds with the devices that are there")
    run.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="see federated/settings.py"
    )
    action("rotate", "a new key and certificate for the server, from the same CA")
    return top


def main() -> None:
    args = parser().parse_args()
    # So that what was started is ended too when this process is asked to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _do(args)
    except FileExistsError as error:
        _fail(f"{error.filename} is there already; choose another folder")
    except (RunFailed, ValueError, OSError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _fail(problem: str) -> None:
    print(f"federated.deploy: {problem}", file=sys.stderr)
    raise SystemExit(2)


def _do(args: argparse.Namespace) -> None:
    if args.action == "init":
        fleet = host.set_up(args.folder, args.names, args.host, args.port)
        day = certificates.expires(fleet.folder / "server.pem")
        print(f"{fleet.folder}: certificate for {', '.join(args.names)} until {day}.")
        print(f"Devices need {fleet.folder / 'ca.pem'}. Keep a copy of ca.key offline.")
        return
    fleet = host.fleet_of(args.folder)
    match args.action:
        case "up":
            with host.up(fleet) as processes:
                print(f"The gate listens on {fleet.host}:{fleet.port}. Ctrl-C ends it.", flush=True)
                while all(process.poll() is None for process in processes):
                    time.sleep(1)
            raise RunFailed(f"SuperLink or gate has ended; see {fleet.folder}/*.log")
        case "register":
            print(f"device {host.register(fleet, args.key, args.name)} is registered")
        case "revoke":
            host.revoke(fleet, args.node)
            print(f"device {args.node} is shut out")
        case "devices":
            for node in host.devices(fleet):
                said = f"{node['node-id']:>20}  {node['status']:<12} since {node['created-at']}"
                print(said)
        case "rotate":
            certificates.make_server_certificate(
                fleet.folder, certificates.server_names(fleet.folder)
            )
            day = certificates.expires(fleet.folder / "server.pem")
            print(f"a new certificate until {day}; `up` takes it when it is started again")
        case "run":
            usual = {"out": str(fleet.folder / "run"), "deployed": True, "users": 2}
            came_to = host.run(fleet, Settings.from_pairs(args.set, usual))
            print(json.dumps({"status": COMPLETED} | came_to))


if __name__ == "__main__":
    main()
