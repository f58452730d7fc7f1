"""What the wearer means by a source: an address, or a file of the model hub."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from device.errors import ModelError

HUB = "https://huggingface.co"
"""Where `owner/repo/file.gguf` is looked up; the environment's HF_ENDPOINT replaces it."""

_HUB_ID = re.compile(
    r"(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<early>[\w./-]+?))?[:/]"
    r"(?P<file>[^@:]+\.gguf)(?:@(?P<late>[\w./-]+))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A source, understood."""

    url: str
    file_name: str
    """The last part of its path."""
    source: str
    """As the catalog remembers it; a URL's query is left out, for it may hold a secret."""


def resolve(source: str) -> Remote:
    """Understand an http(s) URL, or a hub id: `owner/repo/file.gguf` or `owner/repo:file.gguf`.

    A hub id may have `@revision` after the repo or at its end; without, it means `main`.
    Raises `ModelError` for anything else, and for a URL with a password in it.
    """
    if "://" in source:
        url = _checked_url(source)
        return Remote(
            url=url,
            file_name=unquote(urlsplit(url).path.rpartition("/")[2]),
            source=urlunsplit(urlsplit(url)._replace(query="")),
        )
    match = _HUB_ID.fullmatch(source)
    parts = match["file"].split("/") if match else []
    if match is None or (match["early"] and match["late"]) or {"", ".", ".."} & set(parts):
        raise ModelError(
            f"{source!r} is neither a URL nor a hub id; "
            "write https://host/file.gguf or owner/repo/file.gguf"
        )
    endpoint = _checked_url(os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    revision = quote(match["early"] or match["late"] or "main", safe="")
    url = f"{endpoint}/{match['repo']}/resolve/{revision}/{quote(match['file'])}"
    return Remote(url, parts[-1], source)


def _checked_url(text: str) -> str:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError as error:
        raise ModelError(f"{text!r} is not a URL ({error}); check its spelling") from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ModelError(f"{text!r}: only http:// and https:// URLs can be fetched")
    if url.username is not None or url.password is not None:
        raise ModelError(f"{url.hostname}: a URL with a password is not accepted; leave it out")
    path = quote(url.path, safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit(url._replace(path=path, fragment=""))
