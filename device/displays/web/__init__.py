"""The glasses' view and a phone's chat beside it, in a browser."""

from device.displays.web.display import AudioHook, WebDisplay

__all__ = ["AudioHook", "WebDisplay"]
