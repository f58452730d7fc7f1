"""The glasses' view and a phone's chat beside it, in a browser."""

from device.displays.web.display import AudioHook, WebDisplay
from device.displays.web.pages import StatusHook

__all__ = ["AudioHook", "StatusHook", "WebDisplay"]
