"""One large file over HTTP: with progress, taken up again where it was cut off, checked.

What has arrived lies in `X.part`; `X.part.json` says of what it is a part (URL, validator, length,
hash), and is written before the first byte. A part is taken up again only if it surely belongs to
the same content: the server confirms the validator (RFC 9110, If-Range with a strong ETag), or a
SHA-256 is known that the whole will be held against.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import os
import shutil
import urllib.error
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from device.disk import sha256_of
from device.errors import ModelError
from device.language.gguf_header import MAGIC
from device.language.http_answer import answer

Progress = Callable[[int, int | None], None]
"""Called with the bytes so far and those in all (None where the server doesn't say)."""

TIMEOUT_SECONDS = 30.0
"""The longest silence of a server."""

SPARE_BYTES = 64 << 20
"""Disk space that a download leaves free, for the inbox."""

_CHUNK = 1 << 16


def download(
    url: str,
    part: Path,
    sha256: str | None,
    progress: Progress | None,
    begins: bytes | None = MAGIC,
) -> str:
    """Fetch `url` into `part` and return the SHA-256 of all of it, as lower-case hex.

    `begins`: the bytes that a file of the kind wanted begins with, None where there are none.

    What is known beforehand (`sha256`, or the hub's X-Linked-ETag) must come out. Raises
    `ModelError`; the part stays where going on makes sense, and is deleted where its content is
    wrong.
    """
    try:
        state = _fetch(url, part, sha256, progress, begins)
        digest = sha256_of(part)
    except urllib.error.HTTPError as error:
        with error:
            raise ModelError(f"{_where(url)}: {_meaning(error.code)}") from error
    except urllib.error.URLError as error:
        _give_up(url, error.reason, error)
    except (ValueError, http.client.InvalidURL) as error:
        raise ModelError(f"{_where(url)}: not a usable URL ({error}); check spelling") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        _give_up(url, error, error)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(
                f"{part}: the disk is full; make room and run the same command again"
            ) from error
        raise ModelError(f"{part}: can't be written ({error.strerror}); check rights") from error
    if state.sha256 and digest != state.sha256:
        discard(part)
        raise ModelError(
            f"{_where(url)}: damaged or not the file expected (SHA-256 {digest}, expected "
            f"{state.sha256}); what was fetched is deleted; try again, or check the hash"
        )
    return digest


def discard(part: Path) -> None:
    """Delete a part and what is known of it."""
    part.unlink(missing_ok=True)
    _state_path(part).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of the content that a part belongs to."""

    source: str
    """SHA-256 of the URL, whose query may hold a secret."""
    etag: str | None
    """A strong ETag, or None."""
    total: int | None
    """Length of the whole in bytes."""
    sha256: str | None


def _source(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def _where(url: str) -> str:
    """The URL as messages show it."""
    return url.partition("?")[0]


def _state_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _known(part: Path) -> _State | None:
    """What was written of the part; None where nothing was, or nothing that can be right."""
    try:
        state = _State(**json.loads(_state_path(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    texts = all(isinstance(text, str | None) for text in (state.etag, state.sha256))
    whole = state.total is None or type(state.total) is int
    return state if isinstance(state.source, str) and texts and whole else None


def _fetch(
    url: str,
    part: Path,
    sha256: str | None,
    progress: Progress | None,
    begins: bytes | None,
) -> _State:
    """Bring `part` to its full length, from where it stands if that can be."""
    known = _known(part)
    have = part.stat().st_size if part.exists() else 0
    if known and _may_go_on(known, url, have, sha256):
        if have == known.total:
            return known
        headers = {"Range": f"bytes={have}-"} | ({"If-Range": known.etag} if known.etag else {})
        try:
            with answer(url, headers, TIMEOUT_SECONDS) as (response, linked):
                state = _state(url, response, linked, sha256)
                # Not every server honours If-Range: does this answer go on where the part ends?
                starts = (response.headers["Content-Range"] or "").startswith(f"bytes {have}-")
                goes_on = response.status == 206 and starts and state == known
                if goes_on or response.status == 200:
                    at = have if goes_on else 0
                    _receive(response, part, at, state, progress, _where(url), begins)
                    return state
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            error.close()
    with answer(url, {}, TIMEOUT_SECONDS) as (response, linked):
        state = _state(url, response, linked, sha256)
        _receive(response, part, 0, state, progress, _where(url), begins)
        return state


def _may_go_on(known: _State, url: str, have: int, sha256: str | None) -> bool:
    return (
        known.source == _source(url)
        and 0 < have <= (known.total or have)
        and (sha256 is None or known.sha256 == sha256)
        and bool(known.etag or known.sha256)
    )


def _state(
    url: str, response: http.client.HTTPResponse, linked: str | None, sha256: str | None
) -> _State:
    headers = response.headers
    if headers.get("Content-Encoding", "identity") != "identity":
        raise ModelError(f"{_where(url)}: the server sends it compressed; choose another source")
    if sha256 and linked and sha256 != linked:
        raise ModelError(
            f"{_where(url)}: the hub has a file with SHA-256 {linked}, expected {sha256}; "
            "check the hash, or name the revision it belongs to"
        )
    expected = sha256 or linked
    length = headers["Content-Length"]
    if response.status == 206:
        length = (headers["Content-Range"] or "").rpartition("/")[2]
    total = int(length) if length and length.isdecimal() else None
    if total is None and not expected:
        raise ModelError(
            f"{_where(url)}: the server doesn't say how long the file is, so a cut could not be "
            "noticed; give its SHA-256"
        )
    etag = headers["ETag"]
    return _State(_source(url), etag if etag and etag.startswith('"') else None, total, expected)


def _receive(
    response: http.client.HTTPResponse,
    part: Path,
    have: int,
    state: _State,
    progress: Progress | None,
    where: str,
    begins: bytes | None,
) -> None:
    """Write the body behind the first `have` bytes of `part`, and see that it is whole."""
    with part.open("ab" if have else "wb") as file:
        _make_sure_of_room(part, (state.total or have) - have)
        if not have:
            _state_path(part).write_text(json.dumps(asdict(state)), encoding="utf-8")
        if progress:
            progress(have, state.total)
        while chunk := response.read(_CHUNK):
            if not have and begins is not None and not chunk.startswith(begins):
                discard(part)
                kind = response.headers.get_content_type()
                wanted = "a GGUF file" if begins == MAGIC else "a file of the kind wanted"
                raise ModelError(
                    f"{where}: not {wanted} but {kind!r}; "
                    "give the address of the file itself, not of a page about it"
                )
            file.write(chunk)
            have += len(chunk)
            if progress:
                progress(have, state.total)
            if state.total is None:
                _make_sure_of_room(part, 0)
        file.flush()
        os.fsync(file.fileno())
    if state.total is not None and have < state.total:
        raise ModelError(
            f"{where}: cut off after {have} of {state.total} bytes; "
            "run the same command again to go on from there"
        )
    if have == 0 or have > (state.total or have):
        discard(part)
        raise ModelError(f"{where}: {have} bytes came, {state.total} were said; try again")


def _make_sure_of_room(part: Path, wanted: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < wanted + SPARE_BYTES:
        raise ModelError(
            f"{part.parent}: {free >> 20} MiB are free, {(wanted + SPARE_BYTES) >> 20} are needed; "
            "make room and run the same command again"
        )


def _meaning(code: int) -> str:
    if code in (401, 403):
        return f"the server wants a sign-in (HTTP {code}); choose a source that is open to all"
    if code in (404, 410):
        return f"there is no such file (HTTP {code}); check the spelling"
    return f"the server answers HTTP {code}; try again later, or another source"


def _give_up(url: str, reason: object, error: Exception) -> NoReturn:
    if isinstance(reason, TimeoutError):
        reason = f"no answer for {TIMEOUT_SECONDS:g} seconds"
    raise ModelError(
        f"{_where(url)}: the connection failed ({reason}); "
        "run the same command again, what has arrived is kept"
    ) from error
