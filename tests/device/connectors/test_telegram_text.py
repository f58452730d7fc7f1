"""What an entry of a Telegram export shows."""

from __future__ import annotations

from typing import Any

from device.connectors import telegram_text


def shown(**fields: Any) -> str | None:
    return telegram_text.shown({"type": "message"} | fields)


def test_text_as_string_or_entities() -> None:
    assert shown(text="plain") == "plain"
    assert (
        shown(text=["a ", {"type": "bold", "text": "b"}, {"type": "link", "text": "c"}]) == "a bc"
    )
    assert shown(text=[]) == "[unsupported message]"


def test_media_with_caption() -> None:
    assert shown(photo="photos/1.jpg", text="look") == "[photo] look"
    assert shown(media_type="video_message", file="x", text="") == "[video message]"
    assert shown(media_type="audio_file", file="x", text="") == "[audio]"
    assert shown(file="files/a b.pdf", text="") == "[document: a b.pdf]"
    assert shown(file="(File not included. Change settings.)", text="") == "[document]"
    assert shown(location_information=None, text="") == "[location]"
    assert shown(contact_information={"phone_number": "+1"}, text="") == "[contact: +1]"
    assert shown(game_title="Chess", text="") == "[game: Chess]"
    assert shown(invoice_information={"title": "Shoes"}, text="") == "[invoice: Shoes]"


def test_poll() -> None:
    poll = {"question": "Tea?", "answers": [{"text": "yes", "voters": 1}, {"text": "no"}]}
    assert shown(poll=poll, text="") == "Poll: Tea? Options: yes; no"


def test_forwarded_words_are_not_the_senders() -> None:
    assert shown(forwarded_from="News", text="rain") == "[forwarded from News] rain"
    assert shown(forwarded_from=None, text="rain") == "[forwarded] rain"


def test_what_is_struck_through_is_not_said() -> None:
    def struck(text: object) -> dict[str, object]:
        return {"type": "strikethrough", "text": text}

    later = ["at ", struck("7 pm "), {"type": "bold", "text": "8"}]
    assert shown(text=later) == "at [struck out] 8"
    assert shown(text=[struck("no")]) == "[struck out]"
    assert shown(text=[struck(" ")]) == "[unsupported message]"
