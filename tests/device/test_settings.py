"""Settings are typed, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.cpu import cores
from device.errors import SettingsError
from device.settings import Settings, default_data_dir, load_settings, settings_path


def test_no_file_means_the_defaults() -> None:
    assert load_settings() == Settings()


def test_a_mark_of_byte_order_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('me = "Anna"\n', encoding="utf-8-sig")
    assert load_settings(path).me == "Anna"


def test_the_file_is_read() -> None:
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text('me = "Anna"\nthreads = 1\ndate_order = "mdy"\npeople = ["Ben"]\n')
    expected = Settings(me="Anna", threads=1, date_order="mdy", people=("Ben",))
    assert load_settings() == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "no setting is called 'colour'"),
        ("threads = 0", "threads can't be 0"),
        ("threads = true", "threads can't be True"),
        (f"threads = {cores() + 1}", f"this machine has {cores()} cores"),
        ('engine = "torch"', "'llama' or 'onnx'"),
        ("me = 3", "a text in quotes"),
        ("context = 200", "context can't be 200; it is from 768"),
        ("context = 99999999999", "to 1048576 tokens"),
        ("countdown = 601", "600 seconds at most"),
        ('display = "hologram"', "'terminal' or 'web'"),
        ("people = 'Mum'", "a list of texts in quotes"),
        ("people = [1]", "a list of texts in quotes"),
        ("learn = 1", "true or false"),
        ("quiet = 'at night'", 'like "22:00-07:00"'),
        ("quiet = '22:00-22:00'", 'like "22:00-07:00"'),
        ("batch = 9999", "1440 minutes at most"),
        ("me = ", "not readable as TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"settings\.toml") as error:
        load_settings(path)
    assert said in str(error.value)


def test_data_lies_where_the_platform_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir().name == "sidelong"
    assert not default_data_dir().exists()
