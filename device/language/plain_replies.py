"""Short replies of a closed set: what is drafted where the model isn't sure of words of its own.

Each says no more than its intent, so that it can be sent to nearly anything that calls for it; the
model only chooses the one it holds likeliest there (a closed set as in Smart Reply, Kannan et al.
2016). A wearer who mixes Spanish or Hindi into English gets no other drafts. "inform" has none:
only the wearer knows what there is to tell. docs/decisions/0011-drafts.md has the figures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from device.language.words import IN_HINDI, IN_SPANISH, words
from device.messages import Intent, Thread

PLAIN: Mapping[Intent, tuple[str, ...]] = {
    "accept": (
        "Yes, I can.",
        "Yes, I will.",
        "Yes, that works for me.",
        "Yes please!",
        "Sure, no problem.",
        "Of course.",
    ),
    "decline": ("Sorry, I can't.", "Sorry, not this time.", "That doesn't work for me, sorry."),
    "ask": ("Can you tell me more?", "Can I call you?"),
    "ack": ("OK.", "Got it, thanks.", "OK, thanks for telling me."),
    "defer": (
        "Let me check and get back to you.",
        "I'm not sure yet.",
        "I can't talk now, I'll write later.",
    ),
    "thanks": ("Thank you!", "Thanks a lot!", "Thanks for letting me know."),
    "comfort": ("I'm thinking of you.", "I'm here if you need me.", "Sending you a big hug."),
    "congratulate": ("Congratulations!", "That's wonderful!", "I'm so happy for you!"),
}
SPANISH: Mapping[Intent, tuple[str, ...]] = {
    "accept": ("Sí, claro.", "Sí, va.", "Sí, está bien."),
    "decline": ("Perdón, no puedo.", "Esta vez no puedo, perdón."),
    "ask": ("¿Me cuentas más?", "¿Te puedo llamar?"),
    "ack": ("Ok, gracias.", "Va.", "Gracias por avisar."),
    "defer": ("Luego te digo.", "Todavía no sé.", "Ahorita no puedo, te escribo luego."),
    "thanks": ("¡Gracias!", "¡Muchas gracias!"),
    "comfort": ("Aquí estoy para lo que necesites.", "Te mando un abrazo."),
    "congratulate": ("¡Felicidades!", "¡Qué alegría!"),
}
HINDI: Mapping[Intent, tuple[str, ...]] = {
    "accept": ("Haan, theek hai.", "Haan, ho jayega."),
    "decline": ("Sorry, nahi ho payega.", "Is baar nahi, sorry."),
    "ask": ("Thoda aur batao?", "Call karein?"),
    "ack": ("Theek hai.", "Ok, thanks."),
    "defer": ("Dekh ke batana padega.", "Abhi pakka nahi hai.", "Baad mein baat karte hain."),
    "thanks": ("Thank you!", "Bahut shukriya!"),
    "comfort": ("Sab theek ho jayega.", "Koi bhi kaam ho toh bolna."),
    "congratulate": ("Badhai ho!", "Bahut khushi hui!"),
}
LANGUAGES: Mapping[str, Mapping[Intent, tuple[str, ...]]] = {
    "english": PLAIN,
    "spanish": SPANISH,
    "hindi": HINDI,
}
_MARKED = ((SPANISH, IN_SPANISH), (HINDI, IN_HINDI))
MIXED = 0.15
"""With such a share of its everyday words somebody writes a language, mixed with English or not."""
_FIRST_WORD = re.compile(r"^\W*[^\W\d_]+")
"""All of it becomes small, with what stands before it: "ok", "¿te puedo llamar?"."""
RECENT = 8
"""The wearer's last messages that show how they write."""


def plain_replies(intent: Intent, thread: Thread, language: str | None = None) -> list[str]:
    """The set of that intent as the wearer writes: which language, small letters, no full stop.

    `language` is one of `LANGUAGES`, where it is not to be the wearer's.

    >>> from device.messages import Message
    >>> plain_replies("decline", Thread("t", "Ana", (Message("Ana", "ok then"),)))[0]
    "sorry, I can't"
    """
    recent = _own(thread)
    small = 2 * sum(text[0].islower() for text in recent) > len(recent)
    bare = 2 * sum(text[-1].isalnum() for text in recent) > len(recent)
    replies = []
    chosen = LANGUAGES[language] if language else _set(thread)
    for reply in chosen.get(intent, ()):
        text = reply.removesuffix(".") if bare else reply
        replies.append(_FIRST_WORD.sub(lambda m: m[0].lower(), text) if small else text)
    return replies


def is_mixed(thread: Thread) -> bool:
    """Whether the wearer writes Spanish or Hindi, mixed with English or not."""
    return _set(thread) is not PLAIN


def _own(thread: Thread) -> list[str]:
    """The wearer's last texts, the newest first."""
    own = (m.text.strip() for m in reversed(thread.messages) if m.sender == thread.me)
    return list(islice(filter(None, own), RECENT))


def _set(thread: Thread) -> Mapping[Intent, tuple[str, ...]]:
    """By what the wearer wrote, or, where that is nothing, the others."""
    said = words(" ".join(_own(thread) or [m.text for m in thread.messages[-RECENT:]]))
    for replies, marks in _MARKED:
        if sum(word in marks for word in said) > MIXED * len(said):
            return replies
    return PLAIN
