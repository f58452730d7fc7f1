"""Ears and a mouth: microphone, end of speech, speech-to-text; text-to-speech, speaker."""
