"""The cache has room for whatever a card decodes at once."""

from __future__ import annotations

import pytest

from device.language.chat_prompt import ChatPrompt
from device.language.llama_vocab import LlamaModel, LlamaVocab
from device.language.load import cells
from device.language.prompt import Prompt, ThreadPrompt
from device.language.tokenizer import JsonTokenizer
from device.language.work import DRAFTS
from device.language.writer import FORKS, MOST_TOKENS, ROOM
from device.messages import INTENTS
from tests.engines import TINY
from tests.fakes import thread


def longest(prompt: Prompt) -> list[int]:
    """Tokens of what is decoded behind one thread at once: tasks, and answers as long as can be."""
    chat = thread("Ben: hi")
    replies = [len(prompt.reply(i, chat)) + MOST_TOKENS["reply"] for i in INTENTS]
    needs = [len(prompt.task(t, chat)) + MOST_TOKENS[t] for t in ("summary", "asks")]
    return needs + sorted(replies)[-DRAFTS:]


@pytest.mark.parametrize("together", [1, 2, 3, 4, 8])
def test_the_longest_tasks_and_answers_of_so_many_threads_fit(together: int) -> None:
    """By the tiny vocabulary, whose tasks take more tokens than the shipped one's."""
    needs = longest(ThreadPrompt(JsonTokenizer(TINY / "tokenizer.json")))
    assert cells(2048, together) - 2048 >= sum((needs * together)[:FORKS])


@pytest.mark.parametrize("together", [1, 2, 3, 4, 8])
def test_those_of_an_instruct_model_fit_too(together: int) -> None:
    """Its tasks are sentences; what the threads leave of their own room is there for them."""
    vocabulary = pytest.importorskip("export.vocabulary")
    base = LlamaModel(vocabulary.base_folder() / vocabulary.BASE_FILE, vocab_only=True)
    tokenizer = LlamaVocab(base)
    template = base.metadata()["tokenizer.chat_template"]
    needs = longest(ChatPrompt(tokenizer, template, ends=tokenizer.ends()))
    threads = 2048 - ROOM
    assert cells(2048, together) - threads >= sum((needs * together)[:FORKS])
