#!/usr/bin/env bash
# The extractor `mini-zh`, which needs no LLM: from the first encoder of corpus/bundled_model.sh to the folder in the package.
#   RUNS=where runs are kept (default runs)
# Took 14 minutes of one core; one seed.
set -euo pipefail
cd "$(dirname "$0")/.."
RUNS=${RUNS:-runs}
TARGET=src/cacre/resources/extractors/mini-zh

cacre train-extractor electra-joint corpus/seed corpus/train --schema open -o "$RUNS/mini-zh-extractor" \
    --encoder "$RUNS/encoder-zh" --epochs 8 --onnx --precision float16
mkdir -p "$TARGET"
for file in config.json tokenizer.json schema.json threshold.json encoder.onnx heads.onnx; do
    cp "$RUNS/mini-zh-extractor/$file" "$TARGET/$file"
done
sed 's/--extractor mini-zh-extractor/--extractor mini-zh/' "$RUNS/mini-zh-extractor/README.md" | cat - corpus/mini-zh-extractor.note.md > "$TARGET/README.md"
du -ch "$TARGET"/* | tail -n 1
