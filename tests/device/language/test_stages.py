"""A card in two stages: what is decoded together, what comes in between, what is read ahead."""

from __future__ import annotations

import re
from dataclasses import replace

from device.language.prompt import ThreadPrompt
from device.language.writer import Writer
from device.messages import Message, Thread
from tests.fakes import ByteTokenizer, ScriptedEngine, script

TOKENIZER = ByteTokenizer()


def asking(sender: str, chairs: int) -> Thread:
    """A conversation whose cards can be told from all others by a number."""
    why = "the hall has none, " + "and the choir would rather not stand all evening long, " * 3
    text = f"can you bring {chairs} chairs to Oakfield at 7:30? {why}"
    messages = (Message("Anna", "hello"), Message(sender, text))
    return Thread(sender, "Anna", messages, sender, unread_from=1)


def numbered(prompt: str, times: int) -> str:
    """Answers with the number of the conversation that the prompt holds."""
    name, chairs = re.findall(r"(\w+): can you bring (\d+)", prompt)[0]
    says = {
        "glance": f"{name}: bring {chairs} chairs at 7:30?",
        "summary": f"{name} asks you to bring {chairs} chairs to Oakfield at 7:30.",
        "asks": f"to bring {chairs} chairs",
        "reply_ask": f"why {chairs} chairs?",
    }
    return script(**says)(prompt, times)


def writer(engine: ScriptedEngine, together: int = 1) -> Writer:
    return Writer(engine, ThreadPrompt(TOKENIZER), TOKENIZER, "scripted", together)


def test_drafts_share_the_batch_of_summary_and_asks() -> None:
    engine = ScriptedEngine(script())
    card = writer(engine).card(asking("Ben", 3))
    assert len(card.drafts) == 3
    assert engine.batches == [1, 5], "the glance; then summary, asks and three drafts"


def test_what_comes_between_two_stages_changes_nothing() -> None:
    """With room for one conversation the second takes the first one's sequence, number and all."""
    ben, mia = asking("Ben", 3), asking("Mia", 8)
    alone = {t.id: writer(ScriptedEngine(numbered)).card(t) for t in (ben, mia)}
    both = writer(ScriptedEngine(numbered))
    begun = both.stages(ben)
    next(begun)
    between = both.card(mia)
    found = {"Mia": between, "Ben": list(begun)[-1]}
    for name, card in found.items():
        assert replace(card, timings_ms={}) == replace(alone[name], timings_ms={}), name
    assert "3" in found["Ben"].glance.text
    assert any("3" in draft.text for draft in found["Ben"].drafts)
    assert not any("8" in draft.text for draft in found["Ben"].drafts)


def test_what_was_read_is_read_ahead() -> None:
    """The mark of what is new has moved: without `keep_up` the next message pays for that."""
    prompt, chat = ThreadPrompt(TOKENIZER), asking("Ben", 3)
    news = Message("Ben", "or 4")
    later = replace(chat, messages=(*chat.messages, news), unread_from=2)
    cost = {}
    for ahead in (False, True):
        engine = ScriptedEngine(script())
        ours = writer(engine)
        ours.card(chat)
        if ahead:
            ours.keep_up(replace(chat, unread_from=2))
        engine.prefilled = 0
        next(ours.stages(later))
        cost[ahead] = engine.prefilled
    assert cost[False] - cost[True] == len(prompt.message(chat.messages[1], "Anna"))


def test_a_thread_that_is_not_in_memory_is_not_read_ahead() -> None:
    """It could take seconds while a message comes; and nothing can be read of an empty one."""
    engine = ScriptedEngine(script())
    ours = writer(engine)
    ours.keep_up(asking("Ben", 3))
    ours.card(asking("Mia", 8))
    engine.prefilled = 0
    ours.keep_up(asking("Ben", 3))
    ours.keep_up(replace(asking("Mia", 8), messages=()))
    assert engine.prefilled == 0
