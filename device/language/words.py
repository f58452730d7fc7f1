"""Words as the judge compares them: stems, near-synonyms, negators, cues, opposites.

Small hand-made lists, English first with the commonest words of the languages that are mixed into
it. Nothing here is learnt; `device.language.judge` learns only how far each cue is to be trusted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from device.language.values import fold

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")

_STOP = """
a an the of to in on at by for from with and or but so that this these those it its is are was were
be been being am do does did has have had will would can could should may might must shall i you
he she they we me him her them us my your his their our as if then than there here who whom whose
which what when where why how whether about into out up down over again just also too very really
some any each all both more most other own same such only ever even still now yet once says said
say asks ask asked tells tell told wants want wanted needs need needed offers offer promises thinks
think thinks believes claims according because while though although however instead rather not no
never don't doesn't didn't won't can't isn't aren't wasn't weren't wouldn't couldn't shouldn't u ur
ok okay oh yes yeah pls please hi hey hello lol gonna going go get got one ones thing things
make makes made let lets one's someone something hai ho hoon hain ka ki ke ko se mein main na toh
bhi kya aur par pe wala wale wali el la los las de del que y en es un una lo le te se
"""
STOP = frozenset(_STOP.split())

_IN_SPANISH = "que el los las y en un una por para con es pero muy ya te lo mi"
_IN_HINDI = """
hai hain haan nahi kya ka ki ke ko main tum aap bhi toh kar kal aur ho hoon hun gaya gayi raha rahi
rahe yaar abhi aaj mera meri tera teri mujhe kuch sab
"""
IN_SPANISH = frozenset(_IN_SPANISH.split())
IN_HINDI = frozenset(_IN_HINDI.split())
"""Everyday words of a language, Hindi in Latin letters, that English doesn't have."""

_NEGATORS = """
not no never without nobody nothing none neither nor cannot cant dont doesnt didnt wont isnt arent
wasnt werent wouldnt couldnt shouldnt hasnt havent hadnt aint nahi nahin nai mat nunca nadie nada
tampoco unable nope refuses refused cancel cancelled canceled stop stopped avoid fails failed
unless hardly barely kein keine nicht pas jamais
"""
NEGATORS = frozenset(_NEGATORS.split())

_SYNONYMS = """
call ring phone rang dial telephone
cancel scrap scrub withdraw drop scratch
move shift push postpone reschedule switch change
buy purchase
get grab pick fetch collect pickup
kid child children
mum mom mummy mama mam mami amma maa ma mammy mother
dad papa daddy da father abba pa
pay paid owe cost price fee money cash
bring carry take
tomorrow tmrw tmr tmw tomoz kal manana
today aaj hoy 2day
tonight tn 2nite tonite evening
reply answer respond text message msg write
approve confirm okay agree
arrive reach land come
leave depart go
finish end done over complete
begin start open kick
sick ill unwell poorly
car auto cab taxi lift ride
doctor dr physician
home house ghar casa
half aadha adha
early earlier sooner
late later delay
lend borrow loan
remove delete cut
send forward share post
photo pic picture
husband hubby
room table slot
happy glad delighted pleased
angry cross furious vex upset annoyed anger
sorry apologise apologize apology
hospital ward clinic
delivery parcel package
holiday vacation
school class lesson
friend mate
police cop
exam test
meeting meet call-in
"""
CANON = {
    word: group.split()[0] for group in _SYNONYMS.strip().splitlines() for word in group.split()
}
_IRREGULAR = """
bought:buy brought:bring came:come went:leave gone:leave left:leave gave:give given:give took:take
taken:take told:tell sent:send lent:lend sold:sell held:hold kept:keep lost:lose found:find ran:run
won:win wrote:write written:write broke:break broken:break fell:fall fallen:fall met:meet sat:sit
chose:choose chosen:choose drove:drive driven:drive ate:eat eaten:eat forgot:forget spoke:speak
wept:cry children:child knives:knife wives:wife began:begin begun:begin stole:steal stolen:steal
hid:hide caught:catch taught:teach thought:think slept:sleep tore:tear wore:wear rode:ride hurt:hurt
"""
_STEM_OF = dict(pair.split(":") for pair in _IRREGULAR.split())

_OPPOSITES = """
before after
early late
above below
more less
first last
today tomorrow
morning evening
day night
open closed
inside outside
found lost
cancel confirm
north south
east west
left right
sell buy
lend borrow
win lose
big small
high low
in out
from to
old new
same different
true false
steady blinking
always never
everyone nobody
anger delight
tease complaint
"""
OPPOSITES: dict[str, str] = {}
for _pair in _OPPOSITES.strip().splitlines():
    _one, _other = _pair.split()
    OPPOSITES[_one], OPPOSITES[_other] = _other, _one


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """What a folded word is compared by: its ending cut, near-synonyms made one.

    >>> stem("rang") == stem("calling")
    True
    """
    word = word.removesuffix("'s").removesuffix("n't").replace("'", "")
    word = _STEM_OF.get(word, word)
    if word in CANON:
        return CANON[word]
    for ending in ("ings", "ing", "ied", "ies", "ed", "es", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending in ("ied", "ies") else "")
            break
    if word in CANON:
        return CANON[word]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiou":
        word = word[:-1]
    if word in CANON:
        return CANON[word]
    if word + "e" in CANON:
        return CANON[word + "e"]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return [m[0].replace("’", "'") for m in WORD.finditer(fold(text))]


def content(tokens: list[str]) -> list[str]:
    """The stems of the words that say what a text is about, in order, each once."""
    stems = (stem(t) for t in tokens if t not in STOP and not is_negator(t) and not t.isdigit())
    return list(dict.fromkeys(s for s in stems if len(s) > 1))


def is_negator(token: str) -> bool:
    """Whether a folded word turns what is said into its opposite."""
    return token in NEGATORS or token.endswith("n't")


def denies_something(tokens: list[str]) -> bool:
    """Whether any folded word turns what is said into its opposite, as "don't forget" doesn't."""
    return any(
        is_negator(token) and following != "forget" for token, following in pairwise([*tokens, ""])
    )


_CANCEL = re.compile(
    r"\b(?:cancel\w*|called? (?:it )?off|is off\b|'s off|are off|not happening|scratch that|scrap"
    r"\w*|never ?mind|nvm|ignore (?:that|my|the|me)|forget (?:it|that|about)|drop(?:ped|s)? (?:it|"
    r"that|out)?|withdr\w+|pull(?:ed|s)? out|postpone\w*|no longer|off now|don't bother|not any ?"
    r"more|changed? (?:my|our|her|his) mind|no need|rehne do|cancelado)\b"
)
_DENIES = re.compile(
    r"\b(?:if|unless|but|only|without|hate|avoid|refus\w+|sold|out|lost|mut|nhi|nahin?|mat|na|no|non|"
    r"ne|pas|kein\w*|nicht|impossible|busy|away|stuck|fail\w*|broke\w*|dead|closed|off|late|missed|"
    r"ill|sick|skip\w*|instead|rather|nt|dnt|wont|cant|dont|didnt|isnt|doesnt|nor|nothing|none|never|"
    r"stop|sin|nunca)\b"
)
_NEWEST = re.compile(
    r"\b(?:now|actually|instead|sorry|correction|final(?:ly)?|make (?:it|that)|moved|changed|update"
    r"|scratch that|no wait|wait|in fact|after all|new time|not|rather|turns out|meant|typo|pushed"
    r"|back to|ab|ahora|mejor|nahi)\b|\*"
)
_CORRECTS = re.compile(
    r"\b(?:now|actually|instead|correction|final(?:ly)?|make (?:it|that)|moved|changed|no wait|"
    r"turns out|i meant|typo|pushed|back to|not|new time|brought forward|after all|sorry)\b|\*"
)
_ASKS = re.compile(
    r"\?|\b(?:pl(?:ea)?[sz]e?|pls|kindly|can (?:yo)?u|could (?:yo)?u|would (?:yo)?u|will (?:yo)?u|"
    r"(?:yo)?u (?:to|need|must|should|have to|could|can)|need (?:yo)?u|want (?:yo)?u|don'?t forget|"
    r"remember to|remind|make sure|puedes|podrias|zara|karo|kar do|dena|lana|bhej\w*|le aana|"
    r"let me know|tell me|send me|give me|bring me|get me|abeg)\b"
)
_IMPERATIVE = re.compile(
    r"^\W*(?:(?:and|so|ok|then|also|just|but|oh|hey|yo)\W+)?(?:[\w-]+, )?(?:please )?(?:don'?t |do "
    r"not |never )?(?:bring|call|ring|send|tell|get|grab|pick|take|come|meet|wait|keep|put|ask|"
    r"check|reply|text|let|give|leave|open|buy|book|pay|sign|vote|move|go|stay|turn|make|look|read|"
    r"show|hold|drop|stop|sleep|wear|eat|confirm|write|say|use|lock|fetch|collect|print|do)\b"
)
_OFFERS = re.compile(
    r"\b(?:i'?ll|i will|i can|i could|i'?m going to|i'?m gonna|imma|let me|i have (?:already )?\w+"
    r"ed|i'?ve|i \w+ed|i got|i'?d|we'?ll|we will|we can|happy to|shall i|should i|want me to|"
    r"do you want me|on me|my treat|main|mai|karunga|karungi|dunga|dungi|lunga|voy a|te \w+o|yo)\b"
)
_COMMITS = re.compile(
    r"\b(?:i|we) (?:will|can|could|would|have|just|already|am|leave|bring|take|get|pay|hold|do|go|"
    r"send|make|buy|put|\w+ed)\b|\bi'?(?:ll|m|d|ve)\b|\bwe'?(?:ll|ve)\b|\b(?:yo)?u want\b"
)
_FOR_MYSELF = re.compile(r"\blet me (?:know|have|see)\b|\bso (?:that )?(?:i|we) can\b")
_YOU_DO = re.compile(
    r"^\W*(?:so |and |then |now )?(?:yo)?u (?!(?:are|were|have|know|said|did|was)\b)[a-z]+\b"
)
_FIRST = re.compile(r"\b(?:i|i'\w+|im|ill|ive|id|we|we'\w+|my|me|our|mine|mi|main|maine|yo)\b")
_SECOND = re.compile(
    r"\b(?:you|you'\w+|u|ur|your|yours|youre|ya|yuh|tu|tum|tune|tera|teri|aap|te|ti|usted|ye|yer)\b"
)


def cancels(folded: str) -> bool:
    """Whether a folded clause takes something back."""
    return bool(_CANCEL.search(folded))


def denies(folded: str) -> bool:
    """Whether a folded clause has any word that may deny or limit, in a broad sense."""
    return bool(_DENIES.search(folded))


def is_newest(folded: str) -> bool:
    """Whether a folded clause has a word that puts a value in an older one's place."""
    return bool(_NEWEST.search(folded))


def corrects(folded: str) -> bool:
    """Whether a folded clause plainly replaces something said before."""
    return bool(_CORRECTS.search(folded))


def asks(folded: str) -> bool:
    """Whether a folded clause asks its reader for something."""
    return bool(_ASKS.search(folded) or _IMPERATIVE.search(folded) or _YOU_DO.search(folded))


def commits(folded: str) -> bool:
    """Whether a folded clause says what its writer does or would do."""
    folded = _FOR_MYSELF.sub(" ", folded)
    return bool(_OFFERS.search(folded) or _COMMITS.search(folded))


def first_person(folded: str) -> bool:
    """Whether a folded clause speaks of its writer."""
    return bool(_FIRST.search(folded))


def second_person(folded: str) -> bool:
    """Whether a folded clause speaks of its reader."""
    return bool(_SECOND.search(folded))
