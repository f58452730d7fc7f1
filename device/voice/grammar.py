"""What a recogniser that knows only commands listens for: a JSGF grammar.

(JSpeech Grammar Format: https://www.w3.org/TR/jsgf/.) Its sentences are those that
`device.utterances` understands; a test holds the two together. A `decoy` is a word that people say
all day and that sounds like a command: heard as itself it is no command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from device.voice.recogniser import Vocabulary

DECOYS = (
    "thank you", "thanks", "hello", "hi", "okay", "sure", "right", "maybe", "please", "sorry",
    "good morning", "excuse me", "hum", "um", "huh", "of course", "i see", "really", "what",
)  # fmt: skip
"""What everybody says all day. Words right beside a command ("sent", "canceled") are left out: they
would cost too many commands."""

_RULES = """\
<nth> = first | second | third | one | two | three ;
<day> = monday | tuesday | wednesday | thursday | friday | saturday | sunday | today | tomorrow
      | tonight ;
<hour> = one | two | three | four | five | six | seven | eight | nine | ten | eleven | twelve ;
<late> = thirteen | fourteen | fifteen | sixteen | seventeen | eighteen | nineteen | twenty
       | twenty one | twenty two | twenty three ;
<minute> = oh five | ten | fifteen | twenty | twenty five | thirty | thirty five | forty
         | forty five | fifty | fifty five ;
<time> = [ half past | quarter past | quarter to ] <hour> | <hour> o'clock
       | ( <hour> | <late> ) <minute> | noon | midnight ;
<value> = <day> | <time> ;
"""
_COMMANDS = (
    "read [ it ]",
    "summarize [ it ] | summary",
    "who [ is it ]",
    "[ the ] <nth> [ one ] | number <nth>",
    "reply",
    "make it ( shorter | friendlier | spanish | hindi | english )",
    "change <value> to <value>",
    "send [ it ] | yes",
    "[ no ] cancel | no | stop",
    "later | not now",
    "undo | take it back",
    "next [ one | message ] | help | why",
    "[ i'm ] ( riding | walking | seated )",
)
_NAMED = ("reply to <name>", "mute <name> [ until <time> ]")
_ANSWERS = ("<value>", "until <time>", "to <value>")
"""To a question of Sidelong's; at other times they would be heard in everything."""
_ABOUT = ("what did <name> say about <topic>",)


def speakable_words(text: str, known: Callable[[str], bool]) -> str:
    """The words of a name as the recogniser's dictionary has them; "" where it lacks one."""
    words = re.findall(r"[a-z']+", text.casefold())
    return " ".join(words) if words and all(map(known, words)) else ""


def grammar(vocabulary: Vocabulary, known: Callable[[str], bool] = lambda word: True) -> str:
    """The grammar for what may be said now; `known` tells the words that can be listened for."""
    names = {speakable_words(n, known) for n in vocabulary.names}
    names |= {name.split()[0] for name in names if name}
    topics = {speakable_words(t, known) for t in vocabulary.topics}
    rules, commands = _RULES, list(_COMMANDS)
    if names - {""}:
        rules += f"<name> = {_either(names)} ;\n"
        commands += (*_NAMED, "<name>") if vocabulary.answering else _NAMED
        if topics - {""}:
            rules += f"<topic> = {_either(topics)} ;\n"
            commands += _ABOUT
    if vocabulary.answering:
        commands += _ANSWERS
    decoys = [decoy for decoy in DECOYS if speakable_words(decoy, known)]
    return (
        f"#JSGF V1.0;\ngrammar sidelong;\n{rules}<command> = {' | '.join(commands)} ;\n"
        f"<decoy> = {' | '.join(decoys)} ;\npublic <said> = <command> | <decoy> ;\n"
    )


def commands_of(jsgf: str) -> re.Pattern[str]:
    """What is a whole command of a grammar made above: a recogniser may give back a beginning."""
    rules = dict(re.findall(r"<(\w+)> = (.*?) ;", jsgf, re.S))
    signs = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "|": "|"}

    def expanded(body: str) -> str:
        parts = []
        for token in re.findall(r"<\w+>|[\[\]()|]|[^\s\[\]()|<>]+", body):
            if token.startswith("<"):
                parts.append(f"(?:{expanded(rules[token[1:-1]])})")
            else:
                parts.append(signs.get(token) or f"{re.escape(token)}(?: |$)")
        return "".join(parts)

    return re.compile(expanded(rules["command"]))


def _either(phrases: Iterable[str]) -> str:
    return " | ".join(sorted(phrase for phrase in phrases if phrase))
