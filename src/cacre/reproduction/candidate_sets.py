"""Candidate files with gold and, where there are any, judgements of somebody who read the texts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cacre.data import read_rows, to_candidates, to_example
from cacre.data.triple_labels import judgement_of
from cacre.errors import DataError
from cacre.evaluation.duie_scorer import Spo
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.labelling import label_by_gold
from cacre.evaluation.scored_rows import read_scored_rows
from cacre.reproduction.experiment import CandidateFile
from cacre.types import Candidate, Triple


@dataclass(frozen=True)
class CandidateTexts:
    """The texts of one candidate file.

    Args:
        name: Name of the file in the experiment.
        texts: `[T]`.
        candidates: `[T]`; the candidates of each.
        negatives: `[T]`; wrong triples that the LLM wrote for each text; empty where the file has none.
        gold: Text -> annotated triples, as the scorer takes them, slots included.
        support: (text, triple) -> whether the text supports it, by a judge; only judged ones.
    """

    name: str
    texts: tuple[str, ...]
    candidates: tuple[tuple[Candidate, ...], ...]
    negatives: tuple[tuple[Triple, ...], ...]
    gold: Mapping[str, list[Spo]]
    support: Mapping[tuple[str, Triple], bool]

    @property
    def pairs(self) -> list[tuple[str, tuple[Candidate, ...]]]:
        """Texts with their candidates, as verifiers take them."""
        return list(zip(self.texts, self.candidates, strict=True))

    def __len__(self) -> int:
        return sum(map(len, self.candidates))

    def ordered(self, texts: Sequence[str]) -> CandidateTexts:
        """The same rows in another order of the texts."""
        place = {text: index for index, text in enumerate(self.texts)}
        order = [place[text] for text in texts]
        return replace(
            self,
            texts=tuple(texts),
            candidates=tuple(self.candidates[index] for index in order),
            negatives=tuple(self.negatives[index] for index in order),
            gold={text: self.gold[text] for text in texts},
        )

    def only(self, relations: Collection[str]) -> CandidateTexts:
        """The same texts with the candidates, negatives and gold of some relations."""
        return replace(
            self,
            candidates=tuple(tuple(c for c in row if c.triple.predicate in relations) for row in self.candidates),
            negatives=tuple(tuple(t for t in row if t.predicate in relations) for row in self.negatives),
            gold={text: [spo for spo in spos if spo[1] in relations] for text, spos in self.gold.items()},
        )


def candidate_paths(path: str, data: Path) -> list[Path]:
    """The files that a path or pattern of an experiment stands for, in the order of their names.

    Args:
        path: A path or pattern; where there is a file of just this name, it is a path.
        data: The data folder, which is looked in first; then the folder that the command runs in.
    """
    named = Path(path)
    # The folder is no part of the pattern: it may be called `data[1]`.
    roots = (Path(named.anchor),) if named.anchor else (data, Path())
    for root in roots:
        whole = root / named
        found = [whole] if whole.is_file() else sorted(root.glob(str(named.relative_to(named.anchor))))
        if found:
            return found
    return []


def load_candidates(name: str, file: CandidateFile, data: Path, limit: int | None = None) -> CandidateTexts:
    """Read the candidates of a file of either kind; of several seeds those of the first.

    Args:
        name: Its name in the experiment.
        file: What the experiment says of it.
        data: The data folder.
        limit: Only the first so many texts.

    Raises:
        DataError: There is no such file, or as `load_seeds`.
    """
    paths = candidate_paths(file.path, data)
    if not paths:
        raise DataError("no such file: the experiment names it below the data folder", path=str(data / file.path))
    return _load(name, file, paths[0], data, limit)


def load_seeds(name: str, file: CandidateFile, data: Path, limit: int | None = None) -> list[CandidateTexts]:
    """Read the candidates of all seeds of an extractor, a file each, in the order of the first file's texts.

    Args:
        name: Its name in the experiment.
        file: What the experiment says of it.
        data: The data folder.
        limit: Only the first so many texts.

    Returns:
        Nothing where there is no such file.

    Raises:
        DataError: A file cannot be read, holds rows of another kind, has a text twice or no gold, or two of the files
            have different texts.
    """
    sets = list[CandidateTexts]()
    for path in candidate_paths(file.path, data):
        one = _load(name, file, path, data, limit)
        if sets and set(one.texts) != set(sets[0].texts):
            reason = f"its texts are not those of the first seed of {name!r}: extract from the same texts"
            raise DataError(reason, path=str(path))
        sets.append(one.ordered(sets[0].texts) if sets else one)
    return sets


def labelled_by_gold(sets: CandidateTexts) -> list[LabelledText]:
    """The candidates with labels to fit on, by `@value`."""
    return [label_by_gold(text, row, [flat_triple(spo) for spo in sets.gold.get(text, ())]) for text, row in sets.pairs]


def flat_triple(spo: Any) -> Triple:  # noqa: ANN401  (an Spo of the scorer)
    """A triple of gold with its `@value` as object."""
    subject, predicate, value = spo
    return Triple(subject, predicate, value["@value"] if isinstance(value, Mapping) else value)


def _load(name: str, file: CandidateFile, path: Path, data: Path, limit: int | None) -> CandidateTexts:
    with path.open("rb") as stream:
        contrastive = b'"anchors"' in stream.readline(1 << 20)
    texts: list[str] = []
    candidates: list[tuple[Candidate, ...]] = []
    negatives: list[tuple[Triple, ...]] = []
    ids: dict[str, str] = {}
    seen: set[str] = set()
    for row in read_rows(path, "contrastive" if contrastive else "candidates"):
        if limit is not None and len(texts) == limit:
            break
        if contrastive:
            example = to_example(row)
            lists = zip(example.anchors, example.positives, strict=True)
            candidates.append(tuple(Candidate(anchor, paraphrase=positive) for anchor, positive in lists))
            negatives.append(example.negatives)
        else:
            candidates.append(to_candidates(row).candidates)
            negatives.append(())
        if row.content.text in seen:
            # The scorer joins by the text, so that the first row's candidates would be lost without a word.
            raise row.error("the text was there before: give each extractor a file of its own", "text")
        if file.gold is None and not {"gold", "spo_list"} & row.raw.keys():
            # Its own candidates would pass for gold, and every one be right.
            raise row.error("is missing: keep it in the rows, or name a file with `gold` in the experiment", "gold")
        seen.add(row.content.text)
        texts.append(row.content.text)
        if row.content.id is not None:
            ids[row.content.id] = row.content.text
    # As the official script, by which the paper's numbers are.
    annotated = read_scored_rows(_gold_path(file, path, data), "gold", repeats="last")
    gold = {text: annotated[text] for text in texts if text in annotated}
    if len(gold) < len(texts):
        raise DataError(f"{len(texts) - len(gold)} of {len(texts)} texts have no gold in {file.gold}", path=str(path))
    support = {} if file.support is None else _read_support(data / file.support, ids, whole=limit is None)
    return CandidateTexts(name, tuple(texts), tuple(candidates), tuple(negatives), gold, support)


def _gold_path(file: CandidateFile, path: Path, data: Path) -> Path:
    if file.gold is None:
        return path
    found = candidate_paths(file.gold, data)
    if not found:
        raise DataError("no such file with gold: the experiment names it", path=str(data / file.gold))
    return found[0]


def _read_support(path: Path, ids: Mapping[str, str], *, whole: bool) -> dict[tuple[str, Triple], bool]:
    """Judgements `{"id", "triples": [{"triple": [s, p, o], "supported": 1 | 0 | null}]}`; null is left out.

    Args:
        path: The file.
        ids: Id of a candidate row -> its text.
        whole: Whether these are all candidate rows, so that some must have judgements.

    Raises:
        DataError: A row is not well formed, or none has the id of a candidate row.
    """
    found: dict[tuple[str, Triple], bool] = {}
    rows, known = 0, 0
    # Not `splitlines`, which also cuts at a U+2028 within a string.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name = _row_id(row["id"])
            judged = [(Triple.parse(t["triple"]), judgement_of(t["supported"], "supported")) for t in row["triples"]]
        except (DataError, ValueError, KeyError, TypeError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(
                f"expected id and triples with `triple` and `supported`: {reason}", path=str(path), line=number
            ) from error
        rows += 1
        if name in ids:
            known += 1
            found |= {(ids[name], triple): label.right for triple, label in judged if label.right is not None}
    if rows and not known and whole:
        raise DataError(f"none of its {rows} ids is that of a candidate row: judge these rows, by `id`", path=str(path))
    return found


def _row_id(value: object) -> str:
    """An id as rows are read with: integers as strings."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"id must be a string or an integer, got {value!r:.80}")
    return str(value)
