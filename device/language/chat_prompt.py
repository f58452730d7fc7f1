"""The same tasks for any instruct model, through the chat template in its GGUF.

    {template up to the user's words}{the thread's lines}{instruction}{template after them}

The thread still comes first and the task last, so a thread is prefilled once for all its tasks.
The template is the model's own, rendered in Jinja's sandbox; messages never pass through it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from device.errors import ModelError
from device.language.prompt import Task, message_line, message_tokens
from device.language.tokenizer import Ends, Tokenizer
from device.messages import INTENTS, URGENCIES, Intent, Message, Thread, Triage
from device.text import neutralise

_SYSTEM = (
    "You read one chat for the person called 'me' and say only what stands in it. "
    "Never invent names, numbers, times or facts. Answer in one line without any preamble."
)
_INSTRUCTIONS: dict[Task, str] = {
    "glance": "In at most 60 characters, say what is new and matters to me: who, what, when.",
    "summary": "Summarise what is new in one or two sentences, 8 to 30 words. Call me 'you'.",
    "asks": "What is asked of me, in 3 to 14 words? Answer - if nothing is asked of me.",
}
_REPLIES: dict[Intent, str] = {
    "accept": "agrees",
    "decline": "declines",
    "ask": "asks what I still need to know",
    "inform": "gives the information asked for",
    "ack": "says that I have read it",
    "defer": "puts off the answer",
    "thanks": "thanks them",
    "comfort": "comforts them",
    "congratulate": "congratulates them",
}
_NEW = "--- new ---\n"
_NO_ENDS = Ends()
_HERE = "\ue000"
"""A private-use character that marks the user's words in a rendered template."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A worked example, shown to the model before the real thread."""

    thread: Thread
    task: Task
    answer: str


class ChatPrompt:
    """Drives an instruct model through its chat template.

    Raises `ModelError` for a template that can't be rendered.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        template: str,
        shots: Sequence[Shot] = (),
        ends: Ends = _NO_ENDS,
    ):
        self._tokenizer = tokenizer
        turns = [{"role": "system", "content": _SYSTEM}]
        for shot in shots:
            asked = f"{''.join(_lines(shot.thread))}\n{_INSTRUCTIONS[shot.task]}"
            turns += [{"role": "user", "content": asked}]
            turns += [{"role": "assistant", "content": shot.answer}]
        turns += [{"role": "user", "content": _HERE}]
        rendered = _render(template, turns, ends)
        if rendered.count(_HERE) != 1:
            raise ModelError("the model's chat template does not show the user's words once")
        before, _, after = rendered.partition(_HERE)
        if ends.always_bos and not before.startswith(ends.bos):
            before = ends.bos + before
        self._before = tokenizer.encode_template(before)
        self._after = tokenizer.encode_template(after)
        answered = [*turns, {"role": "assistant", "content": _HERE}]
        done = _render(template, answered, ends, False).rpartition(_HERE)[2].strip()
        self._stop = frozenset(
            tokens[0]
            for text in (done, ends.eos)
            if (tokens := tokenizer.encode_template(text))
            # "### User" after an answer is no end: "#" may stand in one.
            and (len(tokens) == 1 or not tokenizer.decode(tokens[:1]))
        )
        if not self._stop:
            raise ModelError("the model's chat template does not end an answer by a token")

    @property
    def stop(self) -> frozenset[int]:
        return self._stop

    def knows(self, thread: Thread) -> bool:
        return True  # whoever chose such a model knows what it speaks

    def opening(self, thread: Thread, earlier: str | None = None) -> list[int]:
        line = _title(thread) + (f"(earlier: {neutralise(earlier)})\n" if earlier else "")
        return [*self._before, *self._tokenizer.encode(line)]

    def message(self, message: Message, me: str) -> list[int]:
        return message_tokens(self._tokenizer, message, me)

    def new_mark(self) -> list[int]:
        return self._tokenizer.encode(_NEW)

    def task(self, task: Task, thread: Thread) -> list[int]:
        return self._ask(_INSTRUCTIONS[task])

    def reply(self, intent: Intent, thread: Thread) -> list[int]:
        return self._ask(
            f"Write my next message to this chat, in my own style, that {_REPLIES[intent]}. "
            "At most 18 words, only the message."
        )

    def triage(self, thread: Thread) -> tuple[list[int], list[tuple[Triage, list[int]]]]:
        asked = self._ask(
            "Does the last message need a reply from me, and how urgent is it? "
            "Answer 'reply' or 'none', then 'low', 'normal' or 'high'."
        )
        answers = [
            (Triage(words == "reply", urgency), self._tokenizer.encode(f"{words} {urgency}"))
            for words, urgency in itertools.product(("reply", "none"), URGENCIES)
        ]
        return asked, answers

    def intents(self, thread: Thread) -> tuple[list[int], list[tuple[Intent, list[int]]]]:
        words = ", ".join(INTENTS)
        asked = self._ask(f"What should my reply do? Answer with one word of: {words}.")
        return asked, [(intent, self._tokenizer.encode(intent)) for intent in INTENTS]

    def _ask(self, instruction: str) -> list[int]:
        return [*self._tokenizer.encode(f"\n{instruction}"), *self._after]


def _title(thread: Thread) -> str:
    return f"Chat: {neutralise(thread.title or '')[:60] or '-'}\n"


def _lines(thread: Thread) -> Iterator[str]:
    """A whole thread as `opening`, `message` and `new_mark` write it."""
    yield _title(thread)
    for i, message in enumerate(thread.messages):
        if 0 < i == thread.unread_from:
            yield _NEW
        yield message_line(message, thread.me) + "\n"


def _render(template: str, turns: list[dict[str, str]], ends: Ends, answer: bool = True) -> str:
    """The template with these turns; with `answer`, up to where the assistant begins."""

    def refuse(problem: str) -> None:
        raise TemplateError(problem)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    values: dict[str, Any] = {
        "messages": turns,
        "add_generation_prompt": answer,
        "bos_token": ends.bos,
        "eos_token": ends.eos,
        "raise_exception": refuse,
    }
    try:
        return environment.from_string(template).render(values)
    except Exception as error:  # a template is a program: whatever it runs into, it can't be used
        if turns[0]["role"] == "system":  # some templates know no system role
            first = turns[1] | {"content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}
            return _render(template, [first, *turns[2:]], ends, answer)
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ModelError(f"the model's chat template can't be used ({problem})") from error
