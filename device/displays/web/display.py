"""The glasses in a browser: scenes out to every open page, utterances and sound back in.

    display = WebDisplay()
    url = await display.open()            # printed too; `show` and `utterances` open it as well
    await display.show(scene)
    async for utterance in display.utterances(): ...

Nothing is asked of any other machine. Frames hold what people wrote, so they are never logged.
"""

from __future__ import annotations

import asyncio
import logging
import time
import webbrowser
from collections.abc import AsyncIterator, Callable

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from device.displays.scene import Scene
from device.displays.web.pages import LOOPBACK, StatusHook, answer, kept_token
from device.displays.web.wire import read, state
from device.errors import DisplayError
from device.settings import default_data_dir

AudioHook = Callable[[bytes], None]
"""Takes the wearer's microphone: 16-bit little-endian samples, mono, 16 kHz, as they come (about a
tenth of a second each); b"" when the wearer stops speaking."""

PATIENCE = 2.0
"""Seconds that `show` waits for a page to draw: an open page on a sleeping laptop never will."""
FRAME_BYTES = 2**16
"""The longest frame that a page may send."""

_log = logging.getLogger(__name__)
_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.WARNING)  # below it, websockets logs every frame


class WebDisplay:
    """A page that any number of tabs may have open; all show the same, each may answer.

    `host`: the one address or name to listen on; anything else than this machine's own loopback
    can be reached, and listened to, by others in that network. `port`: 0 takes any free one.
    `open_browser`: open the page in the wearer's browser at once. `token`: the secret in the
    page's address; None keeps one among the wearer's own data. `status`: what the page "status"
    beside it tells; None has no such page.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8765,
        open_browser: bool = False,
        token: str | None = None,
        status: StatusHook | None = None,
    ):
        self._host = host
        self._port = port
        self._open_browser = open_browser
        self._token = token
        self._status = status
        self._server: Server | None = None
        self._url = ""
        self._opening = asyncio.Lock()
        self._closed = False
        self._number = 0
        self._scene = Scene("glance", ())
        self._drawn: asyncio.Future[None] | None = None
        self._said: asyncio.Queue[str | None] = asyncio.Queue()
        self._audio: AudioHook | None = None
        self._speaker: ServerConnection | None = None

    async def open(self) -> str:
        """Listen, print the page's address, and return it; only the latter when called again.

        Raises `DisplayError` when the address can't be had, or after `close`.
        """
        async with self._opening:
            if self._closed:
                raise DisplayError("the browser display is closed; start Sidelong again")
            if self._server is None:
                await self._listen()
        return self._url

    async def show(self, scene: Scene) -> None:
        """Send the scene to every open page; returns when one has drawn it.

        Where no page is open, or none draws, the scene stands for the page that comes. Raises
        `DisplayError` as `open` does.
        """
        await self.open()
        assert self._server is not None
        self._number += 1
        self._scene = scene
        if self._drawn and not self._drawn.done():
            self._drawn.set_result(None)  # replaced before it was drawn
        self._drawn = drawn = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        if not self._server.connections:
            return
        self._tell_all()
        try:
            async with asyncio.timeout(PATIENCE):
                await drawn
        except TimeoutError:
            _log.warning("no page has drawn scene %d", self._number)
        else:
            _log.debug("drawn in %.1f ms", 1000 * (time.perf_counter() - began))

    async def utterances(self) -> AsyncIterator[str]:
        """What is typed or picked in any page, in order; ends when the display is closed.

        Raises `DisplayError` when the address can't be had.
        """
        if not self._closed:
            await self.open()
        while (said := await self._said.get()) is not None:
            yield said
        self._said.put_nowait(None)  # whoever asks again is told the same

    async def close(self) -> None:
        """Darken every page and stop listening. May be called twice."""
        async with self._opening:
            if not self._closed:
                self._closed = True
                self._said.put_nowait(None)
            if self._server is not None:
                self._server.close()
                await self._server.wait_closed()

    @property
    def audio(self) -> AudioHook | None:
        """Who takes the wearer's microphone. None, as at the start, disables the page's button."""
        return self._audio

    @audio.setter
    def audio(self, hook: AudioHook | None) -> None:
        self._audio, self._speaker = hook, None
        if self._server is not None:
            self._tell_all()

    async def _listen(self) -> None:
        if self._host in ("", "0.0.0.0", "::"):
            raise DisplayError(
                f"the page can't be on every address of this machine ({self._host or 'none'}); "
                "name the one that it is to be opened under, such as 127.0.0.1"
            )
        if self._token is None:
            self._token = kept_token(default_data_dir() / "web-token")
        try:
            self._server = await serve(
                self._attend,
                self._host,
                self._port,
                process_request=self._answer,
                max_size=FRAME_BYTES,
                close_timeout=1,
                server_header=None,
                logger=_wire_log,
            )
        except (OSError, OverflowError) as error:
            raise DisplayError(
                f"the page can't be opened on {self._host}, port {self._port}: {error}; "
                "is Sidelong running already? Otherwise choose another port"
            ) from error
        port = next(iter(self._server.sockets)).getsockname()[1]
        name = f"[{self._host}]" if ":" in self._host else self._host
        self._url = f"http://{name}:{port}/{self._token}/"
        print(f"The glasses are at {self._url}", flush=True)
        if self._host not in LOOPBACK:
            _log.warning("the page goes unencrypted over the network of %s", self._host)
        if self._open_browser:
            await asyncio.to_thread(webbrowser.open, self._url)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        assert self._token is not None
        return answer(request, self._token, self._host, self._status)

    def _tell_all(self) -> None:
        assert self._server is not None
        broadcast(self._server.connections, self._state())

    def _state(self) -> str:
        return state(self._number, self._scene, self._audio is not None)

    async def _attend(self, page: ServerConnection) -> None:
        """One page, from its opening to its end."""
        try:
            await page.send(self._state())
            async for frame in page:
                if isinstance(frame, bytes):
                    self._hear(page, frame)
                    continue
                try:
                    answered = read(frame)
                except ValueError:
                    await page.close(CloseCode.INVALID_DATA, "not what the page would say")
                    return
                self._take(answered)
        except ConnectionClosed:
            pass
        finally:
            if page is self._speaker:
                self._hear(page, b"")

    def _take(self, answered: str | int) -> None:
        if isinstance(answered, str):
            if answered:
                self._said.put_nowait(answered)
        elif answered == self._number and self._drawn and not self._drawn.done():
            self._drawn.set_result(None)

    def _hear(self, page: ServerConnection, sound: bytes) -> None:
        """Sound of the page that speaks; two at once would be a mixture that nobody understands."""
        if self._audio is None or (self._speaker or page) is not page:
            return
        self._speaker = page if sound else None
        self._audio(sound)
