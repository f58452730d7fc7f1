"""The gate's one path."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="uvicorn is in the extra `federated`")

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from federated.deploy import gate
from federated.flower import free_port


@pytest.fixture
def behind(folder: Path) -> Iterator[tuple[httpx.Client, list[str]]]:
    """(a client of the gate, what has reached the SuperLink behind it)."""
    reached: list[str] = []

    async def superlink(request: Request) -> Response:
        reached.append(request.url.path)
        echoed = {"x-told": request.headers.get("x-signature", ""), "connection": "close"}
        return Response(await request.body(), 201, echoed)

    ports = free_port(), free_port()
    inner = Starlette(routes=[Route("/{path:path}", superlink, methods=["GET", "POST"])])
    address = f"127.0.0.1:{ports[0]}"
    servers = [
        gate.server("127.0.0.1", ports[0], address, folder, served=inner),
        gate.server("127.0.0.1", ports[1], address, folder),
    ]
    threads = [threading.Thread(target=server.run, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 120
    while not all(server.started for server in servers):
        assert time.monotonic() < until
        time.sleep(0.05)
    trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with httpx.Client(base_url=f"https://127.0.0.1:{ports[1]}", verify=trust) as client:
        yield client, reached
    for server, thread in zip(servers, threads, strict=True):
        server.should_exit = True
        thread.join(30)


@pytest.mark.filterwarnings("default")  # uvicorn's own
def test_the_gate_lets_the_fleet_path_through_and_nothing_else(
    behind: tuple[httpx.Client, list[str]],
) -> None:
    client, reached = behind
    answer = client.post(
        "/v1/fleet/pull-messages", content=b"\x00\x01", headers={"x-signature": "abc"}
    )
    assert (answer.status_code, answer.content) == (201, b"\x00\x01")
    assert answer.headers["x-told"] == "abc"
    assert reached == ["/v1/fleet/pull-messages"]
    for path in (
        "/v1/control/start-run", "/v1/runtime/acquire-task", "/v1/fleet/register-node",
        "/v1/fleet/unregister-node", "/v1/fleet/%2e%2e/control/start-run", "/docs", "/",
        "//v1/control/start-run", "/v1/fleet/pull-messages/../../control/start-run",
    ):  # fmt: skip
        assert client.post(path, content=b"").status_code == 404, path
    assert client.get("/v1/fleet/pull-messages").status_code == 405
    assert client.post("/v1/fleet/push-object", content=bytes(gate.LARGEST + 1)).status_code == 413
    assert reached == ["/v1/fleet/pull-messages"]
