"""The only door from outside: a reverse proxy with TLS that lets the fleet path through.

A SuperLink serves three APIs on one port: the fleet's, which authenticates each device by its key;
and the Control and Runtime APIs, by which anybody who reaches them starts a run and reads its
results. It listens on loopback, and this stands before it.
"""

from __future__ import annotations

import argparse
import ssl
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from federated.processes import watch_parent

CALLS = (
    "activate-node", "deactivate-node", "send-node-heartbeat", "pull-messages", "push-messages",
    "get-run", "get-fab", "push-object", "pull-object", "confirm-message-received",
)  # fmt: skip
"""What a registered device asks for. Not register-node: the operator registers devices."""
LARGEST = 8 * 2**20
"""Bytes of a request; the largest tensor of the default adapter is 49,152."""
DROPPED = frozenset(
    {"host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
     "content-length", "content-encoding", "accept-encoding", "forwarded", "x-forwarded-for"}
)  # fmt: skip
"""Headers of one hop (RFC 9110, 7.6.1), and those that this end writes itself."""


def app(superlink: str, ca: Path) -> Starlette:
    """The gate before the SuperLink at this address ("127.0.0.1:9092"), whose CA is `ca`."""
    inside = httpx.AsyncClient(
        base_url=f"https://{superlink}",
        verify=ssl.create_default_context(cafile=str(ca)),
        timeout=httpx.Timeout(60.0),
        limits=httpx.Limits(max_connections=256),
        trust_env=False,  # no proxy of the environment's between the gate and loopback
    )

    async def forward(request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > LARGEST:
                    return PlainTextResponse("too large", 413)
        except ClientDisconnect:
            return Response(status_code=400)
        headers = [(k, v) for k, v in request.headers.items() if k not in DROPPED]
        try:
            answer = await inside.post(request.url.path, content=bytes(body), headers=headers)
        except httpx.TransportError:
            return PlainTextResponse("the SuperLink does not answer", 503)
        told = {k: v for k, v in answer.headers.items() if k not in DROPPED}
        return Response(answer.content, answer.status_code, told)

    return Starlette(routes=[Route(f"/v1/fleet/{c}", forward, methods=["POST"]) for c in CALLS])


def server(
    host: str, port: int, superlink: str, folder: Path, served: Starlette | None = None
) -> uvicorn.Server:
    """The gate with the certificate in `folder`, ready to `run`. No access log: who takes part
    when is nobody's business. `served` stands in for `app`."""
    config = uvicorn.Config(
        served or app(superlink, folder / "ca.pem"),
        host=host,
        port=port,
        ssl_certfile=str(folder / "server.pem"),
        ssl_keyfile=str(folder / "server.key"),
        access_log=False,
        server_header=False,
        ws="none",
        log_level="warning",
        limit_concurrency=1024,
        timeout_keep_alive=30,
    )
    config.load()
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    return uvicorn.Server(config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--superlink", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--folder", type=Path, required=True, help="with ca.pem and server.*")
    args = parser.parse_args()
    watch_parent()
    server(args.host, args.port, args.superlink, args.folder).run()


if __name__ == "__main__":
    main()
