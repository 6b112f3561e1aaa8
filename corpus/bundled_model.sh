#!/usr/bin/env bash
# A verifier as mini-zh, to the folder in the package. Every step goes on where an interrupted run stopped.
#   PRETRAIN=1 CORPUS=folder of *.txt (a sentence or a few a line): pre-train the encoder anew; else corpus/encoder is taken
#   REPLACED=1 CORPUS=folder: go on from it by finding replaced characters
#   RUNS=where runs are kept (default runs); SEED of the verifier (default 13); TRAIN_ONLY=1 leaves the package as it is
#   BF16=true computes in bfloat16: a fifth faster where the CPU has it (avx512_bf16), much slower where it has not
# Takes 46 and 80 minutes of a core to pre-train, 60 to 105, 120 and 95 to train. What other seeds give, and how little REPLACED=1
# brings: docs/results/bundled-model.md. Repeats the recipe, not the exact weights.
set -euo pipefail
cd "$(dirname "$0")/.."
RUNS=${RUNS:-runs}
SEED=${SEED:-13}
FIRST=$RUNS/mini-zh-$SEED-first
SECOND=$RUNS/mini-zh-$SEED-second
OUT=$RUNS/mini-zh-$SEED
TARGET=src/cacre/resources/models/mini-zh
ENCODER=corpus/encoder

if [ -n "${PRETRAIN:-}${REPLACED:-}" ]; then
    : "${CORPUS:?set CORPUS to a folder of running text in *.txt files}"
fi
# --keep for those of the files that CORPUS has: it may be another than that of the released model.
keep() {
    KEEP=()
    for part in "$@"; do
        if [ -f "$CORPUS/${part%%=*}.txt" ]; then KEEP+=(--keep "$part"); fi
    done
}
if [ -n "${PRETRAIN:-}" ]; then
    ENCODER=$RUNS/encoder-zh
    keep prc_laws=0.25 gov_work_reports=0.4 taiwan_scenic_spots=0.6 drcd_devtest=0.8
    cacre pretrain "$CORPUS" corpus/seed -o "$ENCODER" --set encoder.dropout=0.0 --epochs 3 ${KEEP[@]+"${KEEP[@]}"}
fi
if [ -n "${REPLACED:-}" ]; then
    keep prc_laws=0.15 gov_work_reports=0.3 taiwan_scenic_spots=0.6 drcd_devtest=0.9
    cacre pretrain "$CORPUS" corpus/seed corpus/train -o "$RUNS/encoder-rtd" --generator "$ENCODER" \
        --set encoder.dropout=0.0 --epochs 3 --learning-rate 5e-4 ${KEEP[@]+"${KEEP[@]}"}
    ENCODER=$RUNS/encoder-rtd
fi
cacre train corpus/seed corpus/train -o "$FIRST" --schema open --extracted corpus/extracted/candidates.jsonl \
    --set training.seed="$SEED" --set encoder.name_or_path="$ENCODER" --set encoder.dropout=0.1 \
    --set training.complete_annotation=true --set training.renamed_copies=1 --set training.epochs=4 \
    --set training.patience=9 --set training.bf16="${BF16:-false}" --set model.pattern_head=0
# Then the texts of corpus/more too; what was dev stays dev.
python corpus/tools/split.py corpus/seed corpus/train --more corpus/more --seed "$SEED" -o "$RUNS/split-$SEED"
# Both go on alike. The pattern head is fitted when all else is done, and in the last pass, which has texts of 43 domains
# besides, each under a schema of its own, fitted further.
go_on() {
    cacre train "$RUNS/split-$SEED/train.jsonl" --dev "$RUNS/split-$SEED/dev.jsonl" \
        --precision float16 --max-recall-loss 0.1 --dev-domains corpus/domains/dev \
        --extracted corpus/extracted/candidates.jsonl \
        --set model.pattern_head=0.5 --set training.seed="$SEED" --set training.start_weight=0 \
        --set training.chosen_by=text_auc --set training.generated_negatives=1 \
        --set training.generated_kinds='["corrupt_subject", "corrupt_predicate", "swap_roles"]' \
        --set training.learning_rate=6e-4 --set training.encoder_learning_rate=2e-4 \
        --set training.complete_annotation=true --set training.renamed_copies=1 \
        --set training.patience=9 --set training.bf16="${BF16:-false}" "$@"
}
go_on -o "$SECOND" --from "$FIRST" --set training.epochs=2
go_on -o "$OUT" --from "$SECOND" --set training.epochs=1 --set training.evaluations_per_epoch=2 \
    --domains corpus/domains/train --name mini-zh --license apache-2.0 --note "$(cat corpus/mini-zh.note.md)"
if [ -n "${TRAIN_ONLY:-}" ]; then
    exit
fi

mkdir -p "$TARGET"
for file in config.json tokenizer.json schema.json thresholds.json README.md encoder.onnx pair.onnx compare.onnx; do
    cp "$OUT/$file" "$TARGET/$file"
done
du -ch "$TARGET"/* | tail -n 1
