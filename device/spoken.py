"""What of a scene is said aloud, and in how many words. Pure, like `device.scenes`.

A scene replaces the one before it; only what is new in it is said. While the wearer rides, a card
has no more than `SPOKEN_WORDS`. Notes, a text to be confirmed and one that was asked for word for
word are said whole: the first answer the wearer or warn, the second has to be known, the third was
wanted.
"""

from __future__ import annotations

from device.displays.scene import Row, Scene
from device.settings import Activity
from device.text import clean

SPOKEN_WORDS: dict[Activity, int | None] = {"riding": 12, "walking": None, "seated": None}
"""How many words of a card are spoken at most, `MORE` apart; None: all."""
MORE = "There is more."
"""Said behind a card that was cut: who rides can't see it."""
NUMBERS = {"1": "One", "2": "Two", "3": "Three"}


def speech(scene: Scene, before: Scene | None = None, activity: Activity = "seated") -> str:
    """What is said when `scene` takes the place of `before`; "" where it says nothing new."""
    notes = _new([row.text for row in _notes(scene)], [row.text for row in _notes(before)])
    body, old = _body(scene), _body(before)
    if scene.stage == "read back":
        said = [*notes, *body] if body != old else notes
        return _sentences(said)
    turned = before is None or scene.title != before.title
    told = body if turned and scene.stage == "" else _new(body, old)
    words = SPOKEN_WORDS[activity]
    if scene.tier == "reader" or words is None:
        return _sentences([*notes, *told])
    kept = _in_budget(told, words)
    was_cut = " ".join(kept).split() != " ".join(told).split()
    return _sentences([*notes, *kept, *([MORE] if was_cut else [])])


def notes_of(scene: Scene | None) -> str:
    """What the wearer is told above the scene's own parts."""
    return _sentences([row.text for row in _notes(scene)])


def _body(scene: Scene | None) -> list[str]:
    """The scene's own parts, in their order."""
    if scene is None:
        return []
    if scene.stage == "countdown":
        return ["On its way in a moment. Say cancel to stop it."]
    rows = [row for row in scene.rows if row.mark != "notice" or row.label]
    if scene.stage == "read back":
        return [f"{scene.title.removesuffix('?')}: {rows[0].text}", "Is that right?"]
    parts = [_row(row) for row in rows]
    if rows and not rows[0].label and not parts[0].startswith(scene.title):
        parts[0] = f"{scene.title}: {parts[0]}"
    return parts


def _row(row: Row) -> str:
    if row.label in NUMBERS:
        return f"{NUMBERS[row.label]}: {row.text}"
    return f"{row.label}: {row.text}" if row.label and row.label != "summary" else row.text


def _notes(scene: Scene | None) -> list[Row]:
    return [row for row in (scene.rows if scene else ()) if row.mark == "notice" and not row.label]


def _new(parts: list[str], before: list[str]) -> list[str]:
    return [part for part in parts if part not in before]


def _in_budget(parts: list[str], words: int) -> list[str]:
    """Each part shortened to its fair share of the words; what one leaves, the next ones have."""
    said: list[str] = []
    for number, part in enumerate(parts):
        share = words // (len(parts) - number)
        kept = part.split()[:share]
        words -= len(kept)
        if kept:
            said.append(" ".join(kept))
    return said


def _sentences(parts: list[str]) -> str:
    ended = (part if part.endswith((".", "!", "?", "…")) else f"{part}." for part in parts if part)
    return clean(" ".join(ended))
