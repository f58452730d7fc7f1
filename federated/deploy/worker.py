"""One message from the SuperNode, answered by this device's own client; then the process ends.

It stands where Flower's SuperExec and its process would, which install the app that came with the
run and run its code: that code could read and send anything. Here that step is left out, and the
app is `federated.deploy.client`. A secret that only this and the SuperNode know keeps others of the
machine from taking the task.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from flwr.clientapp import ClientApp
from flwr.proto.runtime_pb2 import AcquireTaskRequest
from flwr.supercore.constant import TaskType
from flwr.supercore.interceptors import (
    RuntimeVersionHttpInterceptor,
    SuperExecAuthHttpInterceptor,
)
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supernode.runtime import run_clientapp as runtime

from federated.processes import watch_parent

EVERY_S = 1.0
NICENESS = 10
SIGNED = frozenset({"/flwr.proto.Runtime/AcquireTask"})


def task(address: str, secret: bytes) -> str:
    """Wait for the next task of the SuperNode at this address of loopback; its token."""
    wanted = AcquireTaskRequest(supported_task_types=[TaskType.CLIENT_APP])
    with RuntimeHttpClient.from_server_address(
        server_address=address,
        insecure=True,
        root_certificates=None,
        interceptors=[
            RuntimeVersionHttpInterceptor(component_name="SuperExec"),
            SuperExecAuthHttpInterceptor(master_secret=secret, protected_methods=SIGNED),
        ],
    ) as client:
        while True:
            try:
                found = client.AcquireTask(wanted)
                if found.HasField("task") and found.token:
                    return str(found.token)
            except httpx.TransportError:  # the SuperNode is busy; `join` sees where it ended
                pass
            time.sleep(EVERY_S)


def own_app(*names: str) -> ClientApp:
    """This device's client, whatever the run's app is called.

    It is imported only here: PyTorch takes longer than Flower waits for a task's first sign of
    life, and a device that waits for a round should hold no more memory than it must.
    """
    from federated.deploy.client import app

    return app


def keep_out(names: dict[str, Any]) -> None:
    """Put nothing and our own client where Flower's function installs and loads the run's app.

    `names` are its module's. Raises `RuntimeError` where it has no such names: a Flower that does
    this in another way would run what the server sent.
    """
    ours = {
        "install_from_fab": lambda *_, **__: None,
        "get_load_client_app_fn": lambda *_, **__: own_app,
    }
    if missing := set(ours) - set(names):
        raise RuntimeError(f"this Flower has no {', '.join(sorted(missing))}; 1.41.0 has")
    names.update(ours)


def main() -> None:
    """`python -m federated.deploy.worker ADDRESS SECRET_FILE`; exits with 0 once it has answered.

    It gives way to the wearer's own programs, and not to everything else on a busy machine: the
    server waits for so long and no longer.
    """
    watch_parent()
    os.umask(0o077)
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    address = sys.argv[1]
    token = task(address, Path(sys.argv[2]).read_bytes())
    keep_out(vars(runtime))
    runtime.run_clientapp(address, token, insecure=True, runtime_dependency_install=False)


if __name__ == "__main__":
    main()
