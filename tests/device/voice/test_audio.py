"""Sound in and out, without a sound card."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from device.errors import VoiceError
from device.voice.audio import BLOCK, RATE, Feed, Recording, Tape, read_wav, resampled, write_wav


def tone(rate: int, hertz: float, length: float = 0.5) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * length)) / rate)).astype("<i2")


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000])
def test_a_tone_keeps_its_pitch_and_level_at_our_rate(rate: int) -> None:
    values = np.frombuffer(resampled(tone(rate, 440), rate), "<i2").astype(float)
    assert len(values) == RATE // 2
    spectrum = np.abs(np.fft.rfft(values))
    assert np.argmax(spectrum) / 0.5 == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(values**2)) == pytest.approx(8000 / np.sqrt(2), rel=0.02)


def test_what_is_too_high_for_us_is_left_out_not_folded_down() -> None:
    values = np.frombuffer(resampled(tone(48_000, 12_000), 48_000), "<i2").astype(float)
    assert np.sqrt(np.mean(values**2)) < 100


def test_a_wav_file_comes_back(tmp_path: Path) -> None:
    sound = tone(RATE, 440).tobytes()
    write_wav(tmp_path / "a.wav", sound)
    assert read_wav(tmp_path / "a.wav") == sound


def test_of_two_channels_the_first_is_read(tmp_path: Path) -> None:
    both = np.stack([tone(RATE, 440), np.zeros(RATE // 2, "<i2")], axis=1)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(both.tobytes())
    assert read_wav(tmp_path / "a.wav") == tone(RATE, 440).tobytes()


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all", None])
def test_what_is_no_wav_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VoiceError, match=r"a\.wav"):
        read_wav(path)


def test_eight_bits_are_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes(bytes(100))
    with pytest.raises(VoiceError, match="8 bits a sample"):
        read_wav(tmp_path / "a.wav")


def test_a_recording_and_a_feed_give_all_blocks() -> None:
    async def test() -> None:
        sound = tone(RATE, 440).tobytes() + b"ab"
        blocks = [block async for block in Recording(sound, pace=None).blocks()]
        assert b"".join(blocks) == sound
        assert max(map(len, blocks)) == BLOCK
        feed = Feed()
        for block in (b"one", b"", b"two"):
            feed.put(block)
        await feed.close()
        assert [block async for block in feed.blocks()] == [b"one", b"", b"two"]

    asyncio.run(test())


def test_a_tape_stopped_keeps_only_what_was_played(tmp_path: Path) -> None:
    async def test() -> None:
        tape = Tape(tmp_path / "out.wav")
        playing = asyncio.create_task(tape.play(bytes(RATE * 2 * 60)))
        await asyncio.sleep(0.05)
        tape.stop()
        await asyncio.wait_for(playing, 30)
        assert 0 < len(tape.sound) < RATE * 2 * 30
        await tape.close()
        assert read_wav(tmp_path / "out.wav") == tape.sound

    asyncio.run(test())
