"""A scene -> the lines that stand on one kind of glass, measured in pixels of its font.

glance: one line a page, and a page a row; title and hint only where a frame holds them. card: three
lines a page; each row has one, the lines left over go to the first rows that need them, and what is
still too long ends in an ellipsis at a word. reader: everything, on pages of up to 400 characters.
Every row begins with the mark that says whose words it is, and its other lines are set in: where a
mark stands, no sender's text ever does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wcwidth import iter_graphemes, wcwidth

from device.displays.drawable import drawable
from device.displays.profiles import Font, Kind, Profile
from device.displays.scene import Row, Scene

CARD_LINES = 3
READER_CHARS = 400
"""Characters of a reader's page."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is drawn, its mark or its indent before it."""

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on the glass at once."""

    body: tuple[Line, ...] = ()
    title: Line | None = None
    hint: Line | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """All of it, from the top."""
        return tuple(line for line in (self.title, *self.body, self.hint) if line)


def fit(scene: Scene, profile: Profile) -> tuple[Page, ...]:
    """The pages of a scene on one kind of glass, at least one; a dark one has no lines.

    No line is wider than `profile.width`, no page longer than its lines.
    """
    if not scene.rows:
        return (Page(),)
    rows = [_Paragraph(row, profile) for row in scene.rows]
    if scene.tier == "glance":
        bodies = [row.lines(1) for row in rows]
        if not profile.framed:
            return tuple(Page(tuple(body)) for body in bodies)
    else:
        bodies = list(_cards(rows) if scene.tier == "card" else _reader(rows, profile))
    title = _line("title", scene.title, profile) if scene.title else None
    pages = []
    for number, body in enumerate(bodies, start=1):
        count = f"{number}/{len(bodies)}" if len(bodies) > 1 else ""
        hint = " ".join(filter(None, (count, scene.hint)))
        pages.append(Page(tuple(body), title, _line("hint", hint, profile) if hint else None))
    return tuple(pages)


class _Paragraph:
    """One row: its mark, and what is drawn behind it."""

    def __init__(self, row: Row, profile: Profile):
        label = f"{row.label}: " if row.label else ""
        self.kind = row.mark
        self.text = drawable(label + row.text, profile.font)
        self.mark = profile.marks[row.mark]
        space = profile.font.measure(" ")
        self.indent = " " * -(-profile.font.measure(self.mark) // space)
        self._profile = profile
        self._room = profile.width - len(self.indent) * space

    def wrapped(self) -> list[str]:
        """The whole text in lines, without mark or indent; at least one."""
        lines: list[str] = []
        rest = self.text
        while rest:
            line, rest = cut(rest, self._profile.font, self._room)
            lines.append(line)
        return lines or [""]

    def lines(self, most: int) -> list[Line]:
        """At most so many lines, the last one shortened where there would be more."""
        lines: list[str] = []
        rest = self.text
        while rest and len(lines) < most - 1:
            line, rest = cut(rest, self._profile.font, self._room)
            lines.append(line)
        if rest or not lines:
            lines.append(shorten(rest, self._profile, self._room))
        return self.marked(lines)

    def marked(self, texts: Sequence[str]) -> list[Line]:
        """Lines that stand together on a page: the mark before the first, the rest set in."""
        return [
            Line(((self.indent if number else self.mark) + text).rstrip(), self.kind)
            for number, text in enumerate(texts)
        ]


def _cards(rows: Sequence[_Paragraph]) -> Iterator[list[Line]]:
    """Three rows a page, or fewer rows of which some have more than a line."""
    for start in range(0, len(rows), CARD_LINES):
        together = rows[start : start + CARD_LINES]
        spare = CARD_LINES - len(together)
        body: list[Line] = []
        for row in together:
            lines = row.lines(1 + spare)
            spare -= len(lines) - 1
            body += lines
        yield body


def _reader(rows: Sequence[_Paragraph], profile: Profile) -> Iterator[list[Line]]:
    """As many lines a page as the glass has besides title and hint; a cut row is marked again."""
    most = profile.lines - 2
    body: list[Line] = []
    chars = 0
    for row in rows:
        here: list[str] = []
        for text in row.wrapped():
            size = len(row.indent) + len(text)
            if len(body) + len(here) == most or chars + size > READER_CHARS:
                yield body + row.marked(here)
                body, here, chars = [], [], 0
            here.append(text)
            chars += size
        body += row.marked(here)
    yield body


def _line(kind: Kind, text: str, profile: Profile) -> Line:
    """A line of its own, shortened to the glass."""
    mark = profile.marks[kind]
    room = profile.width - profile.font.measure(mark)
    return Line(mark + shorten(drawable(text, profile.font), profile, room), kind)


def shorten(text: str, profile: Profile, room: int) -> str:
    """`text`, or as much of it as fits `room` pixels, ended by the ellipsis."""
    if profile.font.measure(text) <= room:
        return text
    room -= profile.font.measure(profile.ellipsis)
    return cut(text, profile.font, room)[0].rstrip(" ,;:-/") + profile.ellipsis


def cut(text: str, font: Font, room: int) -> tuple[str, str]:
    """(what fits `room` pixels, the rest), divided between words or beside a full-width character.

    A word is cut only where keeping it whole would leave more than half of the line empty. At
    least one character is taken, so that a loop over the rest ends.
    """
    used = at = 0
    split = split_at = 0
    wide = False
    for cluster in iter_graphemes(text):
        was_wide, wide = wide, wcwidth(cluster[0]) == 2
        if at and (cluster == " " or wide or was_wide):
            split, split_at = at, used
        used += font.measure(cluster)
        if used > room and cluster != " ":
            end = split if split_at * 2 >= room else at or len(cluster)
            return text[:end].rstrip(" "), text[end:].lstrip(" ")
        at += len(cluster)
    return text.rstrip(" "), ""
