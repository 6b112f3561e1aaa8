"""CACRE beside a cross-encoder of the same encoder: time per candidate, as ratios within one run.

    python benchmarks/cross_encoder_speed.py corpus/test/lists.jsonl --encoder runs/encoder-zh
    python benchmarks/cross_encoder_speed.py corpus/test/lists.jsonl --layers 12 --width 768 --texts 12 --rounds 2

Weights do not matter for time: the heads are random, and with `--layers` the encoder too. Everything scores the same
candidates of the same texts on the same number of threads, from strings to scores, featurising and tokenising included.
CACRE also scores each candidate against its paraphrase and finds evidence. In each round every contestant has one turn,
and ratios are taken within the round.

* floor: each distinct text and piece of a triple goes through the encoder once, and nothing else happens.
* int8: dynamic quantisation by ONNX Runtime. Measured, not shipped: a candidate's score would depend on its neighbours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic
from sentence_transformers import CrossEncoder

from cacre.baselines.encoder_folders import tokenizer_options
from cacre.baselines.protocol import verbalise
from cacre.config import Settings, load_settings
from cacre.data import load_examples
from cacre.data.guard import FalseNegativeGuard
from cacre.export import export_onnx
from cacre.inference import OnnxVerifier
from cacre.inference.graph import batches
from cacre.modeling.folder import LoadedModel, save_model
from cacre.modeling.pretrained import save_encoder
from cacre.preprocessing.featurizer import pad
from cacre.schema import Schema, load_schema
from cacre.training.batches import Collator
from cacre.training.features import ExampleFeatures, PairBuilder
from cacre.training.objective import project
from cacre.training.run import build_model
from cacre.types import Candidate, Example, Triple

Rows = list[tuple[str, list[Triple]]]
Contestant = Callable[[Rows], object]
BATCH = 64


def rows_of(examples: Sequence[Example], texts: int, per_text: float, schema: Schema) -> Rows:
    """Texts with `per_text` candidates on average: right ones, written wrong ones, then right ones turned round."""
    rows: Rows = []
    owed = 0.0
    for example in examples:
        turned = [Triple(t.object, t.predicate, t.subject) for t in example.anchors]
        others = [t._replace(predicate=name) for name in list(schema.relations)[:8] for t in example.anchors]
        triples = list(dict.fromkeys((*example.anchors, *example.negatives, *example.hard, *turned, *others)))
        owed += per_text
        count = int(owed)
        owed -= count
        rows.append((example.text, triples[:count]))
    return rows[:texts]


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The network of the bundled model around the encoder to be measured."""
    encoder: dict[str, object] = {"name_or_path": arguments.encoder, "dropout": 0.0}
    if arguments.layers:
        width = arguments.width
        encoder = {"num_layers": arguments.layers, "hidden_size": width, "num_heads": width // 64}
        encoder |= {"intermediate_size": 4 * width, "architecture": "bert"}
    heads = ("evidence_head", "pattern_head")  # which need the predicate by itself
    head = {} if arguments.triples == "parts" else dict.fromkeys(heads, 0.0)
    return load_settings("default", {"encoder": encoder, "model": {"triple_encoding": arguments.triples, **head}})


def write_folders(loaded: LoadedModel, work: Path) -> dict[str, Path]:
    """`cacre` and `int8` model folders, and `encoder`, from which a cross-encoder can start."""
    paths = {name: work / name for name in ("cacre", "int8", "encoder")}
    for path in paths.values():
        path.mkdir()
    save_model(paths["cacre"], loaded)
    off = {"format": 1, "text_threshold": -1.0, "pair_thresholds": {}, "calibration": None, "fitted_on": {}}
    (paths["cacre"] / "thresholds.json").write_text(json.dumps(off), encoding="utf-8")
    export_onnx(paths["cacre"])
    for file in paths["cacre"].iterdir():
        if file.suffix == ".onnx":
            quantize_dynamic(file, paths["int8"] / file.name)
        elif file.suffix != ".safetensors":
            (paths["int8"] / file.name).write_bytes(file.read_bytes())
    save_encoder(loaded.model.encoder, paths["encoder"])
    loaded.tokenizer.save(str(paths["encoder"] / "tokenizer.json"))
    return paths


def cacre_onnx(folder: Path, threads: int) -> Contestant:
    """The verifier that users run."""
    verifier = _verifier(folder, threads)
    return lambda rows: verifier.score_many([(text, [Candidate(t) for t in triples]) for text, triples in rows])


def _verifier(folder: Path, threads: int) -> OnnxVerifier:
    verifier = OnnxVerifier(folder, threads=threads)
    for graph in (verifier._scorer.encoder, verifier._scorer.pair, verifier._scorer.compare):
        graph.batch_size = BATCH  # it gives a dynamically quantised graph one row at a time
    return verifier


def floor_onnx(folder: Path, threads: int) -> Contestant:
    """The encoder alone, over what is distinct."""
    scorer = _verifier(folder, threads)._scorer

    def run(rows: Rows) -> None:
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            pieces = [p for _, triples in part for t in triples for p in scorer.featurizer.triple(t).pieces]
            ids = [*(w.ids for text, _ in part for w in scorer.featurizer.windows(text)), *pieces]
            scorer._encode(list({one.tobytes(): one for one in ids}.values()))

    return run


def cacre_torch(loaded: LoadedModel) -> Contestant:
    """The same network in torch, with the batches of training."""
    model, featurizer, schema = loaded.model.eval(), loaded.featurizer, loaded.schema
    collator = Collator(featurizer, loaded.settings.model, loaded.settings.loss)

    def features(key: int, text: str, triples: list[Triple]) -> ExampleFeatures:
        builder = PairBuilder(featurizer.windows(text), featurizer)
        anchors = [builder.add(t) for t in triples]
        positives = [builder.add(schema.paraphrase(t) or t) for t in triples]
        guard = FalseNegativeGuard(schema, tuple(triples))
        return ExampleFeatures(key, builder.windows, builder.pairs, anchors, positives, (), (), guard, tuple(triples))

    @torch.no_grad()
    def run(rows: Rows) -> None:
        made = [features(i, *row) for i, row in enumerate(rows)]
        made.sort(key=lambda each: each.length)
        for start in range(0, len(made), 16):
            batch = collator(made[start : start + 16])
            projection = project(model, batch)
            model.text_similarity(projection).fuse(0.7)
            x_r, mask, (left, right) = projection.triple, projection.triple_mask, (batch["anchor"], batch["positive"])
            model.pair_similarity(x_r[left], mask[left], x_r[right], mask[right]).fuse(0.7)

    return run


def cross_encoder(folder: Path) -> CrossEncoder:
    """sentence-transformers' own, with a new head."""
    return CrossEncoder(str(folder), device="cpu", local_files_only=True, num_labels=1, max_length=256,
                        model_kwargs={"use_safetensors": True}, processor_kwargs=tokenizer_options(folder))  # fmt: skip


def cross_encoder_torch(model: CrossEncoder) -> Contestant:
    """Its `predict`, which sorts by length itself."""
    return lambda rows: model.predict(
        [(text, verbalise(t)) for text, triples in rows for t in triples], batch_size=BATCH, show_progress_bar=False
    )


def cross_encoder_onnx(model: CrossEncoder, path: Path, threads: int, *, quantise: bool) -> Contestant:
    """The same classifier as an ONNX graph, fed like ours: fast tokenizer, batches of one length."""
    classifier, tokenizer = model[0].model if hasattr(model, "__getitem__") else model.model, model.tokenizer
    classifier.set_attn_implementation("eager")
    _export_classifier(classifier.eval(), path)
    if quantise:
        quantize_dynamic(path, path.with_suffix(".int8.onnx"))
        path = path.with_suffix(".int8.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(rows: Rows) -> None:
        pairs = [(text, verbalise(t)) for text, triples in rows for t in triples]
        encoded = [np.asarray(one, np.int64) for one in tokenizer(*zip(*pairs, strict=True))["input_ids"]]
        for numbers, (length,) in batches([(len(one),) for one in encoded], BATCH):
            ids, mask = pad([encoded[n] for n in numbers], length)
            session.run(None, {"input_ids": ids, "attention_mask": mask})

    return run


def _export_classifier(classifier: torch.nn.Module, path: Path) -> None:
    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classifier = classifier

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.classifier(input_ids=input_ids, attention_mask=attention_mask).logits

    rows, length = torch.export.Dim("rows", min=1, max=4096), torch.export.Dim("length", min=2, max=4096)
    inputs = {"input_ids": torch.randint(5, 100, (3, 9)), "attention_mask": torch.ones(3, 9, dtype=torch.int64)}
    inputs["attention_mask"][0, 7:] = 0
    shapes = {name: {0: rows, 1: length} for name in inputs}
    torch.onnx.export(Logits(), kwargs=inputs, dynamic_shapes=shapes, dynamo=True, verbose=False).save(str(path))


def race(contestants: dict[str, Contestant], rows: Rows, rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round, after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for work in contestants.values():
        work(rows[: max(2, len(rows) // 8)])
    for _ in range(rounds):
        for name, work in contestants.items():
            started = time.perf_counter()
            work(rows)
            seconds[name].append(time.perf_counter() - started)
    return seconds


def report(seconds: dict[str, list[float]], candidates: int) -> None:
    """Print a Markdown table: milliseconds a candidate, and ratios of the same rounds."""

    def ratio(left: str, right: str) -> str:
        found = [a / b for a, b in zip(seconds[left], seconds[right], strict=True)]
        return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"

    print("| | ms a candidate | times as fast as the cross-encoder on the same runtime | times the floor |")
    print("|---|---|---|---|")
    for name, values in seconds.items():
        runtime = name.split(" ", 1)[1]
        ours = name.startswith("cacre")
        faster = ratio(f"cross-encoder {runtime}", name) if ours else ""
        above = ratio(name, f"floor {runtime}") if ours and f"floor {runtime}" in seconds else ""
        print(f"| {name} | {1000 * min(values) / candidates:.2f} | {faster} | {above} |")


def main() -> None:
    """Build, export and time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="contrastive rows")
    parser.add_argument("--encoder", help="folder of the encoder; or give --layers and --width")
    parser.add_argument("--layers", type=int, help="of a random BERT")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--triples", choices=("whole", "parts"), default="parts")
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--per-text", type=float, nargs="+", default=[2.36, 8.0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    schema = load_schema("open")
    examples = load_examples([arguments.data], schema=schema)
    loaded = build_model(settings_of(arguments), schema, examples)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_folders(loaded, Path(folder))
        cross = cross_encoder(paths["encoder"])
        contestants = {"cross-encoder torch": cross_encoder_torch(cross), "cacre torch": cacre_torch(loaded)}
        for kind, ours in (("onnx", paths["cacre"]), ("onnx int8", paths["int8"])):
            graph = Path(folder) / f"{kind.replace(' ', '-')}.onnx"
            theirs = cross_encoder(paths["encoder"])
            contestants[f"cross-encoder {kind}"] = cross_encoder_onnx(
                theirs, graph, arguments.threads, quantise="int8" in kind
            )
            contestants[f"cacre {kind}"] = cacre_onnx(ours, arguments.threads)
            contestants[f"floor {kind}"] = floor_onnx(ours, arguments.threads)
        for per_text in arguments.per_text:
            rows = rows_of(examples, arguments.texts, per_text, schema)
            count = sum(len(triples) for _, triples in rows)
            length = statistics.mean(len(text) for text, _ in rows)
            print(f"\n{len(rows)} texts of {length:.0f} characters, {count / len(rows):.2f} candidates a text")
            print(f"{arguments.threads} thread(s), {arguments.rounds} rounds, triples encoded {arguments.triples}\n")
            report(race(contestants, rows, arguments.rounds), count)


if __name__ == "__main__":
    main()
