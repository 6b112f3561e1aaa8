"""From finished runs to the page of results."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import cacre
from cacre.baselines.relation_trees import TreeSettings
from cacre.data import load_examples
from cacre.data.statistics import Statistics, compute_statistics
from cacre.errors import DataError
from cacre.evaluation.fitting import fit_verifier
from cacre.evaluation.score_table import Floats
from cacre.inference import OnnxVerifier
from cacre.reproduction.baselines import (
    baselines_table,
    can_be_told,
    entries,
    entry_scores,
    rank_quality,
    ranked_sets,
    verifier_scores,
)
from cacre.reproduction.calibrated import gold_parts, stack_columns
from cacre.reproduction.calibrated_table import calibrated_results, calibrated_table
from cacre.reproduction.candidate_sets import CandidateTexts, labelled_by_gold, load_candidates, load_seeds
from cacre.reproduction.case_study import table_5
from cacre.reproduction.experiment import CandidateFile, Experiment
from cacre.reproduction.figures import draw
from cacre.reproduction.guaranteed import GAINS, gold_table, guarantee_table, guarantee_trial
from cacre.reproduction.measures import SeedScores, areas, filter_result, judge, labels_by_gold
from cacre.reproduction.runs import Run
from cacre.reproduction.sources import threshold_sources, told_rows, told_to_main
from cacre.reproduction.table3 import main_tables
from cacre.reproduction.tables import Table, areas_table, table_1, table_2, table_4
from cacre.types import Example

WHAT = ("table1", "table2", "table3", "table4", "calibrated", "guarantee", "table5", "baselines")


class Reproduction:
    """The tables of an experiment, each made when asked for; verifiers are run once per run and candidate file.

    Args:
        experiment: The experiment.
        data: The data folder.
        runs: Its finished runs.
        limit: Only the first so many texts of each candidate file.
        tell: Is told what is done.
    """

    def __init__(
        self,
        experiment: Experiment,
        data: Path,
        runs: Sequence[Run],
        limit: int | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.experiment, self.data, self.runs, self.limit, self.tell = experiment, data, runs, limit, tell
        self._sets: dict[str, list[CandidateTexts]] = {}
        self._judged: dict[tuple[Path, str, int], SeedScores] = {}

    def tables(self, what: Sequence[str] = WHAT) -> list[Table]:
        """The tables asked for, as far as there are runs for them."""
        made = {
            "table1": lambda: [table_1(self.statistics())],
            "table2": lambda: [table_2(self.experiment.settings(self.experiment.main, self.experiment.seeds[0]))],
            "table3": self._main_tables,
            "table4": self._ablations,
            "calibrated": self._calibrated,
            "guarantee": self._guarantee,
            "table5": self._cases,
            "baselines": self._baselines,
        }
        return [table for name in what for table in made[name]()]

    def statistics(self) -> dict[str, Statistics]:
        """What each split holds."""
        schema = self.experiment.relation_schema(self.data)
        return {
            name: compute_statistics(load_examples(self.data / path, schema=schema))
            for name, path in self.experiment.splits.items()
        }

    def seeds(self, name: str) -> list[CandidateTexts]:
        """The candidates of each seed of an extractor, read once; none where there is no such file."""
        if name not in self._sets:
            self._sets[name] = load_seeds(name, self.experiment.candidates[name], self.data, self.limit)
        return self._sets[name]

    def candidates(self, name: str) -> CandidateTexts:
        """The candidates of the first seed of an extractor.

        Raises:
            DataError: There is no such file.
        """
        found = self.seeds(name)
        return found[0] if found else load_candidates(name, self.experiment.candidates[name], self.data, self.limit)

    def judged(self, run: Run, name: str, seed: int = 0) -> SeedScores:
        """What a run says about the candidates of one seed, worked out once."""
        key = (run.folder, name, seed)
        if key not in self._judged:
            verifier, file = OnnxVerifier(run.folder), self.experiment.candidates[name]
            if file.fit is not None:
                texts = self._fitting_texts(name, file)[seed]
                self.tell(f"fitting thresholds of {run.folder.name} for {name}, seed {seed + 1}")
                verifier.thresholds = fit_verifier(verifier, labelled_by_gold(texts))
            self._judged[key] = judge(verifier, self.seeds(name)[seed])
        return self._judged[key]

    def _fitting_texts(self, name: str, file: CandidateFile) -> list[CandidateTexts]:
        """What thresholds for an extractor are fitted on, for each of its seeds.

        Raises:
            DataError: There are not as many files as of the candidates, or both have a text.
        """
        sets = load_seeds(
            name, file.model_copy(update={"path": file.fit, "gold": file.fit_gold, "support": None}), self.data
        )
        if len(sets) != len(self.seeds(name)):
            reason = f"{len(sets)} files to fit on and {len(self.seeds(name))} of candidates: one for each seed"
            raise DataError(reason, path=str(file.fit))
        if set(sets[0].texts) & set(self.candidates(name).texts):
            raise DataError("has texts that are measured: fit on others", path=str(file.fit))
        return sets

    def figures(self, folder: Path) -> list[Path]:
        """Draw Figures 2 and 3 with the first main run and the first candidate file; the SVG files.

        Raises:
            DataError: No main run is trained, or the file has no contrastive lists.
        """
        runs = self._main_runs()
        if not runs:
            raise DataError(f"no run of {self.experiment.main!r} is trained: figures need one")
        return draw(OnnxVerifier(runs[0].folder), self.candidates(next(iter(self.experiment.candidates))), folder)

    def setting(self) -> list[str]:
        """What the numbers were made with."""
        plan, given = self.experiment, [run.given for run in self.runs if run.given is not None]
        seeds = f"seeds {', '.join(map(str, plan.seeds))} for `{plan.main}`, {plan.seeds[0]} for the others"
        used = f"filtered with {', '.join(given)}" if given else seeds
        return [
            f"cacre {cacre.__version__}, Python {platform.python_version()}, experiment `{plan.name}`",
            f"{used}; B = {plan.resamples} resamples of texts",
            *threshold_sources(plan, self.runs),
            *([plan.note] if plan.note else []),
        ]

    def _main_runs(self) -> list[Run]:
        return [run for run in self.runs if run.variant == self.experiment.main]

    def _main_tables(self) -> list[Table]:
        runs, plan = self._main_runs(), self.experiment
        for name, file in plan.candidates.items():
            if not self.seeds(name):
                self.tell(f"{name}: not run, there is no {file.path}")

        def judged(name: str) -> list[list[SeedScores]]:
            return [[self.judged(run, name, seed) for run in runs] for seed in range(len(self.seeds(name)))]

        return main_tables(plan, self.seeds, judged, len(runs))

    def _ablations(self) -> list[Table]:
        if not self.runs:
            return []
        first = next(iter(self.experiment.candidates))
        sets = self.candidates(first)
        found: dict[str, list[Run]] = {}
        for run in self.runs:
            found.setdefault(run.variant, []).append(run)
        judged = {name: [self.judged(run, first) for run in runs] for name, runs in found.items()}
        resamples = self.experiment.resamples
        results = {name: filter_result(sets, scores, resamples=resamples) for name, scores in judged.items()}
        notes = {name: variant.note for name, variant in self.experiment.variants.items()}
        curves = {name: areas(sets, scores) for name, scores in judged.items()}
        return [table_4(results, curves, notes), *self._held_out(sets, found)]

    def _calibrated(self) -> list[Table]:
        """A table for the main variant, and one for each that had gold labels in its training."""
        plan, first = self.experiment, next(iter(self.experiment.candidates))
        names = [name for name, variant in plan.variants.items() if name == plan.main or variant.labels == "gold"]
        runs = {name: [run for run in self.runs if run.variant == name] for name in names}
        if not any(runs.values()):
            return []
        schema = plan.relation_schema(self.data)
        examples = load_examples([self.data / path for path in plan.train], schema=schema)
        tables = []
        for name in names:
            seeds = []
            for run in runs[name]:
                fraction = plan.settings(name, run.seed).training.dev_fraction
                parts = gold_parts(examples, plan.variants[name], run.seed, fraction, schema)
                if not parts.usable:
                    self.tell(f"calibrating {name}, seed {run.seed}: left out, no right or no wrong triple by gold")
                    continue
                self.tell(f"calibrating {name}, seed {run.seed}")
                judged = self.judged(run, first)
                verifier, trees = OnnxVerifier(run.folder), TreeSettings(seed=run.seed)
                seeds.append(stack_columns(verifier, judged, parts, self.candidates(first), schema, trees))
            if seeds:
                tables.append(calibrated_table(calibrated_results(self.candidates(first), seeds, plan.resamples), name))
        return tables

    def _guarantee(self) -> list[Table]:
        """Precision guaranteed and checked on every candidate file, with the first main run."""
        runs = self._main_runs()
        if not runs:
            return []
        verifier = OnnxVerifier(runs[0].folder)
        trials = {}
        for name in filter(self.seeds, self.experiment.candidates):
            self.tell(f"guaranteeing: {name}")
            sets = self.candidates(name)
            before = float(labels_by_gold(sets).mean()) if len(sets) else 0.0
            table = gold_table(verifier, sets)
            asked = [round(before + gain, 2) for gain in GAINS]
            trials[name] = [guarantee_trial(table, precision, before) for precision in asked if 0 < precision < 1]
        return [guarantee_table(trials)]

    def _held_out(self, sets: CandidateTexts, runs: Mapping[str, Sequence[Run]]) -> list[Table]:
        """A table for each variant that never saw some relations: on just these, beside the main variant."""
        tables = []
        for name, variant in self.experiment.variants.items():
            if variant.hold_out and name in runs:
                part = sets.only(variant.hold_out)
                curves = {
                    row: areas(part, [judge(OnnxVerifier(run.folder), part) for run in runs[row]])
                    for row in (name, self.experiment.main)
                    if row in runs
                }
                title = f"Relations held out of training: {', '.join(variant.hold_out)} ({len(part)} candidates)"
                tables.append(replace(areas_table(curves), title=title))
        return tables

    def _cases(self) -> list[Table]:
        runs = self._main_runs()
        return [table_5(OnnxVerifier(runs[0].folder))] if runs else []

    def _baselines(self) -> list[Table]:
        plan, first = self.experiment, next(iter(self.experiment.candidates))
        sets = self.candidates(first)
        schema = plan.relation_schema(self.data)
        examples = load_examples([self.data / path for path in plan.train], schema=schema)
        encoder = plan.settings(plan.main, plan.seeds[0]).encoder.name_or_path or ""

        @cache
        def training_part(seed: int) -> list[Example]:
            return told_rows(plan, examples, schema, seed)

        scores: dict[str, list[Floats]] = {}
        told: dict[str, str] = {}
        for entry in entries(schema, plan.finetuning_rate):
            if entry.needs_encoder and not (encoder and Path(encoder).is_dir()):
                self.tell(f"baseline: {entry.title} left out, {encoder or 'no encoder named'} is no folder here")
            elif not can_be_told(entry.told, training_part(plan.seeds[0])):
                self.tell(f"baseline: {entry.title} left out, no training row has a wrong triple by {entry.told}")
            else:
                self.tell(f"baseline: {entry.title}")
                scores[entry.title] = entry_scores(entry, plan.seeds, training_part, sets, encoder)
                told[entry.title] = entry.told
        runs = self._main_runs()
        if runs:
            scores[plan.main] = [verifier_scores(self.judged(run, first)) for run in runs]
            told[plan.main] = told_to_main(plan, runs)
        ranked = ranked_sets(sets)
        qualities = {
            name: {
                source: rank_quality(labels, [one[chosen] for one in seeds], len(sets.texts), plan.resamples)
                for source, (labels, chosen) in ranked.items()
            }
            for name, seeds in scores.items()
        }
        return [baselines_table(qualities, told)]
