"""Does a thread need the wearer, how soon, and with what kind of reply?

Labels are scored, nothing is generated. Two rules stand over the model, because whoever writes
would like to be urgent:

- urgent wording raises nothing, in a message or a title: with it, the thread is at most as urgent
  as without it. Such wording is a list, so that a new way to shout still gets through
- unknown senders raise nothing: where only they wrote, the thread is at most "normal"

What is urgent stays so by what it says: "mum fell, the ambulance is here" has none of these words.

Two kinds of thread the model isn't asked about: those where the wearer had the last word, which no
training thread has, and those where all that is new is an "ok" or a thumb.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from device.language.cache import ThreadCache
from device.language.clauses import called, cast_of, members, sentences
from device.language.decoder import extended
from device.language.engine import Engine, Seq
from device.language.prompt import Prompt
from device.language.values import fold
from device.language.words import asks, words
from device.messages import URGENCIES, Intent, Message, Thread, Triage, Urgency
from device.text import neutralise

URGENT_WORDING = {
    "en": (
        r"urgent(?:ly)?", r"urgency", r"asap", r"a\.s\.a\.p\.?", r"as soon as possible",
        r"emergency(?! (?:room|ward|department|services?|surgery|vet|doctor|dentist|plumber|guy))",
        r"immediately", r"immediate (?:action|attention|response|reply|payment)(?: required)?",
        r"(?:act|respond|reply|answer|call|hurry) (?:right )?now", r"act (?:fast|today)",
        r"(?:right|straight) away", r"right now", r"without delay", r"time[- ]sensitive",
        r"(?:final|last) (?:notice|warning|reminder|chance|call)", r"hurry(?: up)?",
        r"critical", r"(?:top|high|highest) priority", r"(?:system: ?)?urgency:? (?:is )?high",
        r"(?:with)?in (?:the next )?\d+ (?:min(?:ute)?s?|h(?:ou)?rs?)", r"by (?:eod|cob)",
        r"need (?:this|it|an answer)(?: now)?",
    ),
    "hi": (
        "turant", "turent", "tatkal", "fauran", "foran", "abhi ke abhi", "jaldi se jaldi",
        r"(?:bahut )?jaldi (?:karo|kijiye|kariye)", r"(?:aa?khri|antim) (?:chetavni|warning|mauka)",
        "तुरंत", "तुरन्त", "तत्काल", "फ़ौरन", "फौरन", "अर्जेंट", "अर्जेन्ट", "इमरजेंसी", "इमर्जेंसी",
        "अभी के अभी", "जल्दी से जल्दी", "जल्दी (?:करो|कीजिए|करें)",
        "(?:आखिरी|आख़िरी|अंतिम) (?:चेतावनी|मौका|सूचना)",
    ),
    "es": (
        r"urgentes?", r"urgentemente", r"urgencia", r"urge", r"(?:de )?inmediato",
        r"inmediatamente", r"ahora mismo", r"ya mismo", r"cuanto antes", r"lo antes posible",
        r"emergencia", r"act[uú]a (?:ya|ahora)", r"[uú]ltim[oa] (?:aviso|advertencia|oportunidad)",
    ),
    "de": (
        r"(?:sehr |ganz )?dringend(?:e[rsn]?)?", r"dringlich", r"eilt", r"eilig", r"sofort",
        r"sofortige[rsn]?", r"umgehend", r"unverz(?:ü|ue)glich", r"notfall",
        r"schnellstm(?:ö|oe)glich", r"so (?:schnell|bald) wie m(?:ö|oe)glich", r"jetzt handeln",
        r"handeln sie (?:jetzt|sofort)",
        r"letzte[rn]? (?:mahnung|warnung|aufforderung|chance)",
    ),
    "fr": (
        r"urgent(?:e|s|es)?", r"d['’]urgence", r"urgence", r"imm[eé]diatement", r"tout de suite",
        r"d[eè]s que possible", r"au plus vite", r"sans (?:d[eé]lai|attendre)",
        r"agissez maintenant",
        r"derni(?:er|[eè]re) (?:avertissement|rappel|avis|chance)",
    ),
    "it": (
        r"urgent[ei]", r"urgentemente", r"(?:d['’])?urgenza", r"immediatamente", r"subito",
        r"emergenza", r"il prima possibile", r"al pi[uù] presto", r"agisci (?:ora|subito)",
        r"ultim[oa] (?:avviso|avvertimento|possibilit[aà])",
    ),
    "pt": (
        r"urgentes?", r"urgentemente", r"(?:com )?urg[eê]ncia", r"imediatamente", r"agora mesmo",
        r"emerg[eê]ncia", r"(?:o )?quanto antes", r"o mais r[aá]pido poss[ií]vel",
        r"aja agora", r"[uú]ltim[oa] (?:aviso|alerta|chance)",
    ),
}  # fmt: skip
"""What people and frauds write to be read first, by language; each matches as whole words."""

_WORDS = "|".join(wording for language in URGENT_WORDING.values() for wording in language)
_WORDING = re.compile(
    rf"\s*(?:(?:(?<!\w)(?:{_WORDS})(?!\w)|!{{3,}}|[‼❗❕🚨🆘⚠]\ufe0f?)[\s!.,…:;–—-]*)+",
    re.IGNORECASE,
)
"""Runs of it, with the spaces and signs that go with it."""


_NODS = """
    ok okay k kk cool great nice perfect brilliant awesome fine alright sure yes yep yup yeah
    thanks thank you thx ty cheers np no problem worries sounds good got it noted done deal bye
    see ya later lol haha hahaha welcome good night gn acha accha theek thik hai vale gracias
"""
_NOD = frozenset(_NODS.split())
_THUMBS = re.compile(r"[👍👌🙏❤♥😂😊🙂😀💪🎉]")


class Triager:
    """Reads threads that stand in the cache."""

    def __init__(self, engine: Engine, prompt: Prompt, cache: ThreadCache):
        self._engine = engine
        self._prompt = prompt
        self._cache = cache

    def triage(self, thread: Thread, seq: Seq) -> Triage:
        """What the thread needs of the wearer; `seq` holds it."""
        if thread.is_answered or only_nods(thread):
            return Triage(needs_reply=False, urgency="low")
        found = self._read(thread, seq)
        urgency = found.urgency
        calm = calmed(thread)
        if calm != thread and urgency != URGENCIES[0]:
            with self._cache.reworded(thread, calm) as reworded:
                urgency = _lower(urgency, self._read(calm, reworded).urgency)
        if from_strangers(thread):
            urgency = _lower(urgency, "normal")
        return replace(found, urgency=urgency)

    def intents(self, thread: Thread, seq: Seq) -> list[Intent]:
        """All intents, likeliest first."""
        asked, answers = self._prompt.intents(thread)
        scores = self._score(seq, asked, [tokens for _, tokens in answers])
        order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
        return [answers[i][0] for i in order]

    def _read(self, thread: Thread, seq: Seq) -> Triage:
        """What the model says: of each half of a label, the one with the most probability."""
        asked, answers = self._prompt.triage(thread)
        scores = self._score(seq, asked, [tokens for _, tokens in answers])
        chance = {t: math.exp(s) for (t, _), s in zip(answers, scores, strict=True)}

        def total(needs_reply: bool | None, urgency: str | None) -> float:
            return sum(
                p
                for t, p in chance.items()
                if needs_reply in (None, t.needs_reply) and urgency in (None, t.urgency)
            )

        return Triage(
            needs_reply=total(True, None) >= total(False, None),
            urgency=max(URGENCIES, key=lambda u: total(None, u)),
        )

    def _score(self, seq: Seq, asked: list[int], answers: Sequence[list[int]]) -> list[float]:
        with extended(self._engine, seq, asked):
            return self._engine.score(seq, answers)


def calmed(thread: Thread) -> Thread:
    """The thread with the urgent wording of title and new messages taken out; equal without any."""
    first = min(thread.unread_from, len(thread.messages) - 1)
    news = tuple(_calm(m) if m.sender != thread.me else m for m in thread.messages[first:])
    title = thread.title and _WORDING.sub(" ", neutralise(thread.title)).strip()
    return replace(thread, title=title, messages=thread.messages[:first] + news)


def _calm(message: Message) -> Message:
    text = neutralise(message.text)

    def gap(found: re.Match[str]) -> str:
        """What joins the words around it."""
        if found.start() == 0 or found.end() == len(text) or text[found.end()] == "?":
            return ""
        return ". " if found[0].rstrip().endswith(".") else " "

    calm = _WORDING.sub(gap, text)
    return message if calm == text else replace(message, text=calm or "…")


def only_nods(thread: Thread) -> bool:
    """Whether all that is new agrees, thanks or takes leave, and asks nothing.

    >>> from device.messages import Message
    >>> [only_nods(Thread("t", "Anna", (Message("Ben", s),))) for s in ("ok thx 👍", "ok?", "8")]
    [True, False, False]
    """
    text = neutralise(" ".join(m.text for m in thread.news))
    said = words(text)
    return "?" not in text and set(said) <= _NOD and bool(said or _THUMBS.search(text))


def is_plainly_asked(thread: Thread) -> bool:
    """Whether what is new asks the wearer in so many words: with a question mark in a chat of two,
    or by name in a group. Of such training and development threads 97 and 94 in a hundred want a
    reply.

    >>> from device.messages import Message
    >>> said = Message("Ruth", "Kofi and I are both out, Nina could you do it?")
    >>> is_plainly_asked(Thread("t", "Nina", (said, Message("Kofi", "[sticker]")), None, True))
    True
    """
    if thread.is_answered:
        return False
    others = [message for message in thread.news if message.sender != thread.me]
    if len(members(thread)) == 2 and not thread.is_group:
        return any("?" in message.text for message in others)
    cast = cast_of(members(thread))
    return any(
        0 in called(piece, cast) and ("?" in piece or asks(fold(piece)))
        for message in others
        for piece in sentences(message.text)
    )


def from_strangers(thread: Thread) -> bool:
    """Whether only unknown senders wrote what is new."""
    others = {m.sender for m in thread.news or thread.messages[-1:]} - {thread.me}
    return bool(others) and all(map(is_unknown, others))


def is_unknown(sender: str) -> bool:
    """Whether a name is none that the wearer gave: a number, or what WhatsApp marks by "~".

    A name of emoji alone is one that somebody chose in the wearer's own address book.

    >>> is_unknown("+44 7700 900123"), is_unknown("~Mia"), is_unknown("Mia"), is_unknown("❤️")
    (True, True, False, False)
    """
    name = neutralise(sender)
    named = any(c.isalpha() or unicodedata.category(c) == "So" for c in name)
    return name.startswith("~") or not named


def _lower(one: Urgency, other: Urgency) -> Urgency:
    return min(one, other, key=URGENCIES.index)
