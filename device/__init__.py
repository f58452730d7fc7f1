"""What the wearer runs: messages in, a card out, drafts, consent, send. No torch in here."""

import os

# ONNX Runtime's wheels keep a device id in the cache folder and report to Microsoft, from their
# import on; nothing said later stops that, `disable_telemetry_events` neither.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
