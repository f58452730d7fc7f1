#!/usr/bin/env bash
# From data to the shipped model: vocabulary -> two fine-tunings -> their mean -> its matrices on Q4_0's
# grid -> GGUF -> exam -> models/. Vocabulary and fine-tunings are skipped when their result
# is there (delete its folder to have it anew; a broken-off one goes on from its last checkpoint), all
# later steps when their result is newer than what it is made from.
#
#     DATA=../shared/data WORK=work MODELS=models scripts/train.sh     # STUDENT=1: sidelong-60m too
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
for seed in 1 2; do
  [ -e "$WORK/run$seed/tokenizer.json" ] ||
    "$PYTHON" -m export.train --data "$DATA" --model "$WORK/base" --out "$WORK/run$seed" \
      --seed "$seed" --epochs 1 --tokens 1000000 --lr 4e-4 $limit
done

mean=$WORK/mean/tokenizer.json
newer "$mean" "$WORK"/run[12]/tokenizer.json ||
  "$PYTHON" -m export.average "$WORK/run1" "$WORK/run2" --out "$WORK/mean"

# What Q4_0 costs comes from the last layers most: these stay out of it, as far as 80 MB allow.
finer="27 28 29"
newer "$WORK/118m/tokenizer.json" "$mean" ||
  "$PYTHON" -m export.gptq "$WORK/mean" "$WORK/118m" --data "$DATA" --keep $finer

ship() { # SIZE "LAYERS IN Q8_0" [OPTION OF THE EXAM...]: work/SIZE -> GGUF -> exam -> models/
  local name=sidelong-$1 checkpoint=$WORK/$1
  local gguf=$WORK/$name.gguf exam=$WORK/exam${1#118m}.json
  newer "$gguf" "$checkpoint/tokenizer.json" ||
    "$PYTHON" -m export.to_gguf "$checkpoint" "$gguf" --type q4_0 --keep $2 \
      --name "$name" --meta sidelong.prompt=thread/1 --meta general.license=apache-2.0

  newer "$exam" "$gguf" || {
    "$PYTHON" -m export.exam --model "$gguf" --data "$DATA" "${@:3}" --json $limit > "$exam.new"
    mv "$exam.new" "$exam"
  }

  # Content, not only time: git dates what it checks out anew.
  { newer "$MODELS/manifest.json" "$exam" && cmp -s "$gguf" "$MODELS/$name.gguf"; } ||
    "$PYTHON" -m export.release "$gguf" "$exam" --record "$checkpoint/training.json" \
      --models "$MODELS" $incomplete
}

ship 118m "$finer" --baselines

# STUDENT=1: the smaller model as well. Both ways to prune the teacher learn from it for the same few
# tokens; the one that then loses less goes on with the teacher's own lines on open dialogues, and at
# last comes onto Q4_0's grid. What each of these gives is told from the same pruned start.
[ -n "${STUDENT:-}" ] || exit 0

trained() { # OUT FROM OPTION...
  [ -e "$1/tokenizer.json" ] ||
    "$PYTHON" -m export.train --data "$DATA" --out "$1" --model "$2" "${@:3}" $limit
}

labels=$WORK/labels.jsonl
[ -e "$labels" ] || {
  "$PYTHON" -m export.label --model "$WORK/sidelong-118m.gguf" --data "$DATA" --out "$labels.part" \
    --limit "${LIMIT:-1500}"
  mv "$labels.part" "$labels"
}
taught="--teacher $WORK/mean --temperature 2 --labels 0.3"
few="--epochs 1 --tokens 200000 --lr 4e-4 --seed 4"
for way in layers ffn; do
  small=$WORK/fewer-$way
  [ -e "$small/tokenizer.json" ] ||
    "$PYTHON" -m export.prune "$WORK/mean" "$small" --data "$DATA" --way $way --megabytes 40
  trained "$small-healed" "$small" $taught $few
done
better=$("$PYTHON" -m export.prune --better "$WORK"/fewer-{layers,ffn}-healed)
trained "$WORK/60m-plain" "${better%-healed}" $few
trained "$WORK/60m-labels" "${better%-healed}" $taught $few --extra "$labels"
trained "$WORK/60m-distilled" "$better" $taught --extra "$labels" --seed 5 --tokens 1000000 --lr 3e-4
# Two ways to bear Q4_0: to learn it, for which these tokens are too few, and GPTQ, which ships.
trained "$WORK/60m-rounding" "$WORK/60m-distilled" $taught --extra "$labels" --seed 6 \
  --tokens 200000 --lr 1e-4 --fake-q4
newer "$WORK/60m/tokenizer.json" "$WORK/60m-distilled/tokenizer.json" ||
  "$PYTHON" -m export.gptq "$WORK/60m-distilled" "$WORK/60m" --data "$DATA"
"$PYTHON" -m export.ablation "$WORK"/{60m-plain,fewer-{layers,ffn}-healed,60m-labels} \
  "$WORK"/{60m-distilled,60m-rounding,60m,mean} --data "$DATA" $limit
ship 60m ""
