"""How verifiers judge relations that they have not learned: `new_relations.py DIR --model mini-zh --beside runs/mine`.

DIR has a folder for each domain, of `schema.json` and contrastive rows, as `cacre train --domains` takes it; `--judged`
names a folder of candidates of the same texts that somebody has judged, `NAME.jsonl`. Each domain is judged under its
own schema; candidates of relations that the model knows by another name are left out. AUC of text_score with 95 %
intervals over texts (B = 1000), for each domain and for all together; of `--beside` the paired interval of its distance
from the model. Also what is kept, precision, recall and F1, by the model's thresholds and default checks, and by
keeping everything.
"""

from __future__ import annotations

import argparse
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from bundled_against import against_judges, lists
from numpy.typing import NDArray

from cacre.data.domains import Domain, load_domains
from cacre.evaluation.bootstrap import TextDraws, percentile_interval
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.labelling import of_relations
from cacre.evaluation.sweep import Ranking
from cacre.inference import DecisionRules, load_verifier
from cacre.schema import RelationType, Schema

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """Candidates of R texts with their labels, what is thought of each and whether it is kept."""

    text: NDArray[np.int64]
    labels: Bools
    scores: Floats
    kept: Bools

    @classmethod
    def joined(cls, parts: Sequence[Judged]) -> Judged:
        """All candidates, the texts numbered on."""
        first = np.cumsum([0, *(int(part.text.max(initial=-1)) + 1 for part in parts)])
        columns = (np.concatenate([getattr(p, name) for p in parts]) for name in ("labels", "scores", "kept"))
        return cls(np.concatenate([p.text + n for p, n in zip(parts, first, strict=False)]), *columns)

    def draws(self, resamples: int) -> Floats:
        """AUC of texts drawn anew."""
        ranking = Ranking(self.labels, self.scores)
        drawn = TextDraws(int(self.text.max()) + 1, resamples)
        return drawn.measure(lambda weights: ranking.sweep(weights[:, self.text]).auc(), width=len(self.labels))

    def auc(self) -> float:
        """AUC of all."""
        everything = np.ones((1, len(self.labels)))
        return float(Ranking(self.labels, self.scores).sweep(everything).auc()[0])

    def rates(self, kept: Bools) -> str:
        """Precision, recall and F1 of keeping these."""
        right = int((kept & self.labels).sum())
        p, r = right / max(1, int(kept.sum())), right / int(self.labels.sum())
        return f"{100 * p:.1f} / {100 * r:.1f} / {200 * p * r / max(p + r, 1e-9):.1f}"


def names_alone(schema: Schema) -> Schema:
    """The schema as somebody writes it who gives names and types and no more."""
    return Schema.of(schema.name, (RelationType(one.name, one.subject_type, one.object_type) for one in schema))


def new_to(model: str, domain: Domain) -> frozenset[str]:
    """The relations of a domain that a model has not learned."""
    return load_verifier(model, rules=DecisionRules(schema=domain.schema)).new_relations


def judge(
    model: str,
    domain: Domain,
    rows: Iterable[LabelledText],
    relations: Container[str],
    text_threshold: float | None = None,
) -> Judged:
    """Judge those candidates of a domain, under its schema, that are of some relations."""
    verifier = load_verifier(model, rules=DecisionRules(schema=domain.schema, text_threshold=text_threshold))
    chosen = [row for row in (of_relations(row, relations) for row in rows) if row.candidates]
    verdicts = verifier.verify_many([(row.text, row.candidates) for row in chosen])
    flat = [verdict for row in verdicts for verdict in row]
    return Judged(
        np.repeat(np.arange(len(chosen)), [len(row.candidates) for row in chosen]),
        np.asarray([label for row in chosen for label in row.labels], dtype=bool),
        np.asarray([verdict.text_score for verdict in flat], dtype=np.float64),
        np.asarray([verdict.supported for verdict in flat], dtype=bool),
    )


def table(
    models: Sequence[str],
    sets: dict[str, list[tuple[Domain, list[LabelledText]]]],
    resamples: int,
    text_threshold: float | None,
) -> None:
    """Print a line for each domain and one for all of each set."""
    print(f"| texts (candidates) | {' | '.join(models)} | kept by {models[0]}: P / R / F1 | keeping everything |")
    print(f"|{'---|' * (len(models) + 3)}")
    for kind, parts in sets.items():
        # The same candidates for all, else their difference means nothing.
        judged = {
            m: [judge(m, domain, rows, new_to(models[0], domain), text_threshold) for domain, rows in parts]
            for m in models
        }
        for place, (domain, _) in enumerate(parts):
            _line(f"{domain.name}, {kind}", [judged[model][place] for model in models], resamples)
        _line(f"all, {kind}", [Judged.joined(judged[model]) for model in models], resamples)


def aucs(systems: Sequence[Judged], resamples: int) -> list[str]:
    """AUC of each system with its interval, and the paired one of its distance from the first."""
    first, cells = systems[0].draws(resamples), []
    for number, system in enumerate(systems):
        drawn = system.draws(resamples)
        low, high = percentile_interval(drawn) or (np.nan, np.nan)
        cell = f"{system.auc():.3f} ({low:.3f} to {high:.3f})"
        if number:
            low, high = percentile_interval(drawn - first) or (np.nan, np.nan)
            cell += f"; {low:+.3f} to {high:+.3f}"
        cells.append(cell)
    return cells


def _line(name: str, systems: Sequence[Judged], resamples: int) -> None:
    size = f"{name} ({len(systems[0].labels)}, {100 * systems[0].labels.mean():.0f} % right)"
    everything = np.ones(len(systems[0].labels), dtype=bool)
    kept = [systems[0].rates(systems[0].kept), systems[0].rates(everything)]
    print("| " + " | ".join([size, *aucs(systems, resamples), *kept]) + " |", flush=True)


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("domains", type=Path, metavar="DIR")
    parser.add_argument("--model", default="mini-zh")
    parser.add_argument("--beside", action="append", default=[], help="another verifier, in a column of its own")
    parser.add_argument("--judged", type=Path, metavar="DIR", help="candidates of these texts, NAME.jsonl")
    parser.add_argument("--names-alone", action="store_true", help="without cue words, synonyms and near misses")
    parser.add_argument("--text-threshold", type=float, help="in place of the fitted ones, for what is kept")
    parser.add_argument("--resamples", type=int, default=1000)
    given = parser.parse_args()
    domains = load_domains(given.domains)
    if given.names_alone:
        domains = [replace(domain, schema=names_alone(domain.schema)) for domain in domains]
    sets = {"lists": [(domain, lists(domain.examples)) for domain in domains]}
    if given.judged:
        sets["candidates"] = [(domain, against_judges(given.judged / f"{domain.name}.jsonl")) for domain in domains]
    table([given.model, *given.beside], sets, given.resamples, given.text_threshold)


if __name__ == "__main__":
    main()
