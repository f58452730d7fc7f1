"""The workshop: data -> vocabulary -> fine-tuning -> GGUF, and the exam a model must pass."""

import device  # noqa: F401 - before ONNX Runtime, whose telemetry it switches off
