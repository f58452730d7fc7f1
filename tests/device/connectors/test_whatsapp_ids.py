"""A message of WhatsApp's keeps its id from one export to the next, and shares it with no other."""

from __future__ import annotations

from pathlib import Path

from device.connectors.whatsapp import read_chat
from device.messages import Thread

TWO = "31/03/2025, 18:04 - Ben: hi\n31/03/2025, 18:05 - Anna: yes\n31/03/2025, 18:06 - Ben: ok\n"


def read(text: str, me: str = "Anna") -> Thread:
    *_, thread = read_chat(text, Path("_chat.txt"), me=me)
    assert isinstance(thread, Thread)
    return thread


def test_ids_stay_when_the_export_grows_or_begins_later() -> None:
    now = read(TWO)
    later = read(TWO + TWO.replace("31/03", "13/04"))
    assert [m.id for m in later.messages[:3]] == [m.id for m in now.messages]
    assert later.id == now.id
    assert len({m.id for m in later.messages}) == 6
    begun = TWO.replace("18:05 - Anna", "18:04 - Ben")
    assert read(begun.partition("\n")[2], "Ben").messages[0].id == read(begun, "Ben").messages[1].id


def test_two_people_of_one_name_lose_nothing() -> None:
    """Two chats with an Alex each, taken into one inbox."""
    one, other = ("31/03/2025, 18:04 - Alex: " + text for text in ("at the pool", "ring me"))
    ids = [read(chat + "\n", me="-").messages[0].id for chat in (one, other)]
    assert ids[0] != ids[1]
    assert [m.id for m in read(f"{one}\n{other}\n", me="-").messages] == ids


def test_ids_stay_with_and_without_media() -> None:
    line = "31/03/2025, 18:04 - Anna: {}\nthe sofa\n"
    with_files = read(line.format("IMG-20250331-WA0001.jpg (file attached)") + TWO)
    without = read(line.format("<Media omitted>") + TWO)
    assert with_files.messages[0].text != without.messages[0].text
    assert [m.id for m in with_files.messages] == [m.id for m in without.messages]


def test_same_words_in_one_minute_are_two_messages() -> None:
    line = "31/03/2025, 18:04 - Anna: ok\n"
    first, second = read(line * 2).messages
    assert first.id != second.id
