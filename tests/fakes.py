"""A byte vocabulary and an engine that says what a test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from device.language.engine import Sampling
from device.messages import Message, Thread

CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


class ByteTokenizer:
    """Every byte a token, then three control tokens."""

    n_vocab = 259

    def encode(self, text: str) -> list[int]:
        return list(text.encode("utf-8", "replace"))

    def encode_template(self, text: str) -> list[int]:
        tokens: list[int] = []
        while text:
            control = next((c for c in CONTROLS if text.startswith(c)), None)
            if control:
                tokens.append(self.control(control))
                text = text[len(control) :]
            else:
                tokens += self.encode(text[0])
                text = text[1:]
        return tokens

    def decode(self, tokens: Sequence[int]) -> bytes:
        return bytes(t for t in tokens if t < 256)

    def control(self, name: str) -> int:
        if name not in CONTROLS:
            raise KeyError(name)
        return 256 + CONTROLS.index(name)

    def text(self, tokens: Sequence[int]) -> str:
        """The tokens for a person's eyes, control tokens too."""
        pieces = [CONTROLS[t - 256].encode() if t > 255 else bytes([t]) for t in tokens]
        return b"".join(pieces).decode("utf-8", "replace")


def thread(*said: str, me: str = "Wren", title: str | None = None) -> Thread:
    """A thread out of "Name: text" lines."""
    pairs = [line.split(": ", 1) for line in said]
    return Thread(
        "t",
        me,
        tuple(Message(who, text) for who, text in pairs),
        title,
        len({w for w, _ in pairs}) > 2,
    )


Answer = Callable[[str, int], str]
"""(the whole prompt as text, how many times it was asked before) -> the answer."""


GOOD = {
    "glance": "Ben: bring 3 chairs at 7:30?",
    "summary": "Ben asks you to bring 3 chairs to Oakfield at 7:30.",
    "asks": "to bring 3 chairs",
    "triage": "reply high",
    "reply": " ask",
    "reply ask": "which chairs?",
    "reply accept": "sure, see you",
    "reply decline": "sorry, can't",
}
"""What a good model says, by task, of a chat about 3 chairs at 7:30."""


def script(**changed: str | list[str]) -> Answer:
    """Answers by task; a list is what it says the first, the second time."""
    answers = GOOD | {key.replace("_", " "): value for key, value in changed.items()}

    def answer(prompt: str, times: int) -> str:
        task = prompt.rpartition("<|im_start|>")[2].strip()
        found = answers.get(task, "ok then")
        return found if isinstance(found, str) else found[min(times, len(found) - 1)]

    return answer


class ScriptedEngine:
    """The engine contract over a function from prompt to answer; counts what it decodes."""

    fingerprint = "scripted"

    def __init__(self, answer: Answer, n_ctx: int = 4096, n_seqs: int = 32):
        self.n_ctx = n_ctx
        self.n_vocab = ByteTokenizer.n_vocab
        self.prefilled = 0
        self.batches: list[int] = []
        """How many answers each call of `generate` was for."""
        self._n_seqs = n_seqs
        self._answer = answer
        self._asked: dict[str, int] = {}
        self._tokens: dict[int, list[int]] = {}
        self._decoded: dict[int, int] = {}
        self._tokenizer = ByteTokenizer()

    def open(self) -> int:
        free = next((s for s in range(self._n_seqs) if s not in self._tokens), None)
        if free is None:
            raise RuntimeError("all sequences are open")
        self._tokens[free], self._decoded[free] = [], 0
        return free

    def close(self, seq: int) -> None:
        del self._tokens[seq], self._decoded[seq]

    @property
    def open_sequences(self) -> int:
        return len(self._tokens)

    def tokens(self, seq: int) -> tuple[int, ...]:
        return tuple(self._tokens[seq])

    def extend(self, seq: int, tokens: Sequence[int]) -> None:
        if len(self._tokens[seq]) + len(tokens) > self.n_ctx:
            raise ValueError("too many tokens")
        self._tokens[seq].extend(tokens)

    def prefill(self, seqs: Sequence[int]) -> None:
        for seq in seqs:
            self.prefilled += len(self._tokens[seq]) - self._decoded[seq]
            self._decoded[seq] = len(self._tokens[seq])

    def fork(self, seq: int, n: int) -> list[int]:
        tokens = self._tokens[seq]
        if len(self._tokens) + n > self._n_seqs:
            raise RuntimeError("too few sequences are free")
        forks = [self.open() for _ in range(n)]
        for fork in forks:
            self._tokens[fork] = list(tokens)
            self._decoded[fork] = self._decoded[seq]
        return forks

    def truncate(self, seq: int, length: int) -> None:
        del self._tokens[seq][length:]
        self._decoded[seq] = min(self._decoded[seq], length)

    def _ask(self, seq: int) -> str:
        self.prefill([seq])
        prompt = self._tokenizer.text(self._tokens[seq])
        times = self._asked.get(prompt, 0)
        self._asked[prompt] = times + 1
        return self._answer(prompt, times)

    def generate(
        self,
        seqs: Sequence[int],
        sampling: Sampling,
        stop: Collection[int],
        max_tokens: int | Sequence[int],
        nats: list[float] | None = None,
    ) -> Iterator[list[int | None]]:
        """An answer is likely if it is what is answered the next time, too."""
        self.batches.append(len(seqs))
        most = [max_tokens] * len(seqs) if isinstance(max_tokens, int) else list(max_tokens)
        answers = [
            self._tokenizer.encode(self._ask(seq))[:n] for seq, n in zip(seqs, most, strict=True)
        ]
        if nats is not None:
            for i, (seq, answer) in enumerate(zip(seqs, answers, strict=True)):
                nats[i] += self.score(seq, [answer])[0]
        for i in range(max(map(len, answers), default=0)):
            yield [a[i] if i < len(a) else None for a in answers]

    def score(self, seq: int, continuations: Sequence[Sequence[int]]) -> list[float]:
        wanted = self._tokenizer.encode(self._ask(seq))
        return [0.0 if list(c) == wanted else -9.0 * len(c) for c in continuations]

    def save(self, seq: int, path: Path) -> None:
        path.write_bytes(b"")

    def load(self, path: Path) -> int:
        return self.open()

    def set_adapter(self, path: Path | None, scale: float = 1.0) -> None:
        return None
