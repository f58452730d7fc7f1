#!/usr/bin/env bash
# From data to the shipped model: vocabulary -> two fine-tunings -> their mean -> the same again under
# Q4_0's rounding -> GGUF -> exam -> models/. Each step is skipped when its result is there; a
# broken-off fine-tuning goes on from its last checkpoint.
#
#     DATA=../shared/data WORK=work scripts/train.sh
set -euo pipefail
cd "$(dirname "$0")/.."
: "${DATA:=../shared/data}" "${WORK:=work}" "${PYTHON:=.venv/bin/python}"

[ -e "$WORK/base/model.safetensors" ] ||
  "$PYTHON" -m export.vocabulary --data "$DATA" --out "$WORK/base"

# A short run invents less, a long one knows the tasks better: "seed epochs learning-rate".
for run in "1 1 4e-4" "2 2 3e-4"; do
  read -r seed epochs rate <<< "$run"
  [ -e "$WORK/run$seed/model.safetensors" ] ||
    "$PYTHON" -m export.train --data "$DATA" --model "$WORK/base" --out "$WORK/run$seed" \
      --seed "$seed" --epochs "$epochs" --lr "$rate"
done
"$PYTHON" -m export.average "$WORK/run1" "$WORK/run2" --out "$WORK/mean"

# The rounded model learns the mean's own probabilities: labels would have it memorise once more.
[ -e "$WORK/118m/model.safetensors" ] ||
  "$PYTHON" -m export.train --data "$DATA" --model "$WORK/mean" --teacher "$WORK/mean" --fake-q4 \
    --out "$WORK/118m" --seed 3 --epochs 1 --lr 1e-4

"$PYTHON" -m export.to_gguf "$WORK/118m" "$WORK/sidelong-118m.gguf" --type q4_0 \
  --name sidelong-118m --meta sidelong.prompt=thread/1 --meta general.license=apache-2.0

"$PYTHON" -m export.exam --model "$WORK/sidelong-118m.gguf" --data "$DATA" --baselines --json \
  > "$WORK/exam.json"

"$PYTHON" -m export.release "$WORK/sidelong-118m.gguf" "$WORK/exam.json"
