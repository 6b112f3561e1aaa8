"""An extractor's candidates of dev texts as contrastive rows: `benchmarks/judged_lists.py -o FILE corpus/seed ...`.

What `corpus/extracted` calls supported becomes an anchor, what it calls unsupported a negative, so that
`benchmarks/design_search.py --also natural=FILE` can measure on errors as they come. Only texts that the given ones,
split as a training run with `--seed` splits them, leave for dev; only those with candidates of both kinds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cacre.config import Settings
from cacre.data import load_examples, read_rows, write_rows
from cacre.data.conversion import to_candidates
from cacre.data.splits import split_examples
from cacre.schema import load_schema
from cacre.types import Triple


def contrastive(text: str, right: list[Triple], wrong: list[Triple]) -> dict[str, Any]:
    """A row whose lists are aligned: wrong candidates are repeated where there are fewer of them."""
    return {
        "text": text,
        "anchors": right,
        "positives": right,
        "negatives": (wrong * len(right))[: len(right)],
        "hard": [(*triple, "natural") for triple in wrong[len(right) :]],
    }


def judged_lists(dev: Iterable[str], extracted: Path) -> Iterable[dict[str, Any]]:
    """Rows of the texts in `dev`."""
    labels: dict[str, dict[Triple, bool]] = {text: {} for text in dev}
    for row in read_rows(extracted, "candidates"):
        found = to_candidates(row)
        if found.text in labels:
            labels[found.text] |= {c.triple: bool(c.extra["supported"]) for c in found.candidates}
    for text, known in labels.items():
        right, wrong = ([triple for triple, label in known.items() if label == wanted] for wanted in (True, False))
        if right and wrong:
            yield contrastive(text, right, wrong)


def main() -> None:
    """Write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--extracted", type=Path, default=Path("corpus/extracted/candidates.jsonl"))
    parser.add_argument("--seed", type=int, default=Settings().training.seed)
    arguments = parser.parse_args()
    share = Settings().training.dev_fraction
    examples = load_examples(arguments.texts, schema=load_schema("open"))
    dev = [example.text for example in split_examples(examples, (1 - share, share, 0.0), arguments.seed).dev]
    write_rows(arguments.output, judged_lists(dev, arguments.extracted))


if __name__ == "__main__":
    main()
