#!/usr/bin/env bash
# research-zh: the network of mini-zh trained on research data too, for the comparison with the paper. Never part of the package:
# texts and gold of DuIE are for research only.
#   DATA=folder with llm/train.jsonl (an LLM's lists) and duie/train.jsonl (annotated texts, whose wrong triples cacre makes)
#   START=what it goes on from (default mini-zh); START_WEIGHT=its part in the average (0.5); SEED (13); RUNS=where runs are kept (runs)
# The data are incomplete annotations: a generated negative may be true, and the guard against it is all there is.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${DATA:?set DATA to the folder of research data}"
RUNS=${RUNS:-runs}
SEED=${SEED:-13}

cacre train "$DATA/llm/train.jsonl" "$DATA/duie/train.jsonl" -o "$RUNS/research-zh-$SEED" --from "${START:-mini-zh}" \
    --schema duie --precision float16 --max-recall-loss 0.1 --set training.seed="$SEED" --set loss.bce_weight=1.0 \
    --set training.generated_negatives=1 --set training.epochs=2 --set training.chosen_by=text_auc --set training.patience=9 \
    --set training.learning_rate=5e-4 --set training.encoder_learning_rate=1.5e-4 \
    --set training.start_weight="${START_WEIGHT:-0.5}" \
    --name research-zh --note "Trained on research data (DuIE2.0): not for release."
