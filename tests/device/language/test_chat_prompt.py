"""Chat templates as models bring them: other tokens at their ends, and programs that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import ModelError
from device.language.chat_prompt import ChatPrompt
from device.language.llama_engine import LlamaEngine
from device.language.llama_vocab import LlamaModel, LlamaVocab
from device.language.load import Model, load_writer
from device.language.tokenizer import Ends
from device.messages import Message, Thread
from tests.fakes import ByteTokenizer

TINY = Path(__file__).parents[2] / "tiny" / "tiny.gguf"
TOKENIZER = ByteTokenizer()
ENDS = Ends("<|im_start|>", "<|endoftext|>")
START, EOS, IM_END = map(TOKENIZER.control, ("<|im_start|>", "<|endoftext|>", "<|im_end|>"))
CHAT = Thread("t", "me", (Message("Ben", "hi"),))

ZEPHYR = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}"
    "{{ '[INST] ' + m['content'] + ' [/INST]' }}{% elif m['role'] == 'assistant' %}"
    "{{ ' ' + m['content'] + eos_token }}{% else %}{{ raise_exception('only two roles') }}"
    "{% endif %}{% endfor %}"
)
ALPACA = (
    "{% for m in messages %}{{ '### ' + m['role'] + ':\n' + m['content'] + '\n\n' }}{% endfor %}"
    "### assistant:\n"
)


def whole(prompt: ChatPrompt) -> list[int]:
    return [*prompt.opening(CHAT), *prompt.message(CHAT.messages[0], "me"),
            *prompt.task("glance", CHAT)]  # fmt: skip


def test_a_template_that_ends_turns_by_the_vocabularys_own_token() -> None:
    prompt = ChatPrompt(TOKENIZER, ZEPHYR, ends=ENDS)
    assert prompt.stop == {EOS}
    tokens = whole(prompt)
    assert tokens.count(EOS) == 2, "after the system's words and the user's"
    assert START not in tokens
    always = ChatPrompt(TOKENIZER, ZEPHYR, ends=Ends("<|im_start|>", "<|endoftext|>", True))
    assert whole(always) == [START, *tokens]


def test_a_template_that_begins_by_it_itself() -> None:
    for always in (False, True):
        prompt = ChatPrompt(TOKENIZER, MISTRAL, ends=Ends(ENDS.bos, ENDS.eos, always))
        tokens = whole(prompt)
        assert tokens[0] == START
        assert tokens.count(START) == 1
        assert TOKENIZER.text(tokens).endswith(" [/INST]")
        assert prompt.stop == {EOS}


def test_text_after_an_answer_is_no_end() -> None:
    assert ChatPrompt(TOKENIZER, ALPACA, ends=ENDS).stop == {EOS}
    with pytest.raises(ModelError, match="does not end an answer"):
        ChatPrompt(TOKENIZER, ALPACA)


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages[0]['content'] + 1 }}",
        "{{ 1 / 0 }}",
        "{{ {}['a'] | int(base='x') }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{{ 'x' * 10 ** 30 }}",
        "{% for i in range(10 ** 9) %}x{% endfor %}",
        "{{ raise_exception('never') }}",
        "{{ unknown.key }}",
        "{% include 'x' %}",
        "{{ messages | nofilter }}",
        "{% if %}",
        "{{",
        "",
        "always the same",
        "{{ messages[-1]['content'] }}{{ messages[-1]['content'] }}",
    ],
)
def test_a_template_that_cannot_be_used(template: str) -> None:
    with pytest.raises(ModelError, match="chat template") as told:
        ChatPrompt(TOKENIZER, template, ends=ENDS)
    assert "\n" not in str(told.value)


def test_the_ends_come_from_the_gguf() -> None:
    vocabulary = LlamaVocab(LlamaModel(TINY, vocab_only=True))
    assert vocabulary.ends() == Ends("<|im_start|>", "<|im_end|>", False)


def test_the_file_with_a_bad_template_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    template = {"tokenizer.chat_template": "{{ 1 / 0 }}"}
    monkeypatch.setattr(LlamaEngine, "metadata", lambda _: template)
    with pytest.raises(ModelError, match=r"tiny\.gguf: .* \(ZeroDivisionError.*; choose another"):
        load_writer(Model("bad", TINY), threads=1)
