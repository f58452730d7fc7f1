"""How well commands are heard: `python scripts/voice_figures.py [--quick]`.

Wearers made by eSpeak NG say commands, and sentences that are none, into the real detector, the
real end-of-speech rule and the real recogniser, in pink noise. eSpeak is no person: real speech
will do worse in places, better in others. Printed is a table; the last line is the same as JSON.

- heard: the command was understood, every slot of it
- other: another command was understood instead; the rest was not understood, and is asked for again
- false accepts: a sentence that is no command was taken for one; of these, "send" or "yes"
- latency: from the end of speech until it is understood, the silence waited for included
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from device.utterances import Utterance, is_whole, understand
from device.voice.audio import Recording
from device.voice.ears import Ears, Heard
from device.voice.pocketsphinx_recogniser import PocketSphinx
from device.voice.recogniser import Recogniser, Vocabulary
from tests.speech import in_noise, scene, wearer

WEARERS = ("en-us", "en-us+f3", "en-gb", "en-gb-scotland")
NOISE: tuple[float | None, ...] = (None, 20, 10, 5)
NAMES = ("David", "Sarah", "Anna", "Ben", "Climbing group", "Family")
TOPICS = ("dinner", "the party", "work")
COMMANDS = (
    "read it", "summarize", "who is it", "reply", "one", "two", "three", "first", "the second one",
    "third", "send", "send it", "yes", "cancel", "no", "stop", "later", "not now", "undo", "next",
    "next message",    "make it shorter", "make it friendlier", "reply to Sarah", "reply to David",
    "what did David say about dinner", "what did Anna say about the party",
    "change Friday to Saturday", "change seven to half past seven",
    "mute Family until half past six", "mute Climbing group until eighteen thirty",
)  # fmt: skip
SENTENCES = (
    "The weather is lovely this afternoon.", "I bought three tickets for the concert.",
    "Could you send the invoice to my accountant?", "She has read that book twice.",
    "We are going to the beach on Sunday.", "He never replied to my letter.",
    "The second half was boring.", "Yes, but only if it doesn't rain.", "No, I don't think so.",
    "Please stop shouting at the dog.", "They cancelled the flight at the last minute.",
    "See you later at the station.", "Who left the door open?", "What time does the shop close?",
    "Let's make dinner together.", "My sister works at the hospital.", "It was one of those days.",
    "Nobody knows what happened next.", "I need help with my homework.", "Good evening, everybody.",
    "How much is this one?", "The bus is late again.", "That makes no sense.",
    "Thank you very much.",
    "Hello there.", "Excuse me, please.", "I can't hear you.", "Turn the music down.",
    "Sarah and David are already here.", "We change trains in Cologne.",
    "Half past six is too early.",
    "The undoing of a king.", "Summer is over.", "Send him my regards.", "Yesterday was better.",
    "Money isn't everything.", "Look at that bird!", "You must be joking.", "I forgot my keys.",
    "Two coffees to go.",
)  # fmt: skip
SEND = ("confirm",)


async def heard(sound: bytes, recogniser: Recogniser) -> list[Heard]:
    """What is made of a sound by everything behind the microphone."""
    ears = Ears(Recording(sound, pace=None), recogniser, is_whole)
    try:
        return [one async for one in ears.heard()]
    finally:
        await ears.close()


def same(one: Utterance, other: Utterance) -> bool:
    """Whether two utterances want the same; letters' case aside."""
    folded = [
        (u.act, u.number, u.text.casefold(), u.name.casefold(), u.old.casefold(),
         u.new.casefold(), u.until)
        for u in (one, other)
    ]  # fmt: skip
    return folded[0] == folded[1]


def measure(
    recogniser: Recogniser,
    wearers: tuple[str, ...],
    sentences: tuple[str, ...],
    noise: tuple[float | None, ...],
) -> Iterator[dict[str, object]]:
    """One row a level of noise."""
    said = {(v, text): wearer(text, v) for v in wearers for text in (*COMMANDS, *sentences)}
    for snr in noise:
        right = other = accepted = sends = 0
        latencies: list[float] = []
        missed: dict[str, int] = {}
        taken: list[tuple[str, str]] = []
        for seed, ((_, text), sound) in enumerate(said.items()):
            found = asyncio.run(heard(in_noise(scene([sound], 0.9), snr, seed), recogniser))
            texts = [one.text for one in found if one.text]
            if text in COMMANDS:
                good = len(texts) == 1 and same(understand(texts[0]), understand(text))
                right += good
                other += bool(texts) and not good
                latencies += [one.took for one in found if good and one.text]
                if not good:
                    missed[text] = missed.get(text, 0) + 1
            elif texts:
                accepted += 1
                sends += any(understand(one).act in SEND for one in texts)
                taken += [(text, one) for one in texts]
        commands, others = len(wearers) * len(COMMANDS), len(wearers) * len(sentences)
        latencies.sort()
        yield {
            "snr_db": snr,
            "commands": commands,
            "heard_pct": round(100 * right / commands, 1),
            "other_pct": round(100 * other / commands, 1),
            "sentences": others,
            "false_accepts_pct": round(100 * accepted / others, 1),
            "false_sends": sends,
            "latency_ms_p50": round(1000 * statistics.median(latencies)) if latencies else None,
            "latency_ms_p95": round(1000 * latencies[int(0.95 * len(latencies))])
            if latencies
            else None,
            "missed": dict(sorted(missed.items(), key=lambda item: -item[1])),
            "taken": taken,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one wearer, half of the sentences")
    parser.add_argument(
        "--noise", nargs="*", type=float, help="decibels (default: quiet, 20, 10, 5)"
    )
    parser.add_argument("--details", action="store_true", help="what was missed and taken")
    args = parser.parse_args()
    recogniser = PocketSphinx()
    recogniser.expect(Vocabulary(NAMES, TOPICS))
    print("| noise | heard | other | false accepts | of these send | latency p50 | p95 |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    wearers, sentences = (WEARERS[:1], SENTENCES[::2]) if args.quick else (WEARERS, SENTENCES)
    noise = NOISE if args.noise is None else tuple(args.noise)
    for row in measure(recogniser, wearers, sentences, noise):
        rows.append(row)
        level = "quiet" if row["snr_db"] is None else f"{row['snr_db']} dB"
        print(
            f"| {level} | {row['heard_pct']} % | {row['other_pct']} % | "
            f"{row['false_accepts_pct']} % | {row['false_sends']} of {row['sentences']} | "
            f"{row['latency_ms_p50']} ms | {row['latency_ms_p95']} ms |",
            flush=True,
        )
        if args.details:
            print("  missed", row["missed"], "\n  taken", row["taken"], flush=True)
    print(
        json.dumps([{k: v for k, v in row.items() if k not in ("missed", "taken")} for row in rows])
    )


if __name__ == "__main__":
    main()
