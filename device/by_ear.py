"""A display that is heard as well: what it shows is spoken, what the wearer says is an utterance.

It wraps any display, so the flow doesn't know whether words were typed or spoken. What it adds to
the safety of a send:

- while the wearer rides nothing is seen, so a text to be confirmed stands before the wearer only
  once it was heard to its end; cut off, it is read again;
- a "send" that began while Sidelong spoke doesn't count: it may have been its own loudspeaker;
- during the countdown any speech at all stops the send, understood or not.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from device import scenes
from device.displays.scene import Display, Scene
from device.errors import DisplayError, VoiceError
from device.logs import about
from device.settings import Activity
from device.spoken import notes_of, speech
from device.utterances import is_whole, understand
from device.voice.audio import Source
from device.voice.ears import Ears, Heard
from device.voice.endpoint import Endpoint
from device.voice.mouth import Mouth
from device.voice.recogniser import Recogniser, Vocabulary

log = logging.getLogger(__name__)

Ending = Literal["typing", "recording", "never"]
"""What it ends with."""
ECHO = 0.3
"""Seconds that a room goes on sounding after the loudspeaker."""
ANSWER = 15.0
"""Seconds in which words that are no command may be the answer to a question."""
ANSWERED = 5.0
"""Seconds without a sound after which the end of a recording has been answered."""
UNANSWERED = 1.0
"""Seconds in which what was said has changed the scene, if it does."""
SOMETHING = "…"
"""What is passed on where somebody spoke and nothing was understood: it is unclear to anybody."""
TOPICS = 60
RECENT = 20
"""Messages whose words may be named."""
_WORD = re.compile(r"[a-z']{4,}")


class ByEar:
    """A `Display`. `activity` and `names` are asked each time they matter."""

    def __init__(
        self,
        inner: Display,
        source: Source,
        recogniser: Recogniser,
        mouth: Mouth,
        activity: Callable[[], Activity] = lambda: "seated",
        names: Callable[[], Sequence[str]] = lambda: (),
        endpoint: Endpoint | None = None,
        ends_with: Ending = "typing",
    ):
        """It ends with what is typed or, where nobody types (a service, a pipe), with the recording
        that stands for the microphone, once that is answered, or only from outside."""
        self._inner = inner
        self._mouth = mouth
        self._ears = Ears(source, recogniser, is_whole, self._somebody_speaks, endpoint)
        self._activity = activity
        self._names = names
        self._scene: Scene | None = None
        self._has_to_be_heard = False
        self._cut = False
        self._asks_until = 0.0
        self._ends_with = ends_with
        self._heard_out = asyncio.Event()
        self._said: asyncio.Queue[str | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed = ""
        """Why it was of no use, where it has ended with a recording: it could not be listened to,
        or nothing was understood, and nothing typed."""
        self.latencies: list[float] = []
        """Seconds from the end of each understood utterance until it was understood."""

    async def show(self, scene: Scene) -> None:
        """Show and speak it; returns when it is drawn, or, while riding, a text to be confirmed was
        heard whole. Raises `DisplayError` where it was cut off."""
        before, self._scene = self._scene, scene
        if any(row.mark == "notice" and row.text.endswith("?") for row in scene.rows):
            self._asks_until = time.monotonic() + ANSWER
        words = speech(scene, before, self._activity())
        if words and (scene.stage or scene.tier != "glance"):
            self._mouth.hush()
        if words and self._riding and scene.stage == "read back":
            try:
                await self._draw(scene)
                await self._read_back(words)
            except DisplayError:
                self._scene = before  # the next try reads it again
                raise
            return
        if words:
            self._spawn(self._speak(words))  # a lens may take its time, or be out of reach
        await self._draw(scene)

    async def utterances(self) -> AsyncIterator[str]:
        """What is typed or said, in its order, until the display within has ended; where nobody
        types, until there is nothing more to be heard."""
        self._spawn(self._typed())
        self._spawn(self._spoken())
        while (words := await self._said.get()) is not None:
            yield words

    def notice(self, text: str) -> None:
        """Tell the wearer at once: the microphone is gone, or back."""
        log.warning("voice: %s", text)
        self._spawn(self._note(text))

    async def close(self) -> None:
        """Silence, and close everything. May be called twice."""
        await self._ears.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(VoiceError):
            await self._mouth.close()
        await self._inner.close()

    async def _typed(self) -> None:
        typed = False
        async for words in self._inner.utterances():
            typed = True
            self._mouth.hush()
            self._said.put_nowait(words)
        if self._ends_with != "typing":
            await self._heard_out.wait()
            if not (self.failed or typed or self.latencies):
                self.failed = "nothing that was said was understood, and nothing was done"
        self._said.put_nowait(None)

    async def _spoken(self) -> None:
        why = ""
        try:
            async for heard in self._ears.heard():
                if (words := self._passed(heard)) is not None:
                    self._said.put_nowait(words)
                    self._spawn(self._tell_again(self._scene))
        except Exception as error:  # a recogniser's native code may raise anything
            why = str(error) or type(error).__name__
            instead = " You can still type." if self._ends_with == "typing" else ""
            self.notice(f"Nothing is heard any more: {why}.{instead}")
        if self._ends_with != "recording":
            return  # who is shown messages is still shown them
        self.failed = why
        ended = time.monotonic()
        while time.monotonic() < max(ended, self._mouth.last_sound) + ANSWERED:
            await asyncio.sleep(ANSWERED / 10)
        self._heard_out.set()

    async def _tell_again(self, scene: Scene | None) -> None:
        """The same notes as before stand there: who can't look hears them once more."""
        await asyncio.sleep(UNANSWERED)
        if scene is self._scene and (notes := notes_of(scene)):
            await self._mouth.say(notes, self._ears.silence)

    def _somebody_speaks(self) -> None:
        """Barge-in."""
        self._cut = self._cut or self._has_to_be_heard
        self._mouth.hush()

    def _passed(self, heard: Heard) -> str | None:
        """What of an utterance is passed on; None where it was not meant for Sidelong, or may not
        have been."""
        cut, self._cut = self._cut, False
        act = understand(heard.text).act if heard.text else "unclear"
        echo = heard.began < self._mouth.last_sound + ECHO
        if act == "unclear" and heard.text and self._asks():
            return heard.text
        if act == "unclear" or (act == "confirm" and echo):
            counting = self._scene is not None and self._scene.stage == "countdown"
            return SOMETHING if cut or counting else None
        self.latencies.append(heard.took)
        log.info("heard", extra=about(act=act, ms=round(1000 * heard.took)))
        return heard.text

    def _asks(self) -> bool:
        """Whether a question of Sidelong's stands there, or stood there just now."""
        return time.monotonic() < self._asks_until

    @property
    def _riding(self) -> bool:
        return self._activity() == "riding"

    def _seen(self, scene: Scene) -> Scene:
        """What of a scene is drawn: while the wearer rides and hears, nothing."""
        unseen = self._riding and self._mouth.works
        return replace(scenes.DARK, thread=scene.thread) if unseen else scene

    async def _draw(self, scene: Scene) -> None:
        await self._inner.show(self._seen(scene))
        self._ears.expect(Vocabulary(tuple(self._names()), _topics(scene), self._asks()))

    async def _read_back(self, words: str) -> None:
        """Raises `DisplayError` where they were not heard to their end."""
        self._has_to_be_heard = True
        whole = await self._mouth.say(words, self._ears.silence)
        self._has_to_be_heard = False
        if not whole:
            raise DisplayError("what is to be sent was not heard to its end")

    async def _speak(self, words: str) -> None:
        worked = self._mouth.works
        await self._mouth.say(words, self._ears.silence)
        if worked and not self._mouth.works:
            await self._note("The loudspeaker is gone: what would be said is shown.")

    async def _note(self, text: str) -> None:
        with suppress(DisplayError):
            noted = scenes.with_notes(self._scene or scenes.DARK, (text,))
            await self._inner.show(self._seen(noted))
        await self._mouth.say(text)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _topics(scene: Scene) -> tuple[str, ...]:
    """The words that the conversation's last messages are about, the most frequent first."""
    messages = scene.thread.messages[-RECENT:] if scene.thread else ()
    counted = Counter(w for m in messages for w in _WORD.findall(m.text.casefold()))
    return tuple(word for word, _ in counted.most_common(TOPICS))
