"""The workshop: data -> vocabulary -> fine-tuning -> GGUF, and the exam a model must pass."""
