#!/usr/bin/env bash
# mini-zh, from running text to the folder in the package. Every step goes on where an interrupted run stopped.
#   CORPUS=folder of *.txt (a sentence or a few a line); corpus/mini-zh.note.md says what the released model was made from.
#   RUNS=where runs are kept (default runs)
# Took 46 + 25 minutes on two shared cores; one seed. Repeats the recipe, not the exact weights.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${CORPUS:?set CORPUS to a folder of running text in *.txt files}"
RUNS=${RUNS:-runs}
TARGET=src/cacre/resources/models/mini-zh

if [ ! -f "$RUNS/encoder-zh/pretraining.json" ]; then
    cacre pretrain "$CORPUS" corpus/seed -o "$RUNS/encoder-zh" --set encoder.dropout=0.0 --epochs 3 \
        --keep prc_laws=0.25 --keep gov_work_reports=0.4 --keep taiwan_scenic_spots=0.6 --keep drcd_devtest=0.8
fi
# On a CPU a frozen encoder with cached states halves the time; on a GPU leave encoder.frozen out.
cacre train corpus/seed corpus/train -o "$RUNS/mini-zh-reader" --schema open --precision float16 \
    --set encoder.name_or_path="$RUNS/encoder-zh" --set encoder.frozen=true \
    --set model.reader_layers=2 --set model.evidence_layers=0 --set model.second_hop=none --set loss.bce_weight=1.0 \
    --set training.generated_negatives=0 --set training.epochs=6 --set training.patience=6 \
    --set training.learning_rate=1e-3 --name mini-zh --license apache-2.0 --note "$(cat corpus/mini-zh.note.md)"

mkdir -p "$TARGET"
for file in config.json tokenizer.json schema.json thresholds.json README.md encoder.onnx pair.onnx compare.onnx; do
    cp "$RUNS/mini-zh-reader/$file" "$TARGET/$file"
done
du -ch "$TARGET"/* | tail -n 1
