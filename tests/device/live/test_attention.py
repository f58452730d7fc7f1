"""Attention in the live flow: what shows itself, what waits for a pause, and what is learnt."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from device import desk
from device.attention_log import AttentionLog
from device.by_ear import ByEar
from device.interruptions import Interruptions
from device.live import Live
from device.messages import Card, Thread, Triage
from device.settings import Settings
from device.voice.audio import Feed
from device.voice.mouth import Mouth
from tests.hearing import Letters, Room, Words
from tests.lives import WHOLE, Clock, Glass, Peer, card, living, text_of
from tests.needs import needs_voice

CHATTER = Triage(needs_reply=False, urgency="low")


class Triaging:
    """A quick model that knows from the first stage on what asks something: what has a "?"."""

    def stages(self, thread: Thread) -> Iterator[Card]:
        whole = card(thread)
        if "?" not in thread.messages[-1].text:
            whole = replace(whole, triage=CHATTER)
        yield whole
        yield whole

    def keep_up(self, thread: Thread) -> None:
        """It reads nothing."""

    def forget(self, thread_id: str) -> None:
        """It keeps nothing."""


@asynccontextmanager
async def attentive(
    path: Path, glass: Glass, peer: Peer, settings: Settings, clock: Clock | None = None
) -> AsyncIterator[tuple[Live, AttentionLog]]:
    with AttentionLog(path) as kept:
        attention = Interruptions("c", settings, kept, clock or Clock(), lambda: 0.5)
        async with living(path, glass, peer, Triaging(), interruptions=attention) as live:
            yield live, kept


async def decided(kept: AttentionLog, count: int) -> None:
    async with asyncio.timeout(30):
        while len(kept.entries()) < count:
            await asyncio.sleep(0.01)


def shown(glass: Glass) -> str:
    return "\n".join(map(text_of, glass.scenes))


async def test_chatter_waits_until_the_wearer_has_answered(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with attentive(path, glass, peer, Settings()) as (_, kept):
        peer.writes("look at this cloud", "m0", "zoe", "Zoe")
        await decided(kept, 1)
        peer.writes("coming tonight?", "m1")
        await glass.until("coming tonight?")
        await glass.until(WHOLE)
        assert "cloud" not in shown(glass)
        glass.say("reply")
        await glass.until("Reply to Ben")
        glass.say("1")
        await glass.until("To Ben?")
        glass.say("send")
        await glass.until("look at this cloud")
        [chatter, asked] = kept.entries()
        assert (chatter.when, chatter.why) == ("pause", "chatter")
        assert (asked.when, asked.why, asked.outcome) == ("now", "reply", "answered")


async def test_next_is_a_pause_too_and_later_a_dismissal(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with attentive(path, glass, peer, Settings()) as (_, kept):
        peer.writes("look at this cloud", "m0", "zoe", "Zoe")
        await decided(kept, 1)
        glass.say("next")
        await glass.until("look at this cloud")
        glass.say("why")
        await glass.until("Kept for a pause: it asks nothing of you.")
        glass.say("later")
        async with asyncio.timeout(30):
            while kept.entries()[0].outcome is None:
                await asyncio.sleep(0.01)
        assert kept.entries()[0].outcome == "dismissed"


@pytest.mark.parametrize("outcome", ["read", "ignored", "answered"])
async def test_what_came_of_a_message_is_kept(
    path: Path, glass: Glass, peer: Peer, monkeypatch: pytest.MonkeyPatch, outcome: str
) -> None:
    """Read word for word; let pass; answered from another device."""
    monkeypatch.setattr(desk, "GLANCE_MOST", 0.2 if outcome == "ignored" else 60.0)
    async with attentive(path, glass, peer, Settings()) as (_, kept):
        peer.writes("coming tonight?", "m0")
        await glass.until("coming tonight?")
        if outcome == "read":
            glass.say("read")
        elif outcome == "answered":
            peer.writes("yes, at 8", "m1", sender=peer.me)
        async with asyncio.timeout(30):
            while kept.entries()[0].outcome is None:
                await asyncio.sleep(0.01)
        assert kept.entries()[0].outcome == outcome


async def test_what_waits_too_long_is_shown_as_one_interruption(
    path: Path, glass: Glass, peer: Peer
) -> None:
    clock = Clock()
    settings = Settings(batch=10, interruptions=1)
    async with attentive(path, glass, peer, settings, clock) as (_, kept):
        peer.writes("look at this cloud", "m0", "zoe", "Zoe")
        await decided(kept, 1)
        clock.now += dt.timedelta(minutes=11)
        peer.writes("me too", "m1", "ida", "Ida")
        await glass.until("look at this cloud")
        peer.writes("coming?", "m2")  # the one interruption of this hour has been
        await decided(kept, 3)
        assert (kept.entries()[-1].when, kept.entries()[-1].why) == ("pause", "limit")


async def test_a_stranger_never_shows_itself(path: Path, glass: Glass, peer: Peer) -> None:
    stranger = "+44 7700 900123"
    async with attentive(path, glass, peer, Settings(people=(stranger,))) as (_, kept):
        peer.writes("are you there?", "m0", stranger, stranger)
        await decided(kept, 1)
        assert (kept.entries()[0].when, kept.entries()[0].why) == ("pause", "stranger")
        peer.writes("coming tonight?", "m1")
        await glass.until("coming tonight?")
        assert "are you there" not in shown(glass)


async def test_a_muted_group_stays_silent_at_a_pause(path: Path, glass: Glass, peer: Peer) -> None:
    clock = Clock()
    with AttentionLog(path) as kept:
        attention = Interruptions("c", Settings(), kept, clock, lambda: 0.5)
        attention.mute("zoe", clock.now + dt.timedelta(hours=1))
        async with living(path, glass, peer, Triaging(), interruptions=attention) as live:
            peer.writes("are you in?", "m0", "zoe", "Zoe")
            peer.writes("look at this cloud", "m1", "ida", "Ida")
            await decided(kept, 2)
            live.moved("seated")
            await glass.until("look at this cloud")
            assert "are you in" not in shown(glass)
            attention.unmute("zoe")
            live.moved("walking")
            await glass.until("are you in?")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("I'm sitting", "You are sitting now."),
        ("cooking", "You are cooking now."),
        ("seated", "You are seated now."),
    ],
)
async def test_seated_the_card_says_what_is_asked(
    path: Path, glass: Glass, peer: Peer, words: str, told: str
) -> None:
    class Asking(Triaging):
        def stages(self, thread: Thread) -> Iterator[Card]:
            for stage in super().stages(thread):
                yield replace(stage, asks=stage.summary)

    with AttentionLog(path) as kept:
        attention = Interruptions("c", Settings(), kept, Clock(), lambda: 0.5)
        async with living(path, glass, peer, Asking(), interruptions=attention):
            glass.say(words)
            await glass.until(told)
            peer.writes("coming tonight?", "m0")
            await glass.until("asks you about coming tonight?")


async def test_riding_by_a_sensor_a_question_waits_for_the_end_of_the_ride(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with attentive(path, glass, peer, Settings()) as (live, kept):
        live.moved("riding")
        await glass.until("You are riding now.")
        peer.writes("coming tonight?", "m0")
        await decided(kept, 1)
        assert (kept.entries()[0].when, kept.entries()[0].why) == ("pause", "riding")
        assert "coming" not in shown(glass)
        live.moved("seated")
        await glass.until("coming tonight?")


@needs_voice
async def test_riding_said_by_the_wearer_makes_it_audio_only_at_once(
    path: Path, glass: Glass, peer: Peer
) -> None:
    room = Room()
    room.goes_on.set()

    async def heard(words: str) -> None:
        async with asyncio.timeout(30):
            while words not in " ".join(room.heard):
                await asyncio.sleep(0.01)

    with AttentionLog(path) as kept:
        attention = Interruptions("c", Settings(people=("Ben",)), kept, Clock(), lambda: 0.5)
        by_ear = ByEar(glass, Feed(), Letters(), Mouth(Words(), room), lambda: attention.activity)
        async with living(
            path,
            by_ear,  # type: ignore[arg-type]
            peer,
            Triaging(),
            interruptions=attention,
        ):
            peer.writes("coming tonight?", "m0")
            await glass.until("coming tonight?")
            glass.say("riding")
            await heard("You are riding now.")
            before = len(glass.scenes)
            assert not glass.scenes[-1].rows, "the lens went dark with the word"
            peer.writes("or tomorrow?", "m1")
            await heard("or tomorrow?")
            assert not any(scene.rows for scene in glass.scenes[before:])
            glass.say("walking")
            await glass.until("You are walking now.")


async def test_a_burst_in_one_conversation_is_one_interruption(
    path: Path, glass: Glass, peer: Peer
) -> None:
    async with attentive(path, glass, peer, Settings(interruptions=1)) as (_, kept):
        for i in range(3):
            peer.writes(f"coming {i}?", f"m{i}")
            await glass.until(f"coming {i}?")
        assert {entry.when for entry in kept.entries()} == {"now"}
