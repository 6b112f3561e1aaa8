"""Measure a model folder on LLM candidates: `python benchmarks/first_run.py DATA --model DIR [--json FILE]`.

DATA is a folder with `llm/dev.jsonl` (contrastive rows with gold), `llm/dev_support.jsonl` (judged triples) and
`llm/train.jsonl` (for the triple-only probe). None of it belongs to this repository.

What is measured, on the dev rows only:

* precision, recall, F1 of the LLM's anchors against gold, before and after the two thresholds, with 95 % intervals over
  sentences (B = 1000) and a paired interval of the difference;
* ROC-AUC of text_score: anchors in gold against anchors not in gold; anchors judged supported against not supported;
  anchors against the LLM's own negatives;
* the shuffled-text control: the same lists scored against the text of another row. A verifier that reads falls to .5;
* a triple-only probe: a linear classifier on the characters of the triple, which never sees a text. What it reaches is
  what the lists give away by their style;
* wall time and peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cacre.data import load_examples
from cacre.data.normalisation import normalise_triple
from cacre.evaluation import bootstrap_scores, count_texts, false_positives_removed_at_tpr, roc_auc
from cacre.inference import DecisionRules, OnnxVerifier, load_verifier
from cacre.types import Candidate, Example, Triple

B, SEED = 1000, 13


def candidates(example: Example) -> list[Candidate]:
    """The anchors of a row, each with the LLM's paraphrase."""
    return [Candidate(a, paraphrase=p) for a, p in zip(example.anchors, example.positives, strict=True)]


def text_scores(verifier: OnnxVerifier, rows: list[tuple[str, list[Triple]]]) -> list[NDArray[np.float64]]:
    """text_score of each triple."""
    scored = verifier.score_many([(text, [Candidate(t) for t in triples]) for text, triples in rows], ())
    return [np.asarray([score.text_score for score in row]) for row in scored]


def auc(positive: list[float], negative: list[float]) -> float:
    """Area under the ROC curve."""
    labels = np.r_[np.ones(len(positive)), np.zeros(len(negative))].astype(bool)
    return round(float(roc_auc(labels, np.r_[positive, negative])), 4)


def scorer_rows(examples: list[Example], kept: list[list[Triple]]) -> tuple[Any, Any]:
    """Predictions and gold as the DuIE scorer takes them."""
    predictions = [(e.text, list(triples)) for e, triples in zip(examples, kept, strict=True)]
    return predictions, [(e.text, list(e.gold or ())) for e in examples]


def before_after(examples: list[Example], verifier: OnnxVerifier) -> dict[str, Any]:
    """Precision, recall and F1 with intervals, and the paired difference."""
    started = time.monotonic()
    verdicts = verifier.verify_many([(e.text, candidates(e)) for e in examples])
    seconds = time.monotonic() - started
    kept = {
        "before": [list(e.anchors) for e in examples],
        "after": [[v.candidate.triple for v in row if v.supported] for row in verdicts],
    }
    result: dict[str, Any] = {"seconds": round(seconds, 2), "candidates": sum(len(e.anchors) for e in examples)}
    samples = {}
    for name, triples in kept.items():
        predictions, gold = scorer_rows(examples, triples)
        counts = count_texts(predictions, gold)
        samples[name] = bootstrap_scores(counts, B, SEED)
        low, high = np.quantile(samples[name], [0.025, 0.975], axis=0).round(4)
        correct, predicted, in_gold, recalled = counts.sum(axis=0)
        p, r = correct / max(predicted, 1), recalled / max(in_gold, 1)
        result[name] = {
            "precision": round(float(p), 4),
            "recall": round(float(r), 4),
            "f1": round(float(2 * p * r / max(p + r, 1e-12)), 4),
            "interval": {k: [float(low[i]), float(high[i])] for i, k in enumerate(("precision", "recall", "f1"))},
        }
    difference = samples["after"] - samples["before"]
    low, high = np.quantile(difference, [0.025, 0.975], axis=0).round(4)
    result["difference"] = {k: [float(low[i]), float(high[i])] for i, k in enumerate(("precision", "recall", "f1"))}
    reasons: dict[str, int] = {}
    for verdict in (v for row in verdicts for v in row if v.reason):
        name = str(verdict.reason).split(" ")[0] if "below" in str(verdict.reason) else str(verdict.reason)
        reasons[name] = reasons.get(name, 0) + 1
    return result | {"reasons": reasons}


def score_aucs(examples: list[Example], support: dict[str, list[Any]], verifier: OnnxVerifier) -> dict[str, Any]:
    """The areas named at the top of this file."""
    anchors = text_scores(verifier, [(e.text, list(e.anchors)) for e in examples])
    negatives = text_scores(verifier, [(e.text, list(e.negatives)) for e in examples])
    moved = np.roll(np.arange(len(examples)), 1)  # every row gets the text of the row before it
    other = [examples[i].text for i in moved]
    far_anchors = text_scores(verifier, [(text, list(e.anchors)) for text, e in zip(other, examples, strict=True)])
    far_negatives = text_scores(verifier, [(text, list(e.negatives)) for text, e in zip(other, examples, strict=True)])
    in_gold: dict[bool, list[float]] = {True: [], False: []}
    judged: dict[bool, list[float]] = {True: [], False: []}
    for example, scores in zip(examples, anchors, strict=True):
        gold = {normalise_triple(t) for t in example.gold or ()}
        labels = {tuple(item["triple"]): item["supported"] for item in support.get(example.id or "", [])}
        for triple, score in zip(example.anchors, scores, strict=True):
            in_gold[normalise_triple(triple) in gold].append(float(score))
            if labels.get(tuple(triple)) is not None:
                judged[bool(labels[tuple(triple)])].append(float(score))
    right, wrong = np.concatenate(anchors), np.concatenate(negatives)
    gold_labels = np.r_[np.ones(len(in_gold[True])), np.zeros(len(in_gold[False]))].astype(bool)
    gold_scores = np.asarray([*in_gold[True], *in_gold[False]])
    return {
        "anchors_in_gold_or_not": auc(in_gold[True], in_gold[False]),
        "false_positives_removed_at_tpr_974_gold": round(
            float(false_positives_removed_at_tpr(gold_labels, gold_scores)), 4
        ),
        "supported_or_not": auc(judged[True], judged[False]),
        "judged": {"supported": len(judged[True]), "not_supported": len(judged[False])},
        "anchors_or_llm_negatives": auc(right.tolist(), wrong.tolist()),
        "shuffled_text_anchors_or_negatives": auc(
            np.concatenate(far_anchors).tolist(), np.concatenate(far_negatives).tolist()
        ),
        "anchors_with_their_text_or_another": auc(right.tolist(), np.concatenate(far_anchors).tolist()),
    }


def triple_only_probe(train: list[Example], dev: list[Example]) -> float:
    """AUC on dev lists of a linear model over character n-grams of the triple, fitted on train lists."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def lists(examples: list[Example]) -> tuple[list[str], list[int]]:
        rows = [("\t".join(t), y) for e in examples for y, part in ((1, e.anchors), (0, e.negatives)) for t in part]
        return [text for text, _ in rows], [label for _, label in rows]

    model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), LogisticRegression(max_iter=1000))
    model.fit(*lists(train))
    texts, labels = lists(dev)
    return round(float(roc_auc(np.asarray(labels, bool), model.predict_proba(texts)[:, 1])), 4)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    verifier = load_verifier(arguments.model, rules=DecisionRules())
    dev = load_examples([arguments.data / "llm" / "dev.jsonl"])
    with (arguments.data / "llm" / "dev_support.jsonl").open(encoding="utf-8") as stream:
        support = {row["id"]: row["triples"] for row in map(json.loads, stream)}
    report = {
        "model": Path(arguments.model).name,
        "texts": len(dev),
        "filter": before_after(dev, verifier),
        "auc": score_aucs(dev, support, verifier),
        "triple_only_probe_auc": triple_only_probe(load_examples([arguments.data / "llm" / "train.jsonl"]), dev),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    text = json.dumps(report, ensure_ascii=False, indent=1)
    if arguments.json:
        arguments.json.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
