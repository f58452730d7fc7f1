#!/usr/bin/env bash
# From data to the shipped model: vocabulary -> fine-tuning -> GGUF -> exam -> models/. Each step is skipped
# when its result is there; a broken-off fine-tuning goes on from its last checkpoint.
#
#     DATA=../shared/data WORK=work HOURS=1.4 scripts/train.sh
set -euo pipefail
cd "$(dirname "$0")/.."
: "${DATA:=../shared/data}" "${WORK:=work}" "${HOURS:=1.4}" "${EPOCHS:=2}" "${PYTHON:=.venv/bin/python}"

[ -e "$WORK/base/model.safetensors" ] ||
  "$PYTHON" -m export.vocabulary --data "$DATA" --out "$WORK/base"

[ -e "$WORK/118m/model.safetensors" ] ||
  "$PYTHON" -m export.train --data "$DATA" --model "$WORK/base" --out "$WORK/118m" \
    --epochs "$EPOCHS" --hours "$HOURS"

"$PYTHON" -m export.to_gguf "$WORK/118m" "$WORK/sidelong-118m.gguf" --type q4_0 \
  --name sidelong-118m --meta sidelong.prompt=thread/1 --meta general.license=apache-2.0

"$PYTHON" -m export.exam --model "$WORK/sidelong-118m.gguf" --data "$DATA" --baselines --json \
  > "$WORK/exam.json"

"$PYTHON" -m export.release "$WORK/sidelong-118m.gguf" "$WORK/exam.json"
