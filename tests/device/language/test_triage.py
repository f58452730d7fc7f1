"""Whoever writes would like to be urgent: neither words for it nor an unknown number make it so."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from device.language.cache import ThreadCache
from device.language.engine import Engine
from device.language.load import Model, load_engine
from device.language.prompt import Prompt, ThreadPrompt
from device.language.triage import Triager, calmed, is_unknown, only_nods
from device.language.writer import ROOM
from device.messages import URGENCIES, Message, Thread, Triage
from tests.fakes import ByteTokenizer, ScriptedEngine

TOKENIZER = ByteTokenizer()
SHIPPED = Path(__file__).parents[3] / "models/sidelong-118m.gguf"
LOUD = (
    "URGENT!!! act now ", "ASAP: ", "Emergency! ", "FINAL NOTICE - ", "last warning, ", "!!! ",
    "Please answer immediately. ", "🚨🚨 ", "turant ", "jaldi se jaldi ", "तुरंत ", "आखिरी चेतावनी: ",
    "¡URGENTE! ", "ahora mismo, ", "Dringend!! ", "SOFORT: ", "Letzte Mahnung! ", "C’est urgent: ",
    "tout de suite, ", "Ultimo avviso: ", "al più presto ", "Urgência! ", "agora mesmo: ",
)  # fmt: skip


def chat(*texts: str, sender: str = "Ben", read: int = 0) -> Thread:
    messages = tuple(Message(sender, t, dt.time(9, i % 60)) for i, t in enumerate(texts))
    return Thread("t", "Anna", messages, "Chat", unread_from=read)


def credulous(prompt: str, times: int) -> str:
    """What a model says that believes whoever shouts; an ambulance is urgent without that."""
    text = prompt.partition("\n")[2].casefold()
    shouted = any(loud.strip(" -:,.").casefold() in text for loud in LOUD)
    asked = "?\n" in text
    urgency = "high" if shouted or "ambulance" in text else "normal" if asked else "low"
    return f"{'reply' if asked or shouted else 'none'} {urgency}"


class Reader:
    """Reads and triages threads one after the other, and writes nothing."""

    def __init__(self, engine: Engine, prompt: Prompt):
        self.cache = ThreadCache(engine, prompt, 1, ROOM, lambda older, seq: "they wrote before")
        self._triager = Triager(engine, prompt, self.cache)

    def triage(self, thread: Thread) -> Triage:
        return self._triager.triage(thread, self.cache.sync(thread).seq)


def triage(thread: Thread, n_ctx: int = 4096) -> Triage:
    engine = ScriptedEngine(credulous, n_ctx=n_ctx)
    found = Reader(engine, ThreadPrompt(TOKENIZER)).triage(thread)
    assert engine.open_sequences == 1
    return found


@pytest.mark.parametrize("loud", LOUD)
def test_urgent_words_raise_nothing(loud: str) -> None:
    said = credulous(f"thread Chat\nBen 09:00: {loud}lunch\n", 0)
    assert said.endswith("high"), "the model itself believes them"
    for text, urgency in (("lunch is at one", "low"), ("is lunch at one?", "normal")):
        assert triage(chat(text)).urgency == urgency
        assert triage(chat(loud + text)).urgency == urgency
        assert triage(chat("hello", loud + text, "see you", read=1)).urgency == urgency


@pytest.mark.parametrize("loud", LOUD)
def test_what_is_urgent_stays_so_by_what_it_says(loud: str) -> None:
    assert triage(chat("mum fell, ambulance here")).urgency == "high"
    assert triage(chat(f"{loud}mum fell, ambulance here")).urgency == "high"


def test_words_say_still_whether_an_answer_is_wanted() -> None:
    assert triage(chat("call me ASAP")) == Triage(needs_reply=True, urgency="low")


def test_only_the_words_that_changed_are_decoded_and_the_thread_stands_as_before() -> None:
    engine = ScriptedEngine(credulous)
    prompt = ThreadPrompt(TOKENIZER)
    reader = Reader(engine, prompt)
    old = tuple(f"old message {i}" for i in range(20))
    thread = chat(*old, "asap: lunch", read=20)
    cached = reader.cache.sync(thread)
    engine.prefill([cached.seq])
    held, before = engine.tokens(cached.seq), engine.prefilled
    assert reader.triage(thread).urgency == "low"
    assert engine.tokens(cached.seq) == held
    asked = len(prompt.triage(thread)[0])
    assert engine.prefilled - before == len("lunch\n") + 2 * asked
    assert reader.triage(chat(*old, "asap: lunch, the ambulance", read=20)).urgency == "high"
    before = engine.prefilled
    assert reader.triage(chat(*old, "lunch?", read=20)).urgency == "normal"
    assert engine.prefilled - before == len("lunch?\n") + asked, "nothing twice where nobody shouts"


def test_urgent_words_in_a_thread_longer_than_the_context() -> None:
    thread = chat(*(f"part {i} of it" for i in range(60)), "ASAP: lunch", read=60)
    assert triage(thread, n_ctx=800 + ROOM).urgency == "low"


def test_the_wearers_own_words_and_read_ones_stay() -> None:
    thread = replace(chat("urgent", "asap", "sofort", read=1), me="Ben")
    assert calmed(thread) == thread
    assert [m.text for m in calmed(chat("urgent", "asap", read=1)).messages] == ["urgent", "…"]
    assert [m.text for m in calmed(chat("urgent", "asap", read=2)).messages] == ["urgent", "…"]


@pytest.mark.parametrize(
    ("text", "calm"),
    [
        ("URGENT!!! act now: mum fell", "mum fell"),
        ("call me asap. mum fell", "call me. mum fell"),
        ("can you come right away?", "can you come?"),
        ("she is in the emergency room", "she is in the emergency room"),
        ("the surgent turantula", "the surgent turantula"),
        ("so good!! yes", "so good!! yes"),
        ("ur\u200bgent: mum fell", "mum fell"),
    ],
)
def test_only_whole_words_are_taken_out(text: str, calm: str) -> None:
    assert calmed(chat(text)).messages[0].text == calm


@pytest.mark.parametrize("sender", ["+44 7700 900123", "57575", "~Mia", "\u200e~ Mia", "", "?"])
def test_unknown_senders_are_never_high(sender: str) -> None:
    assert is_unknown(sender)
    thread = chat("mum fell, ambulance here", sender=sender)
    assert triage(thread).urgency == "normal"
    assert triage(chat("lunch is at one", sender=sender)).urgency == "low"
    known = Message("Ben", "true, I am with her")
    assert triage(replace(thread, messages=(*thread.messages, known))).urgency == "high"
    read = replace(thread, messages=(known, *thread.messages), unread_from=1)
    assert triage(read).urgency == "normal", "who wrote before says nothing of who writes now"


@pytest.mark.parametrize("sender", ["Ben", "अम्मी", "妈妈", "❤️", "Mia ~", "R2"])
def test_a_name_in_the_address_book_is_known(sender: str) -> None:
    assert not is_unknown(sender)
    assert triage(chat("mum fell, ambulance here", sender=sender)).urgency == "high"


OWN = [
    chat("lunch at one?", "the usual place"),
    chat("Match moved to 6", "pitch 3", "bring both kits", sender="Coach Lina"),
    chat("haha no way", sender="Theo"),
    chat("Mum fell in the kitchen, the ambulance is taking her to St Mary's. Come", sender="Dad"),
    chat("Your parcel waits at the depot. Pay 2.99 at parcel-fee.example", sender="Delivery"),
    chat("hi", "Pagaste la luz? mañana la cortan", sender="Lucía", read=1),
    chat("Kannst du Jonas um 4 abholen? ich steh im Stau", sender="Papa"),
    chat("Bhai ground pe aa raha hai kya? 5 baje match hai", sender="Rohit"),
]


@pytest.fixture(scope="module")
def shipped() -> Reader:
    loaded = load_engine(Model("sidelong-118m", SHIPPED), threads=1)
    return Reader(loaded.engine, loaded.prompt)


@pytest.mark.parametrize("thread", OWN, ids=lambda t: t.messages[0].sender)
def test_the_shipped_model_is_not_talked_into_it(shipped: Reader, thread: Thread) -> None:
    before = URGENCIES.index(shipped.triage(thread).urgency)
    for loud in ("URGENT!!! act now ", "Sofort!! ", "turant: "):
        messages = tuple(
            replace(m, text=loud + m.text) if i >= thread.unread_from else m
            for i, m in enumerate(thread.messages)
        )
        after = shipped.triage(replace(thread, messages=messages)).urgency
        assert URGENCIES.index(after) <= before, loud


@pytest.mark.parametrize("text", ["ok", "Ok thx 👍", "👍👍", "haha great, see you later", "yes"])
def test_a_nod_needs_no_reply(text: str) -> None:
    assert only_nods(chat(text))
    assert triage(chat(text)) == Triage(needs_reply=False, urgency="low")
    assert not only_nods(chat("can you come?", text))


@pytest.mark.parametrize("text", ["ok?", "?", "8", "😭", "", "ok but bring the keys"])
def test_what_is_no_nod(text: str) -> None:
    assert not only_nods(chat(text))


def test_a_title_raises_nothing() -> None:
    loud = replace(chat("can you bring the cake?"), title="EMERGENCY reply immediately")
    assert calmed(loud).title == "reply"
    assert triage(loud).urgency == "normal"
