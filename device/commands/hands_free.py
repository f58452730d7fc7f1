"""Ears and a mouth for a display, as the wearer's settings say."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from device.by_ear import ByEar, Ending
from device.displays.scene import Display
from device.displays.web import WebDisplay
from device.errors import VoiceError
from device.settings import Activity, Settings
from device.voice.audio import Feed, Recording, Sink, Source, Tape, read_wav
from device.voice.mouth import Mouth
from device.voice.pocketsphinx_recogniser import PocketSphinx
from device.voice.recogniser import Recogniser
from device.voice.sherpa_recogniser import Sherpa
from device.voice.sound_card import Loudspeaker, Microphone, chosen
from device.voice.speech_models import models_folder, usable
from device.voice.synthesis import Espeak, Piper, Voice

PAGE = "page"
"""As the name of a microphone: the one of the browser's page."""
COMMANDS = "pocketsphinx"


def with_voice(
    display: Display,
    settings: Settings,
    activity: Callable[[], Activity],
    names: Callable[[], Sequence[str]],
) -> ByEar:
    """The display, listening and speaking. Raises `VoiceError` where something isn't there."""
    said: list[ByEar] = []
    source = _source(display, settings.microphone, lambda note: said[0].notice(note))
    mouth = Mouth(speaking_voice(settings.speech), _sink(settings.loudspeaker))
    heard = recogniser(settings.recogniser)
    unattended: Ending = "recording" if isinstance(source, Recording) else "never"
    ends_with = "typing" if sys.stdin.isatty() else unattended
    by_ear = ByEar(display, source, heard, mouth, activity, names, ends_with=ends_with)
    said.append(by_ear)
    return by_ear


def recogniser(name: str | None) -> Recogniser:
    """The one of that name: PocketSphinx, or a fetched model; without a name a fetched one where
    there is one. Raises `VoiceError`."""
    model = None if name == COMMANDS else usable(models_folder(), "sherpa", name)
    return Sherpa(model.folder) if model is not None else PocketSphinx()


def speaking_voice(name: str | None) -> Voice:
    """A fetched Piper voice, or eSpeak NG in a language; without a name a fetched one where there
    is one. Raises `VoiceError`."""
    if name is not None and not (models_folder() / name).is_dir():
        return Espeak(name)
    model = usable(models_folder(), "piper", name)
    return Piper(model.voice) if model is not None else Espeak()


def _source(display: Display, wanted: str | None, tell: Callable[[str], None]) -> Source:
    if wanted == PAGE:
        if not isinstance(display, WebDisplay):
            raise VoiceError("the page's microphone needs the page: --display web")
        feed = Feed()
        display.audio = feed.put
        return feed
    if wanted is not None and (_is_wav(wanted) or Path(wanted).is_file()):
        return Recording(read_wav(Path(wanted)))
    chosen(wanted, "input")
    return Microphone(wanted, tell)


def _sink(wanted: str | None) -> Sink:
    if wanted is not None and _is_wav(wanted):
        return Tape(Path(wanted))
    return Loudspeaker(wanted)


def _is_wav(name: str) -> bool:
    return name.casefold().endswith(".wav")
