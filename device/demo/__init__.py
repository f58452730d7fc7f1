"""Chats written for the demo; no real person is in them."""
