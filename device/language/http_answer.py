"""A request over HTTP or HTTPS and nothing else, and what its redirects tell on the way."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast
from urllib.parse import urlsplit

from device.disk import SHA256
from device.errors import ModelError


@contextmanager
def answer(
    url: str, headers: dict[str, str], timeout: float
) -> Iterator[tuple[http.client.HTTPResponse, str | None]]:
    """The answer after all redirects, and the SHA-256 that the hub told on the way.

    `timeout`: the longest silence in seconds. Raises what `urllib.request` raises, and `ModelError`
    for a redirect that is not safe to follow.
    """
    redirects = Redirects()
    opener = urllib.request.OpenerDirector()
    # Not `build_opener`: that one also opens file:, data: and ftp: URLs.
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        redirects,
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(url, headers={"User-Agent": "sidelong", **headers})
    with cast(http.client.HTTPResponse, opener.open(request, timeout=timeout)) as response:
        yield response, _linked_sha256(response.headers) or redirects.linked


class Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects are followed, never from https to anything else; the hub's hash is kept."""

    def __init__(self) -> None:
        self.linked: str | None = None

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        self.linked = self.linked or _linked_sha256(headers)
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if after.scheme != "https" and (before.scheme == "https" or after.scheme != "http"):
            fp.close()
            raise ModelError(
                f"{before.hostname}: redirects from {before.scheme} to {after.scheme}, which is "
                "not safe to follow; choose another source"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _linked_sha256(headers: http.client.HTTPMessage) -> str | None:
    """The hub names large files by their SHA-256; small ones have git's SHA-1, of no use here."""
    etag = (headers["X-Linked-ETag"] or "").strip('"')
    return etag if SHA256.fullmatch(etag) else None
