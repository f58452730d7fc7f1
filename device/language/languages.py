"""Is a thread in a language our models were taught: English, or Hindi or Spanish in Latin script?

Of a German or an Arabic chat they write fluent English nonsense, which no rule can hold against it.
Such a chat is shown in its senders' own words; so is one of a few words that look more like such a
language than like a taught one ("Kommst du?"), though no detector is sure of so few.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from device.language.capitals import EVERYDAY, OPENERS
from device.language.value_words import WEEKDAYS, WORDS
from device.language.words import CANON, STOP, words
from device.messages import Thread
from device.text import neutralise

TAUGHT = frozenset(("en", "pcm", "hi", "es", "gl", "ca"))
"""ISO 639 codes. Nigerian Pidgin, Galician and Catalan are what English and Spanish chats are
taken for."""
SURE = 0.9
"""Above this probability another language is believed: no thread of GlanceChat, Hinglish in Latin
letters among them, is taken for another one so surely."""
UNLIKE = frozenset(
    ("cs", "da", "de", "fi", "fr", "hu", "it", "nb", "nl", "nn", "no", "pl", "pt", "ro", "sv", "tr")
)
UNLIKE_SURE = 0.3
"""Languages that Hinglish is not taken for, and how surely they must be found."""
SHORT = 8
"""Words; what is new and shorter is read together with what came before."""
HINT, TIMES = 0.14, 2.4
"""Of fewer words, the probability of all `UNLIKE` languages together that is enough, where it is
also so many times that of all taught ones: "Wo bist du?" has 2.5 times as much, "pizza or sushi"
2.2. Hinglish spreads over languages of neither sort."""
FAMILIAR = STOP | EVERYDAY | OPENERS | CANON.keys() | WORDS.keys() | WEEKDAYS.keys()
"""Words that the lists of the other rules know: a short text of more than half of them is taught,
one of less than half is doubted."""
RECENT = 50
"""Messages that stand for the whole thread: with each new one they are looked at again."""
COMMON = 0.4
"""With such a share of the commonest English, Hindi and Spanish words nothing is looked up."""


def is_taught(thread: Thread) -> bool:
    """Whether what is new, and the thread as a whole, is in a language that our models know.

    >>> from device.messages import Message
    >>> is_taught(Thread("t", "Anna", (Message("Ben", "Ich habe den Schlüssel vergessen"),)))
    False
    """
    texts = [neutralise(m.text) for m in thread.messages[-RECENT:]]
    read = thread.unread_from - max(0, len(thread.messages) - RECENT)
    start = min(max(0, read), len(texts) - 1)
    while start > 0 and len(words(" ".join(texts[start:]))) < SHORT:
        start -= 1
    return _is_taught(" ".join(texts[start:])) and _is_taught(" ".join(texts))


def _is_taught(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    latin = sum(unicodedata.name(c, "").startswith("LATIN") for c in letters)
    if 2 * latin < len(letters):
        return False
    said = words(text)
    if sum(word in STOP for word in said) >= COMMON * len(said):
        return True
    ranked = {name: float(sure) for name, sure in _identifier().rank(text)}
    familiar = sum(word in FAMILIAR for word in said)
    is_short = len(said) < SHORT
    if is_short and 2 * familiar > len(said):
        return True
    if is_short and 2 * familiar < len(said):
        taught, unlike = (sum(ranked.get(n, 0.0) for n in some) for some in (TAUGHT, UNLIKE))
        if unlike > max(TIMES * taught, HINT):
            return False
    language, sure = next(iter(ranked.items()))
    return language in TAUGHT or sure <= (UNLIKE_SURE if language in UNLIKE else SURE)


@cache
def _identifier() -> LanguageIdentifier:
    """Takes most of a second to load, so only the first thread that needs it pays."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
