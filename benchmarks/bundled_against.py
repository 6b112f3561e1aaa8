"""The bundled verifier beside its baselines, on every label there is.

    python benchmarks/bundled_against.py --model runs/mini-zh-13 --model runs/mini-zh-14 --cross-encoder runs/encoder

Systems: each model folder given (one per seed; the bundled model if none is), a cross-encoder trained here from the
given encoder, or from that of a verifier (`--cross-encoder mini-zh`), on the same texts (once for each `--seed`; of
several `--rate` the one with the best AUC on the dev part after a pass; with `--markers` the names are marked in its
texts), boosted trees on string evidence, the rule filter, a relation prior. All are trained on the lists of the train
part of `corpus/seed` and `corpus/train`, those of `--more`, and the wrong candidates of an extractor on these texts;
none of the test sets below chose anything.

Test sets: the corpus's lists and natural candidates, and with `--data` the research data, which is not part of this
repository: an LLM's lists, its anchors judged by a reader and by annotation, extractors' output by annotation.
AUC with 95 % intervals over texts (B = 1000), means over seeds, and the paired interval of what the first one is above
this one. Scores are kept below `--cache`: what is there, of the same model or the same training rows, is not computed
again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cacre.baselines.cross_encoder import CrossEncoderBaseline
from cacre.baselines.evidence_trees import EvidenceTrees
from cacre.baselines.finetuning import FinetuningSettings
from cacre.baselines.protocol import Baseline
from cacre.baselines.relation_prior import RelationPrior
from cacre.baselines.rule_filter import RuleFilter
from cacre.config import Settings
from cacre.data import load_examples
from cacre.data.extracted import load_extracted, with_extracted
from cacre.data.normalisation import normalise_triple
from cacre.data.splits import leaking_rows, split_examples
from cacre.evaluation import roc_auc
from cacre.evaluation.bootstrap import TextDraws, percentile_interval
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.sweep import Ranking
from cacre.export import load_trainable
from cacre.inference import load_verifier
from cacre.inference.folder import find_folder
from cacre.modeling.pretrained import save_encoder
from cacre.schema import load_schema
from cacre.types import Candidate, Example, Triple

Floats = NDArray[np.float64]
Scored = Callable[[Sequence[LabelledText]], Floats]


def labelled(text: str, labels: Iterable[tuple[Triple, bool | None]]) -> LabelledText:
    """A text with what is known of its candidates; of one that stands there twice the first."""
    known = {triple: label for triple, label in reversed(list(labels)) if label is not None}
    order = [triple for triple in dict.fromkeys(reversed(known))]
    return LabelledText(text, tuple(map(Candidate, order)), tuple(known[t] for t in order))


def lists(examples: Iterable[Example]) -> list[LabelledText]:
    """Anchors are right, negatives are wrong."""
    return [
        labelled(e.text, [*((t, True) for t in e.anchors), *((t, False) for t in (*e.negatives, *e.hard))])
        for e in examples
    ]


def against_gold(path: Path) -> list[LabelledText]:
    """Candidates, or the anchors of contrastive rows: right where they are annotated."""
    rows = []
    for raw in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        proposed = raw.get("anchors") or raw.get("triples") or raw.get("predictions") or []
        gold = {normalise_triple(_triple(t)) for t in raw.get("gold") or raw.get("spo_list") or ()}
        triples = [_triple(t) for t in proposed]
        rows.append(labelled(raw["text"], [(t, normalise_triple(t) in gold) for t in triples]))
    return rows


def against_judges(path: Path, judgements: Path | None = None) -> list[LabelledText]:
    """Candidates with `supported`, in the row or in a file of judgements by row id."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if judgements is None:
        return [labelled(raw["text"], [(_triple(t), t["supported"]) for t in raw["triples"]]) for raw in rows]
    said = {raw["id"]: raw["triples"] for raw in map(json.loads, judgements.read_text(encoding="utf-8").splitlines())}
    return [
        labelled(raw["text"], [(Triple(*t["triple"]), bool(t["supported"])) for t in said[raw["id"]]])
        for raw in rows
        if raw["id"] in said
    ]


def _triple(value: dict[str, object] | list[str]) -> Triple:
    if isinstance(value, list):
        return Triple(*value[:3])
    found = value["object"]
    name = found["@value"] if isinstance(found, dict) else found
    return Triple(str(value["subject"]), str(value["predicate"]), str(name))


def test_sets(data: Path | None) -> dict[str, list[LabelledText]]:
    """All test sets by name."""
    schema = load_schema("open")
    sets = {
        "corpus/test lists": lists(load_examples(["corpus/test/lists.jsonl"], schema=schema)),
        "corpus/test candidates, judged twice": against_judges(Path("corpus/test/candidates.jsonl")),
    }
    if data:
        llm = data / "llm" / "dev.jsonl"
        sets |= {
            "an LLM's lists": lists(load_examples([llm], schema=schema)),
            "its anchors, judged": against_judges(llm, data / "llm" / "dev_support.jsonl"),
            "its anchors, annotated": against_gold(llm),
            "a RoBERTa tagger, annotated": against_gold(data / "extractor" / "duie_roberta_dev.jsonl"),
            "CasRel on DuIE1.0, annotated": against_gold(data / "extractor" / "duie1_casrel_dev.jsonl"),
        }
    return {name: [row for row in rows if row.candidates] for name, rows in sets.items()}


def digest(content: bytes) -> str:
    """Tells one training set or one model from another."""
    return hashlib.sha256(content).hexdigest()[:16]


def model_key(folder: str) -> str:
    """Folder, or name of a bundled model, and content."""
    return f"{folder} {digest((find_folder(folder) / 'pair.onnx').read_bytes())}"


def model_scores(folder: str) -> Scored:
    """text_score of a model folder or a bundled model."""
    verifier = load_verifier(folder)

    def score(rows: Sequence[LabelledText]) -> Floats:
        found = verifier.score_many([(row.text, row.candidates) for row in rows], ())
        return np.asarray([score.text_score for row in found for score in row])

    return score


def encoder_of(name: str, cache: Path) -> str:
    """An encoder folder as it is; of a verifier its encoder, written below the cache."""
    path = find_folder(name)
    if not (path / "pair.onnx").is_file():
        return name
    folder = cache / f"encoder-{digest((path / 'encoder.onnx').read_bytes())}"
    if not (folder / "tokenizer.json").is_file():
        verifier = load_trainable(path)
        save_encoder(verifier.model.encoder, folder)
        verifier.tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)


def cross_encoders(
    arguments: argparse.Namespace, train: Sequence[LabelledText], dev: Sequence[LabelledText], trained_on: str
) -> dict[str, Scored]:
    """One cross-encoder for each seed, all at the learning rate that is best on dev after one pass with the first."""
    folder = encoder_of(arguments.cross_encoder, arguments.cache)
    rates, seeds = arguments.rate or [3e-4], arguments.seed or [13]

    def system(rate: float, seed: int, epochs: int) -> tuple[str, Scored]:
        budget = FinetuningSettings(epochs, learning_rate=rate, seed=seed, grouped=True)
        key = f"{folder}{budget}{trained_on}{' markers' if arguments.markers else ''}"
        made = CrossEncoderBaseline(folder, budget, markers=arguments.markers)
        place = arguments.cache / f"cross-encoder-{digest(key.encode())}"
        return key, baseline_scores(lambda: fitted(made, train, place))

    if len(rates) > 1:
        labels = np.asarray([label for row in dev for label in row.labels], dtype=bool)
        on_dev = {}
        for rate in rates:
            key, score = system(rate, seeds[0], 1)
            on_dev[rate] = roc_auc(labels, kept(arguments.cache, key, "dev", dev, score))
            print(f"cross-encoder on dev after a pass at {rate:g}: {on_dev[rate]:.3f}", flush=True)
        rates = [max(on_dev, key=lambda rate: on_dev[rate])]
    return dict(system(rates[0], seed, arguments.epochs) for seed in seeds)


def fitted_by(make: Callable[[], Baseline], train: Sequence[LabelledText]) -> Callable[[], Baseline]:
    """Makes a baseline and fits it."""

    def fit() -> Baseline:
        baseline = make()
        baseline.fit(train)
        return baseline

    return fit


def fitted(baseline: CrossEncoderBaseline, train: Sequence[LabelledText], folder: Path) -> CrossEncoderBaseline:
    """The cross-encoder, fitted and kept in a folder, or read from there."""
    if folder.is_dir():
        return CrossEncoderBaseline.load(folder, baseline.settings)
    baseline.fit(train)
    baseline.save(folder)
    return baseline


def baseline_scores(make: Callable[[], Baseline]) -> Scored:
    """Scores of a baseline, which is made, fitted, when it is first asked."""
    made: list[Baseline] = []

    def score(rows: Sequence[LabelledText]) -> Floats:
        if not made:
            made.append(make())
        found = made[0].scores([(row.text, row.candidates) for row in rows])
        return np.asarray([value for row in found for value in row])

    return score


def kept(folder: Path, system: str, name: str, rows: Sequence[LabelledText], score: Scored) -> Floats:
    """Scores from the cache, or computed and kept there."""
    path = folder / f"{digest(f'{system}|{name}'.encode())}.npy"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(path, score(rows))
    found: Floats = np.load(path)
    return found


def line(name: str, rows: Sequence[LabelledText], systems: dict[str, list[Floats]]) -> str:
    """A row of the table: each system's AUC with its interval, and its distance from the first one."""
    labels = np.asarray([label for row in rows for label in row.labels], dtype=bool)
    text = np.repeat(np.arange(len(rows)), [len(row.candidates) for row in rows])
    draws = TextDraws(len(rows))
    cells, first = [f"{name} ({len(labels)}, {100 * labels.mean():.0f} % right)"], None
    for seeds in systems.values():
        rankings = [Ranking(labels, scores) for scores in seeds]

        def mean_auc(weights: Floats, rankings: list[Ranking] = rankings) -> Floats:
            return np.mean([ranking.sweep(weights[:, text]).auc() for ranking in rankings], axis=0)

        value = float(mean_auc(np.ones((1, len(rows))))[0])
        drawn = draws.measure(mean_auc, width=len(labels))
        low, high = percentile_interval(drawn) or (np.nan, np.nan)
        cell = f"{value:.3f} ({low:.3f} to {high:.3f})"
        if first is None:
            first = drawn
        else:
            low, high = percentile_interval(first - drawn) or (np.nan, np.nan)
            cell += f"; {low:+.3f} to {high:+.3f}"
        cells.append(cell)
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Score what is not in the cache, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the research data")
    parser.add_argument("--model", action="append", help="model folder of one seed; repeatable")
    parser.add_argument("--beside", action="append", default=[], help="another verifier, in a column of its own")
    parser.add_argument(
        "--cross-encoder", help="encoder folder, or verifier, whose encoder the cross-encoder starts from"
    )
    parser.add_argument("--more", nargs="*", default=["corpus/more"], help="rows that are for training alone")
    parser.add_argument("--extracted", nargs="*", default=["corpus/extracted/candidates.jsonl"])
    parser.add_argument("--seed", type=int, action="append", help="seeds of the cross-encoder")
    parser.add_argument("--epochs", type=int, default=3, help="passes of the cross-encoder")
    parser.add_argument("--rate", type=float, action="append", help="learning rates of the cross-encoder to try on dev")
    parser.add_argument("--markers", action="store_true", help="mark subject and object in the cross-encoder's texts")
    parser.add_argument("--cache", type=Path, default=Path("runs/bundled-against"))
    arguments = parser.parse_args()
    training, schema = Settings().training, load_schema("open")
    fractions = (1 - training.dev_fraction, training.dev_fraction, 0.0)
    examples = load_examples(["corpus/seed", "corpus/train"], schema=schema)
    parts = split_examples(examples, fractions, training.seed)
    extracted = load_extracted(arguments.extracted)
    more = load_examples(arguments.more, schema=schema) if arguments.more else []
    leaking = leaking_rows(parts.dev, more)
    learnt = [*parts.train, *(example for index, example in enumerate(more) if index not in leaking)]
    train = lists(with_extracted(learnt, extracted, schema, most=training.extracted_negatives))
    trained_on = digest(repr(train).encode())
    models = arguments.model or ["mini-zh"]
    systems: dict[str, dict[str, Scored]] = {"CACRE": {model_key(m): model_scores(m) for m in models}}
    systems |= {name: {model_key(name): model_scores(name)} for name in arguments.beside}
    if arguments.cross_encoder:
        systems["cross-encoder"] = cross_encoders(arguments, train, lists(parts.dev), trained_on)
    for name, make in (
        ("trees", lambda: EvidenceTrees(schema)),
        ("rule filter", lambda: RuleFilter(schema)),
        ("relation prior", RelationPrior),
    ):
        systems[name] = {f"{name} {trained_on}": baseline_scores(fitted_by(make, train))}
    print(f"| test set (candidates) | {' | '.join(systems)} |\n|{'---|' * (1 + len(systems))}")
    for name, rows in test_sets(arguments.data).items():
        found = {
            system: [kept(arguments.cache, key, name, rows, score) for key, score in seeds.items()]
            for system, seeds in systems.items()
        }
        print(line(name, rows, found), flush=True)


if __name__ == "__main__":
    main()
