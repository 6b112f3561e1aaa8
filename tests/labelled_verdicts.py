"""Small labelled verdicts for tests of the report: twelve invented films, four candidates each."""

import numpy as np

from cacre.evaluation.score_table import ScoreTable
from cacre.evaluation.table_reading import Reading
from cacre.evaluation.verdict_summary import JudgedText, JudgedTriple
from cacre.types import Triple

EVIL = """<script>alert("x")</script>'"&{{ 7*7 }}{% raw %}</style></svg>"""


def reading(texts=12, seed=1, source="support", evil=False):
    """Four candidates a text: director, writer, and a wrong one of each."""
    generator = np.random.default_rng(seed)
    triples, columns = [], []
    for number in range(texts):
        for place, predicate in enumerate(("导演", "编剧", "导演", "编剧")):
            triples.append(Triple(EVIL if evil else f"片{number}", EVIL if evil else predicate, f"人{place}"))
            right = place < 2
            columns.append((number, right, generator.normal(0.3 + 0.3 * right, 0.2), generator.random()))
    text, labels, scores, chance = (np.asarray(column) for column in zip(*columns, strict=True))
    scores = np.clip(scores, -1, 1)
    table = ScoreTable(
        label_source=source,
        text=text,
        labels=labels.astype(bool),
        text_score=scores,
        pair_score=np.where(text % 3 == 0, np.nan, scores),
        strategy=[None if number % 3 == 0 else "schema" for number in text.tolist()],
        relation=[triple.predicate for triple in triples],
        text_length=np.full(len(text), 30),
        missed_gold=np.ones(texts, dtype=np.int64),
        probability=chance,
        agreement=np.full(len(text), np.nan),
        error_kind=[None if right else (EVIL if evil else "swap") for right in labels.tolist()],
        seen=np.full(len(text), np.nan),
    )
    return Reading(table, triples, [f"{EVIL}{n}" if evil else f"第{n}篇里人0执导，人1编剧。" for n in range(texts)])


def judged(found, number, threshold=0.45, reason="text_score 0.1 below 0.450"):
    score, pair = found.table.text_score[number], found.table.pair_score[number]
    kept = bool(score >= threshold)
    return JudgedTriple(
        triple=found.triples[number],
        supported=kept,
        reason=None if kept else reason,
        text_score=float(score),
        pair_score=None if np.isnan(pair) else float(pair),
        probability=0.5,
        evidence=((0, 3),),
        paraphrase=None,
        label=None,
    )


def rows_of(found, **more):
    verdicts = [judged(found, number, **more) for number in range(len(found.table))]
    members = [np.flatnonzero(found.table.text == number) for number in range(len(found.texts))]
    return [
        JudgedText(None, text, tuple(verdicts[i] for i in places), None)
        for text, places in zip(found.texts, members, strict=True)
    ]
