#!/usr/bin/env bash
# research-zh: the network of mini-zh trained on research data, for the comparison with the paper. Never part of the package: texts
# and gold of DuIE are for research only.
#   DATA=folder with llm/train.jsonl (an LLM's lists) and duie/train.jsonl (annotated texts, whose wrong triples cacre makes)
#   ENCODER=the encoder of corpus/bundled_model.sh (default runs/encoder-rtd); SEED (13); RUNS=where runs are kept (runs)
# The data are incomplete annotations: a generated negative may be true, and the guard against it is all there is.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${DATA:?set DATA to the folder of research data}"
RUNS=${RUNS:-runs}
SEED=${SEED:-13}

cacre train "$DATA/llm/train.jsonl" "$DATA/duie/train.jsonl" -o "$RUNS/research-zh-$SEED" --schema duie --precision float16 \
    --max-recall-loss 0.1 --set training.seed="$SEED" \
    --set encoder.name_or_path="${ENCODER:-$RUNS/encoder-rtd}" --set encoder.dropout=0.1 \
    --set model.reader_layers=2 --set model.evidence_layers=0 --set model.second_hop=none \
    --set model.triple_encoding=parts --set loss.bce_weight=1.0 \
    --set training.generated_negatives=1 --set training.epochs=3 --set training.chosen_by=text_auc --set training.patience=9 \
    --set training.learning_rate=1e-3 --set training.encoder_learning_rate=3e-4 \
    --name research-zh --note "Trained on research data (DuIE2.0): not for release."
