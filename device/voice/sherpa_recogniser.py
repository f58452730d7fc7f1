"""Free speech by sherpa-onnx: a streaming transducer, which hears names better as hotwords, and
works while it is spoken to.

A model's folder holds `tokens.txt`, `encoder*.onnx`, `decoder*.onnx`, `joiner*.onnx`, and for
hotwords `bpe.vocab` (https://k2-fsa.github.io/sherpa/onnx/hotwords/index.html). None is shipped:
`sidelong voice pull` fetches one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from device.errors import VoiceError
from device.voice.audio import RATE, samples
from device.voice.recogniser import Vocabulary

HOTWORD_SCORE = 1.5
"""The library's own default; natural logarithm a token."""
TAIL = 0.4
"""Seconds of silence behind the speech: the model looks ahead that far."""
COMMANDS = (
    "reply", "reply to", "summarize", "read it", "send", "cancel", "later", "undo",
    "make it shorter", "make it friendlier", "make it Spanish", "half past",
)  # fmt: skip


class Sherpa:
    """A `Recogniser` of whatever is said."""

    dictates = True

    def __init__(self, folder: Path, threads: int = 1):
        """Raises `VoiceError` for a folder without a model, or where sherpa-onnx isn't there."""
        try:
            import sherpa_onnx
        except ImportError as error:
            raise VoiceError("sherpa-onnx is missing; pip install 'sidelong[voice]'") from error
        encoder, decoder, joiner = (_one(folder, f"{part}*.onnx") for part in _PARTS)
        vocabulary = folder / "bpe.vocab"
        self._biased = vocabulary.is_file()
        options: dict[str, Any] = {"decoding_method": "greedy_search"}
        if self._biased:
            options = {
                "decoding_method": "modified_beam_search",
                "modeling_unit": "bpe",
                "bpe_vocab": str(vocabulary),
                "hotwords_score": HOTWORD_SCORE,
            }
        try:
            self._model: Any = sherpa_onnx.OnlineRecognizer.from_transducer(
                tokens=str(_one(folder, "tokens.txt")),
                encoder=str(encoder),
                decoder=str(decoder),
                joiner=str(joiner),
                num_threads=threads,
                sample_rate=RATE,
                **options,
            )
        except (RuntimeError, ValueError) as error:
            raise VoiceError(f"{folder}: the model can't be loaded: {error}") from error
        self._hotwords = ""
        self._stream: Any = None
        self._heard = b""
        """What of an utterance the stream was given."""
        self.expect(Vocabulary())

    def expect(self, vocabulary: Vocabulary) -> None:
        """Names, topics and commands become likelier."""
        phrases = dict.fromkeys((*COMMANDS, *vocabulary.names, *vocabulary.topics))
        self._hotwords = "/".join(phrase.upper().replace("/", " ") for phrase in phrases)

    def follow(self, sound: bytes) -> None:
        """Decode what is new of it; another beginning is another utterance."""
        if self._stream is None or not sound.startswith(self._heard):
            biased = {"hotwords": self._hotwords} if self._biased else {}
            self._stream, self._heard = self._model.create_stream(**biased), b""
        new, self._heard = samples(sound[len(self._heard) :]), sound
        self._stream.accept_waveform(RATE, new.astype(np.float32) / 2**15)
        self._decode()

    def text(self, sound: bytes) -> str:
        """All that was said."""
        self.follow(sound)
        self._stream.accept_waveform(RATE, np.zeros(round(TAIL * RATE), np.float32))
        self._stream.input_finished()
        self._decode()
        said = str(self._model.get_result(self._stream)).strip().casefold()
        self._stream = None
        return said

    def _decode(self) -> None:
        while self._model.is_ready(self._stream):
            self._model.decode_stream(self._stream)


_PARTS = ("encoder", "decoder", "joiner")


def is_model(folder: Path) -> bool:
    """Whether a folder looks like a model of this kind."""
    patterns = ("tokens.txt", *(f"{part}*.onnx" for part in _PARTS))
    return all(any(folder.glob(pattern)) for pattern in patterns)


def _one(folder: Path, pattern: str) -> Path:
    """The file of that pattern; of several the int8 one, which is quicker."""
    found = sorted(folder.glob(pattern), key=lambda path: ("int8" not in path.name, path.name))
    if not found:
        raise VoiceError(f"{folder}: has no {pattern}; `sidelong voice pull` fetches a model")
    return found[0]
