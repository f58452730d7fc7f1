"""sidelong voice: devices, recognisers and voices, and trying them."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from device.commands.hands_free import recogniser, speaking_voice
from device.disk import SHA256
from device.errors import VoiceError
from device.language.download import discard, download
from device.language.source import resolve
from device.settings import load_settings
from device.utterances import is_whole, understand
from device.voice.audio import Recording, read_wav, write_wav
from device.voice.ears import Ears
from device.voice.recogniser import Vocabulary
from device.voice.sound_card import devices
from device.voice.speakable import speakable
from device.voice.speech_models import install, models_folder, speech_models

ARCHIVES = {".bz2": b"BZh", ".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ"}
"""How a fetched archive's name ends, and what it begins with."""


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("devices", help="microphones and loudspeakers of this machine")
    actions.add_parser("list", help="fetched recognisers and voices")
    pull = actions.add_parser("pull", help="fetch a recogniser (an archive) or a Piper voice")
    pull.add_argument("source", help="URL of a .tar.bz2, .tar.gz or .tar.xz, or of a voice's .onnx")
    pull.add_argument("--name", help="what to call it (default: made from the URL)")
    pull.add_argument("--sha256", help="refuse any other file")
    hear = actions.add_parser("hear", help="say what is understood of a WAV file")
    hear.add_argument("file", type=Path)
    hear.add_argument("--names", nargs="*", default=[], help="people and groups that it may name")
    say = actions.add_parser("say", help="speak a text into a WAV file")
    say.add_argument("text")
    say.add_argument("file", type=Path)


def run(args: argparse.Namespace) -> int:
    """0; every failure is a `VoiceError` or a `ModelError`."""
    if args.action == "devices":
        for device in devices():
            ways = (("in", device.inputs), ("out", device.outputs))
            able = " and ".join(way for way, count in ways if count)
            default = " (default)" if device.is_default_input or device.is_default_output else ""
            print(f"{device.number}  {device.name}: {able}{default}")
        if not devices():
            raise VoiceError("there is no microphone and no loudspeaker here; plug one in")
    elif args.action == "list":
        fetched = speech_models(models_folder())
        for model in fetched:
            print(f"{model.name}: {model.kind}, from {model.source}")
        if not fetched:
            print(
                "None; PocketSphinx hears and espeak-ng speaks. `sidelong voice pull` fetches one."
            )
    elif args.action == "pull":
        _pull(args.source, args.name, args.sha256)
    elif args.action == "hear":
        asyncio.run(_hear(args.file, tuple(args.names)))
    else:
        voice = speaking_voice(load_settings().speech)
        write_wav(args.file, voice.sound(speakable(args.text)))
        print(f"{args.file}: by {voice.name}")
    return 0


async def _hear(file: Path, names: tuple[str, ...]) -> None:
    """Raises `VoiceError` too where nothing is understood: a script must not go on from that."""
    sound = read_wav(file)
    engine = recogniser(load_settings().recogniser)
    engine.expect(Vocabulary(names))
    ears = Ears(Recording(sound, pace=None), engine, is_whole)
    texts = []
    try:
        async for heard in ears.heard():
            texts.append(heard.text)
            act = understand(heard.text).act if heard.text else "nothing that was understood"
            print(f"{heard.text or '…'}  ({act}, after {1000 * heard.took:.0f} ms)")
    finally:
        await ears.close()
    if not texts:
        raise VoiceError(f"{file}: there is no speech in it")
    if not any(texts):
        free = "" if engine.dictates else ": without a fetched recogniser only commands are"
        raise VoiceError(f"{file}: nothing of it was understood{free}")


def _pull(source: str, name: str | None, sha256: str | None) -> None:
    """What was cut off is taken up again by the same call, as `sidelong model pull` does it."""
    if sha256 is not None and not SHA256.fullmatch(sha256 := sha256.lower()):
        raise VoiceError(f"{sha256!r} is no SHA-256; it has 64 hexadecimal digits")
    if "://" not in source:
        raise VoiceError(f"{source!r} is no URL; write https://host/NAME.tar.bz2")
    remote, folder = resolve(source), models_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = remote.file_name
    is_voice, begins = file.endswith(".onnx"), ARCHIVES.get(Path(file).suffix)
    if not is_voice and begins is None:
        raise VoiceError(f"{file}: neither an archive (.tar.bz2, .gz, .xz) nor .onnx")
    part = folder / f"{file}.part"
    download(remote.url, part, sha256, None, begins)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        fetched = Path(scratch) / file
        if is_voice:
            url = urlsplit(remote.url)
            config = folder / f"{file}.json.part"
            download(url._replace(path=f"{url.path}.json").geturl(), config, None, None, b"{")
            config.replace(Path(scratch) / f"{file}.json")
            discard(config)
        part.replace(fetched)
        discard(part)
        what = Path(scratch) if is_voice else fetched
        stem = name or file.split(".tar")[0].removesuffix(".onnx")
        model = install(folder, what, stem, remote.source)
    print(f"{model.name}: {model.kind}; `sidelong run --voice` uses it.")
