"""The cache has room for whatever a card decodes at once."""

from __future__ import annotations

import pytest

from device.language.load import cells
from device.language.prompt import ThreadPrompt
from device.language.tokenizer import JsonTokenizer
from device.language.work import DRAFTS
from device.language.writer import FORKS, MOST_TOKENS
from device.messages import INTENTS
from tests.engines import TINY
from tests.fakes import thread


@pytest.mark.parametrize("together", [1, 2, 3, 4, 8])
def test_the_longest_tasks_and_answers_of_so_many_threads_fit(together: int) -> None:
    """By the tiny vocabulary, whose tasks take more tokens than the shipped one's."""
    prompt, chat = ThreadPrompt(JsonTokenizer(TINY / "tokenizer.json")), thread("Ben: hi")
    replies = [len(prompt.reply(i, chat)) + MOST_TOKENS["reply"] for i in INTENTS]
    needs = [len(prompt.task(t, chat)) + MOST_TOKENS[t] for t in ("summary", "asks")]
    needs += sorted(replies)[-DRAFTS:]
    assert cells(2048, together) - 2048 >= sum((needs * together)[:FORKS])
