"""Table 3: whichever extractors have candidate files, before and after filtering, beside the paper's rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cacre.reproduction import paper_numbers as paper
from cacre.reproduction.candidate_sets import CandidateTexts
from cacre.reproduction.experiment import Experiment, Mode
from cacre.reproduction.measures import FilterResult, SeedScores, areas, filter_result, perfect_reader, seeds_result
from cacre.reproduction.paper_numbers import PaperScores
from cacre.reproduction.tables import Table, areas_table, interval_text, operating_points, percent

NOT_RUN = "not run"
MODES: tuple[Mode, ...] = ("flat", "strict")


@dataclass(frozen=True)
class System:
    """An extractor and what verifiers say of its candidates.

    Args:
        seeds: For each of its seeds the candidates, and what each verifier says of them.
    """

    seeds: Sequence[tuple[CandidateTexts, Sequence[SeedScores]]]

    def result(self, mode: Mode, resamples: int) -> FilterResult:
        """Scores before and after, the counts of all seeds added up."""
        return seeds_result(self.seeds, mode=mode, resamples=resamples)

    def areas(self) -> dict[str, float | None]:
        """Areas under the ROC curve, the mean over its seeds."""
        rows = [areas(sets, judged) for sets, judged in self.seeds]
        known = {key: [row[key] for row in rows if row[key] is not None] for key in rows[0]}
        return {key: sum(values) / len(values) if values else None for key, values in known.items()}


def main_tables(
    plan: Experiment,
    candidates: Callable[[str], Sequence[CandidateTexts]],
    judged: Callable[[str], Sequence[Sequence[SeedScores]]],
    verifiers: int,
) -> list[Table]:
    """Table 3, its operating points, and the areas under the curves.

    Args:
        plan: The experiment.
        candidates: Name of a candidate file -> the candidates of each of its seeds; empty where there is no such file.
        judged: Name of a candidate file -> for each of its seeds what each verifier says.
        verifiers: How many seeds of the filter there are; with 0 there are only scores before filtering.
    """
    found = {name: candidates(name) for name in plan.candidates}
    systems = {name: System(list(zip(sets, judged(name), strict=True))) for name, sets in found.items() if sets}
    flat, strict = ({name: one.result(mode, plan.resamples) for name, one in systems.items()} for mode in MODES)
    beside = {name: file.paper_row for name, file in plan.candidates.items()}
    first = table_3(flat, strict, beside, verifiers)
    if not verifiers or not systems:
        return [first]
    readers = {
        name: filter_result(sets[0], [perfect_reader(sets[0])], resamples=plan.resamples)
        for name, sets in found.items()
        if sets and sets[0].support
    }
    curves = {name: one.areas() for name, one in systems.items()}
    return [first, operating_points(flat, readers), areas_table(curves)]


def table_3(
    results: Mapping[str, FilterResult],
    strict: Mapping[str, FilterResult],
    beside: Mapping[str, str | None],
    seeds: int,
) -> Table:
    """Table 3: candidates alone, and after CACRE.

    Args:
        results: Extractor -> what filtering did, by `@value` only.
        strict: The same with all slots of an object compared.
        beside: Extractor -> the paper's row it stands beside; those without a result were not run.
        seeds: Seeds of the filter.
    """
    printed: dict[str, Sequence[str]] = {name: _printed(scores) for name, scores in paper.TABLE_3_SUPERVISED.items()}
    printed |= {name: [*_printed(alone), *_printed(both)] for name, (alone, both) in paper.TABLE_3.items()}
    rows: list[list[str]] = []
    for row, scores in printed.items():
        rows.append([f"paper: {row}", *scores, *[""] * (6 - len(scores))])
        names = [name for name, other in beside.items() if other == row]
        rows += _measured(names, results, strict) if names else [_not_run(f"{row}, here")]
    rows += _measured([name for name, row in beside.items() if row is None], results, strict)
    header = ["", "P", "R", "F1", "+CACRE P", "+CACRE R", "+CACRE F1"]
    filters = f"{seeds} seeds of the filter" if seeds else "no filter (no run is trained)"
    notes = [
        f"Measured rows: {filters}; the counts of all seeds, of extractor and filter, are added up; % with 95 % "
        "intervals over resampled texts.",
        "Objects are compared by `@value`; strict: by all slots, so that a candidate with `@value` alone misses an "
        "object with further slots.",
        "Not run: the experiment names no candidate file, or there is none.",
        *paper.FOOTNOTES_3,
    ]
    return Table("Table 3: extraction before and after filtering", header, rows, notes)


def _measured(
    names: Sequence[str], results: Mapping[str, FilterResult], strict: Mapping[str, FilterResult]
) -> list[list[str]]:
    rows = []
    for name in names:
        if name not in results:
            rows.append(_not_run(name))
            continue
        result, slots = results[name], strict[name]
        rows.append([_label(name, result), *_cells(result)])
        rows.append(["the same, strict", *_cells(slots)])
        if result.difference:
            gains = (interval_text(one, signed=True) for one in result.difference)
            rows.append(["difference, flat", "", "", "", *gains])
    return rows


def _label(name: str, result: FilterResult) -> str:
    seeds = [percent(value) for value in result.extractor_f1]
    of_seeds = f"; {len(seeds)} seeds: F1 {', '.join(seeds)}" if len(seeds) > 1 else ""
    return f"**{name}** ({result.texts} texts, {result.candidates} candidates{of_seeds})"


def _cells(result: FilterResult) -> list[str]:
    after = list(map(interval_text, result.after)) if result.after else [NOT_RUN, "", ""]
    return [*map(interval_text, result.before), *after]


def _not_run(label: str) -> list[str]:
    return [label, NOT_RUN, "", "", NOT_RUN, "", ""]


def _printed(scores: PaperScores) -> list[str]:
    return ["-" if value is None else f"{value:.1f}" for value in scores]
