"""Commands by PocketSphinx: its model lies in its own wheel, so it works offline at once.

A grammar makes a sentence of anything, a cough included. So what was heard counts only where

- it is a whole sentence of the grammar, and none of its decoys;
- it explains the sound: PocketSphinx scores each frame against the best that any sound of the
  language could do there; a true command stays near that (`FIT`, natural logarithm a frame);
- it covers the speech: the words leave little of the voiced time to "silence" (`COVER`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from device.errors import VoiceError
from device.voice.audio import RATE, samples
from device.voice.grammar import commands_of, grammar
from device.voice.recogniser import Vocabulary

FIT = -4.8
"""Mean of all words, at least."""
WORD_FIT = -7.0
"""Of the worst word, at least."""
COVER = 0.6
"""Share of the loud frames that lie in a word, at least."""
QUIET = 25.0
"""Decibels that the background lies below the speech at most."""
EDGE = 0.3
"""Seconds of background before and behind."""
LEAST_FRAMES = 15
"""Hundredths of a second: a shorter word is a click."""
_FRAME = RATE // 100


@dataclass(frozen=True, slots=True)
class Guess:
    """What PocketSphinx makes of a sound, and how well that fits."""

    text: str
    is_command: bool
    """Whether it is a whole command, and neither the beginning of one nor a decoy."""
    fit: float
    word_fit: float
    cover: float
    frames: int

    @property
    def is_sure(self) -> bool:
        """Whether it counts as said."""
        return (
            self.is_command
            and self.fit >= FIT
            and self.word_fit >= WORD_FIT
            and self.cover >= COVER
            and self.frames >= LEAST_FRAMES
        )


class PocketSphinx:
    """A `Recogniser` of commands in English."""

    dictates = False

    def __init__(self) -> None:
        """Raises `VoiceError` where it isn't installed."""
        try:
            from pocketsphinx import Decoder, get_model_path
        except ImportError as error:
            raise VoiceError("pocketsphinx is missing; pip install 'sidelong[voice]'") from error
        model = f"{get_model_path()}/en-us"
        self._decoder = Decoder(
            hmm=f"{model}/en-us",
            dict=f"{model}/cmudict-en-us.dict",
            lm=None,
            loglevel="FATAL",
        )
        self._vocabulary: Vocabulary | None = None
        self.expect(Vocabulary())

    def expect(self, vocabulary: Vocabulary) -> None:
        """A new grammar; names that aren't in the dictionary can't be heard."""
        if vocabulary != self._vocabulary:
            self._vocabulary = vocabulary
            text = grammar(vocabulary, lambda word: self._decoder.lookup_word(word) is not None)
            self._commands = commands_of(text)
            self._decoder.add_jsgf_string("commands", text)
            self._decoder.activate_search("commands")

    def follow(self, sound: bytes) -> None:
        """Nothing: its features are normalised over the whole utterance."""

    def text(self, sound: bytes) -> str:
        """A command, or "" for everything else that people say."""
        guess = self.guess(sound)
        return guess.text if guess is not None and guess.is_sure else ""

    def guess(self, sound: bytes) -> Guess | None:
        """The likeliest sentence of the grammar, sure or not."""
        if not sound:
            return None
        self._decoder.start_utt()
        self._decoder.process_raw(_framed(sound), full_utt=True)
        self._decoder.end_utt()
        if (hypothesis := self._decoder.hyp()) is None or not hypothesis.hypstr:
            return None
        spoken = [
            (s.start_frame, s.end_frame + 1, math.log(max(s.ascore, 1e-300)))
            for s in self._decoder.seg()
            if not re.match(r"[<\[(]", s.word)
        ]
        if not spoken:
            return None
        frames = sum(end - start for start, end, _ in spoken)
        return Guess(
            text=hypothesis.hypstr,
            is_command=self._commands.fullmatch(hypothesis.hypstr) is not None,
            fit=sum(score for *_, score in spoken) / frames,
            word_fit=min(score / (end - start) for start, end, score in spoken),
            cover=_covered(_framed(sound), [(start, end) for start, end, _ in spoken]),
            frames=frames,
        )


def _framed(sound: bytes) -> bytes:
    """The sound between two stretches of its own background, which is made no softer than `QUIET`.

    The features are normalised over the utterance (cepstral mean), and the model was trained on
    rooms: cut close, or in digital silence, a short word is lost.
    """
    values = samples(sound).astype(float)
    level = np.sqrt(np.mean(np.square(values)))
    whole = values[: len(values) // _FRAME * _FRAME].reshape(-1, _FRAME)
    own = np.sqrt(np.percentile(np.square(whole).mean(axis=1), 10)) if len(whole) else 0.0
    least = level / 10 ** (QUIET / 20)
    edge = np.zeros(round(EDGE * RATE))
    noise = np.random.default_rng(0).standard_normal(len(values) + 2 * len(edge))
    framed = np.concatenate([edge, values, edge]) + noise * np.sqrt(max(0.0, least**2 - own**2))
    for part in (slice(None, len(edge)), slice(len(framed) - len(edge), None)):
        framed[part] = noise[part] * max(own, least)
    framed = np.clip(np.rint(framed), -(2**15), 2**15 - 1).astype("<i2")
    return bytes(framed.tobytes())


def _covered(sound: bytes, spans: list[tuple[int, int]]) -> float:
    """Share of the loud frames' energy that lies in the spans."""
    values = samples(sound).astype(float)
    whole = values[: len(values) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.square(whole).mean(axis=1)
    floor = np.percentile(power, 10)
    loud = power > max(4 * floor, power.max() / 100)
    inside = np.zeros(len(power), bool)
    for start, end in spans:
        inside[start:end] = True
    return float((loud & inside).sum() / max(1, loud.sum()))
