"""What `cacre demo` prints: tables that read well at 80 columns, with Chinese, and without colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cacre.evaluation.excerpts import excerpt
from cacre.evaluation.verdict_summary import (
    CORRECT,
    CORRECT_NOTE,
    ERROR_KINDS,
    GATES,
    BeforeAfter,
    JudgedText,
    JudgedTriple,
    KindCount,
    compare_with_gold,
    count_kinds,
)

MAX_WIDTH = 120
_NARROW = 25
"""Cells that the first two columns of the table of samples and all borders take."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A triple and the text it was judged against."""

    text: str
    judged: JudgedTriple


def choose_samples(texts: Sequence[JudgedText], size: int = 12) -> list[list[Sample]]:
    """Choose triples that show what the model does, its misses included.

    Args:
        texts: Labelled verdicts.
        size: Triples in all; fewer only if there are fewer labelled ones.

    Returns:
        Four groups, any of which may be empty: right and kept, wrong and rejected, wrong but kept, right but rejected.
        As far as possible each is from a text of its own, and the kinds of error, gates and predicates differ. Of the
        misses the most confident come first, so that nothing is made to look better than it is.
    """
    every = [Sample(row.text, triple) for row in texts for triple in row.triples if triple.label is not None]
    order: list[tuple[bool, bool, Callable[[Sample], str], int]] = [
        (False, True, _kind, 2),
        (True, False, _gate, 2),
        (True, True, lambda sample: sample.judged.triple.predicate, 2),
        (False, False, _gate, len(GATES)),
        (False, False, _kind, size),
    ]
    seen: set[str] = set()
    groups: dict[tuple[bool, bool], list[Sample]] = {(c, k): [] for c in (True, False) for k in (True, False)}
    for correct, kept, variety, most in order:
        room = size - sum(map(len, groups.values()))
        pool = [s for s in every if s.judged.supported == kept and (s.judged.right is (correct == kept))]
        _vary(groups[correct, kept], sorted(pool, key=_rank), variety, min(most, room), seen)
    return [groups[key] for key in ((True, True), (False, False), (False, True), (True, False))]


def print_report(console: Console, texts: Sequence[JudgedText], headline: str, text_threshold: float | None) -> None:
    """Print all but the list of files.

    Args:
        console: Where to.
        texts: Labelled verdicts with gold.
        headline: One line on what was done.
        text_threshold: What `text_score` needs; None where the threshold is off.
    """
    width = min(console.width, MAX_WIDTH)
    console.print(Text(headline, style="bold"))
    scores = compare_with_gold(texts)
    if scores is not None:
        console.print(_heading("Before and after, against the annotated triples (%)"))
        console.print(_before_after(scores), _split(texts), sep="\n")
    kinds = count_kinds(texts)
    if kinds:
        console.print(_heading("Planted errors by kind, and the first gate that rejected them"))
        console.print(_kinds(kinds), _legend(kinds), sep="\n")
    console.print(_heading("Some verdicts, with 【evidence】 in the text; misses are marked !"))
    console.print(_samples(choose_samples(texts), width), _needs(text_threshold), sep="\n")


def _before_after(scores: BeforeAfter) -> Table:
    table = _table()
    table.add_column("")
    for name in ("precision", "recall", "F1", "triples", "correct", "annotated"):
        table.add_column(name, justify="right")
    rates = [(row.precision * 100, row.recall * 100, row.f1 * 100) for row in (scores.before, scores.after)]
    for name, row, values in zip(("before", "after"), (scores.before, scores.after), rates, strict=True):
        counts = (row.predicted, row.correct, row.gold)
        table.add_row(name, *(f"{value:.1f}" for value in values), *map(str, counts))
    table.add_section()
    changes = [f"{after - before:+.1f}" for before, after in zip(*rates, strict=True)]
    predicted = scores.after.predicted - scores.before.predicted
    table.add_row("change", *changes, f"{predicted:+d}", f"{scores.after.correct - scores.before.correct:+d}", "")
    return table


def _split(texts: Iterable[JudgedText]) -> Text:
    triples = [triple for row in texts for triple in row.triples]
    kept = [triple for triple in triples if triple.supported]
    rejected = [triple for triple in triples if not triple.supported]
    return Text(
        f" kept {len(kept)} ({sum(t.right is False for t in kept)} of them wrong), "
        f"rejected {len(rejected)} ({sum(t.right is False for t in rejected)} of them correct)"
    )


def _kinds(kinds: Iterable[KindCount]) -> Table:
    table = _table()
    table.padding = (0, 0, 0, 1)  # so that all of it fits into 80 columns
    table.add_column("kind")
    for name in ("planted", "rejected", *(gate.removesuffix(" check").replace("_", "_\n") for gate in GATES), "kept"):
        table.add_column(name, justify="right", vertical="bottom")
    errors = KindCount("all errors")
    for count in kinds:
        if count.kind == CORRECT:
            continue
        table.add_row(*_kind_row(count))
        errors.total += count.total
        errors.rejected.update(count.rejected)
    table.add_section()
    table.add_row(*_kind_row(errors), style="bold")
    for count in kinds:
        if count.kind == CORRECT:
            table.add_section()
            table.add_row(*_kind_row(count))
    return table


def _kind_row(count: KindCount) -> list[str]:
    rejected = count.rejected.total()
    by_gate = (str(count.rejected[gate] or "-") for gate in GATES)
    share = f"{rejected / count.total:.0%}" if count.total else ""
    return [count.kind, str(count.total), f"{rejected} {share:>4}", *by_gate, str(count.kept)]


def _legend(kinds: Iterable[KindCount]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 1))
    for count in kinds:
        note = CORRECT_NOTE if count.kind == CORRECT else ERROR_KINDS.get(count.kind)
        if note:
            grid.add_row(Text(count.kind, style="dim"), Text(note, style="dim"))
    return grid


def _samples(groups: Iterable[Sequence[Sample]], width: int) -> Table:
    table = _table()
    table.add_column("verdict", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("triple, text and reason", overflow="fold", ratio=1)
    table.width = width
    for group in groups:
        for sample in group:
            judged = sample.judged
            score = "-" if judged.text_score is None else f"{judged.text_score:.3f}"
            table.add_row(_verdict(judged), score, _story(sample, width - _NARROW))
        table.add_section()
    return table


def _verdict(judged: JudgedTriple) -> Text:
    style = "green" if judged.supported else "red"
    text = Text("✓ kept" if judged.supported else "✗ rejected", style=style)
    if judged.right is False:
        text.append("\n! but wrong" if judged.supported else "\n! but correct", style="bold yellow")
    return text


def _story(sample: Sample, cells: int) -> Text:
    judged = sample.judged
    story = Text(" → ".join(judged.triple), style="bold")
    # Two lines; a Chinese character takes two cells, and so do brackets.
    room = max(12, cells - 2 * len(judged.evidence) - 2)
    story.append("\n")
    for piece in excerpt(sample.text, judged.evidence, room):
        story.append(f"【{piece.text}】" if piece.marked else piece.text, style="cyan" if piece.marked else "not bold")
    notes = [judged.reason] if judged.reason else []
    if judged.label is not None and judged.label.kind:
        notes.append(f"planted: {judged.label.kind}")
    if notes:
        story.append("\n" + "; ".join(notes), style="not bold dim")
    return story


def _needs(text_threshold: float | None) -> Text:
    if text_threshold is None:
        return Text(" score: text_score, from -1 to 1; its threshold is off")
    return Text(f" score: text_score, from -1 to 1; kept from {text_threshold:.3f}")


def _heading(title: str) -> Text:
    return Text(f"\n{title}", style="bold")


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False)


def _kind(sample: Sample) -> str:
    return (sample.judged.label.kind if sample.judged.label else None) or ""


def _gate(sample: Sample) -> str:
    return sample.judged.gate or ""


def _rank(sample: Sample) -> tuple[bool, float]:
    """Sorts what the model was asked about, and is surest of, to the front."""
    score = sample.judged.text_score or 0.0
    unasked = sample.judged.gate in ("schema check", "mention check", "modality check")
    return unasked, -score if sample.judged.supported else score


def _vary(
    chosen: list[Sample], pool: Sequence[Sample], variety: Callable[[Sample], str], count: int, seen: set[str]
) -> None:
    """Add up to `count` of the pool, of new texts and new varieties first.

    Args:
        chosen: Samples of the group so far; grows.
        pool: What to choose from, the best first.
        variety: What should differ.
        count: Most samples to add.
        seen: Texts used so far, in any group; grows.
    """
    varieties = {variety(sample) for sample in chosen}
    full = len(chosen) + count
    for new_text, new_variety in ((True, True), (True, False), (False, False)):
        for sample in pool:
            if len(chosen) == full:
                return
            stale = (new_text and sample.text in seen) or (new_variety and variety(sample) in varieties)
            if not stale and sample not in chosen:
                chosen.append(sample)
                seen.add(sample.text)
                varieties.add(variety(sample))
