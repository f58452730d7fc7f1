"""The page's files, and who may have them.

Everything lies below a path that only the wearer knows: /TOKEN/. Another page in the same browser
doesn't know it, isn't the origin that a websocket is accepted from, and can't make its own name
stand for this machine (DNS rebinding), because only the display's own names are answered.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable
from html import escape
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from device.disk import write_atomically
from device.errors import DisplayError

LIVE = "live"
"""The websocket's name below the token."""
STATUS = "status"
"""The name of the page that says how it goes."""
StatusHook = Callable[[], Iterable[tuple[str, str]]]
"""Says how it goes: (what, how much), in the order to be shown."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_FILES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "glass.css": ("glass.css", "text/css; charset=utf-8"),
    "status.css": ("status.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "microphone.js": ("microphone.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def kept_token(path: Path) -> str:
    """The secret in `path`, made at the first call and readable for the wearer alone.

    It stays the same, so that an open page finds a display that was started anew. Raises
    `DisplayError`.
    """
    try:
        if path.exists():
            token = path.read_text(encoding="ascii").strip()
            if len(token) >= 32 and token.replace("-", "").replace("_", "").isalnum():
                return token
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        token = secrets.token_urlsafe(32)
        write_atomically(path, token)
    except (OSError, UnicodeDecodeError) as error:
        raise DisplayError(
            f"{path}: the page's secret can't be kept there: {error}; see to it that the file "
            "can be read and written, or delete it"
        ) from error
    return token


def answer(
    request: Request, token: str, host: str, status: StatusHook | None = None
) -> Response | None:
    """The answer to a request; None for a websocket that may be opened.

    `host`: the name or address that the display was told to listen on. `status`: see `StatusHook`.
    """
    asked = request.headers.get_all("Host")
    allowed = LOOPBACK if host in LOOPBACK else {host.lower()}
    if len(asked) != 1 or _name(asked[0]) not in allowed:
        return _text(HTTPStatus.MISDIRECTED_REQUEST, "This is not the address of Sidelong's page.")
    path = request.path.partition("?")[0]
    _, given, name = [*path.split("/", 2), "", ""][:3]
    if not hmac.compare_digest(given.encode(), token.encode()):
        return _text(HTTPStatus.FORBIDDEN, "Open the whole address that Sidelong prints.")
    if name == LIVE:
        if request.headers.get_all("Origin") != [f"http://{asked[0]}"]:
            return _text(HTTPStatus.FORBIDDEN, "Only Sidelong's own page may connect.")
        return None
    if name == STATUS and status is not None:
        return _response(HTTPStatus.OK, "text/html; charset=utf-8", _status_page(status()))
    if name not in _FILES:
        return _text(HTTPStatus.NOT_FOUND, "There is nothing here.")
    file, kind = _FILES[name]
    body = resources.files(__package__).joinpath(file).read_bytes()
    return _response(HTTPStatus.OK, kind, body)


def _status_page(rows: Iterable[tuple[str, str]]) -> bytes:
    """The rows in the place that `status.html` leaves for them."""
    told = "\n".join(f"<dt>{escape(what)}</dt><dd>{escape(much)}</dd>" for what, much in rows)
    frame = resources.files(__package__).joinpath("status.html").read_text(encoding="utf-8")
    return frame.replace("<!-- rows -->", told).encode()


def _name(host: str) -> str | None:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _text(status: HTTPStatus, text: str) -> Response:
    return _response(status, "text/plain; charset=utf-8", f"{text}\n".encode())


def _response(status: HTTPStatus, kind: str, body: bytes) -> Response:
    headers = Headers(_HEADERS)
    headers["Content-Type"] = kind
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, body)
