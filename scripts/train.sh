#!/usr/bin/env bash
# From data to the shipped model: vocabulary -> two fine-tunings -> their mean -> the same again under
# Q4_0's rounding -> GGUF -> exam -> models/. Vocabulary and fine-tunings are skipped when their result
# is there (delete its folder to have it anew; a broken-off one goes on from its last checkpoint), all
# later steps when their result is newer than what it is made from.
#
#     DATA=../shared/data WORK=work MODELS=models scripts/train.sh
#
# LIMIT=8 MODELS=/tmp/models WORK=/tmp/work tries every step on 8 threads, in minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${DATA:=../shared/data}" "${WORK:=work}" "${MODELS:=models}" "${PYTHON:=.venv/bin/python}"
limit=${LIMIT:+--limit $LIMIT} incomplete=${LIMIT:+--incomplete} # unquoted below: none or two words

for folder in glancechat open; do
  [ -d "$DATA/$folder" ] || {
    echo "train.sh: no folder $DATA/$folder; say where the training data is: make train DATA=FOLDER" >&2
    exit 2
  }
done

newer() { # RESULT INPUT...
  local input
  for input in "${@:2}"; do [ "$1" -nt "$input" ] || return 1; done
}

[ -e "$WORK/base/model.safetensors" ] ||
  "$PYTHON" -m export.vocabulary --data "$DATA" --out "$WORK/base"

# A checkpoint's tokenizer.json is written last: where it is, the rest is whole.
# A short run invents less, a long one knows the tasks better: "seed epochs learning-rate".
for run in "1 1 4e-4" "2 2 3e-4"; do
  read -r seed epochs rate <<< "$run"
  [ -e "$WORK/run$seed/tokenizer.json" ] ||
    "$PYTHON" -m export.train --data "$DATA" --model "$WORK/base" --out "$WORK/run$seed" \
      --seed "$seed" --epochs "$epochs" --lr "$rate" $limit
done

mean=$WORK/mean/tokenizer.json
newer "$mean" "$WORK"/run[12]/tokenizer.json ||
  "$PYTHON" -m export.average "$WORK/run1" "$WORK/run2" --out "$WORK/mean"

# The rounded model learns the mean's own probabilities: labels would have it memorise once more.
[ -e "$WORK/118m/tokenizer.json" ] ||
  "$PYTHON" -m export.train --data "$DATA" --model "$WORK/mean" --teacher "$WORK/mean" --fake-q4 \
    --out "$WORK/118m" --seed 3 --epochs 1 --lr 1e-4 $limit

gguf=$WORK/sidelong-118m.gguf
newer "$gguf" "$WORK/118m/tokenizer.json" ||
  "$PYTHON" -m export.to_gguf "$WORK/118m" "$gguf" --type q4_0 \
    --name sidelong-118m --meta sidelong.prompt=thread/1 --meta general.license=apache-2.0

exam=$WORK/exam.json
newer "$exam" "$gguf" || {
  "$PYTHON" -m export.exam --model "$gguf" --data "$DATA" --baselines --json $limit \
    > "$exam.new"
  mv "$exam.new" "$exam"
}

# Content, not only time: git dates what it checks out anew.
{ newer "$MODELS/manifest.json" "$exam" && cmp -s "$gguf" "$MODELS/sidelong-118m.gguf"; } ||
  "$PYTHON" -m export.release "$gguf" "$exam" --models "$MODELS" $incomplete
