"""What the evidence head adds to the reader, by its weight: `evidence_head.py [MODEL] [ROWS ...]`.

AUC between right and wrong triples of the dev part (what a training run with the model's seed leaves out of
`corpus/seed` and `corpus/train`), and of the contrastive rows of each further file. Only dev may choose the weight.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cacre.data import load_examples
from cacre.data.splits import split_examples
from cacre.evaluation import roc_auc
from cacre.export import load_trainable
from cacre.inference.folder import find_folder
from cacre.modeling.folder import LoadedModel
from cacre.schema import load_schema
from cacre.training.batches import Collator
from cacre.training.features import featurize
from cacre.training.objective import project
from cacre.types import Example

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 1.0)
TEXTS_AT_ONCE = 32

Floats = NDArray[np.float64]


@torch.no_grad()
def logits(loaded: LoadedModel, examples: Sequence[Example]) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Labels of all triples, the reader's logits and the head's, `[N]` each."""
    settings, seed = loaded.settings, loaded.settings.training.seed
    found = featurize(examples, loaded.featurizer, loaded.schema, generated=0, paraphrase=False, seed=seed)
    collate = Collator(loaded.featurizer, settings.model, settings.loss, seed=seed)
    head = loaded.model.reader and loaded.model.reader.evidence_head
    if head is None:
        raise SystemExit("this model has no evidence head: train it with  --set model.evidence_head=0.3")
    parts = []
    for start in range(0, len(found.examples), TEXTS_AT_ONCE):
        batch = collate(found.examples[start : start + TEXTS_AT_ONCE])
        both = []
        for head.weight in (0.0, 1.0):
            projection = project(loaded.model, batch)
            assert projection.logit is not None
            both.append(projection.logit)
        chosen = [torch.unique(batch["anchor"]), torch.unique(batch["negative"][batch["negative"] >= 0])]
        label = torch.cat([torch.ones_like(chosen[0]), torch.zeros_like(chosen[1])])
        parts.append(torch.stack([label, *(logit[torch.cat(chosen)] for logit in both)]))
    label, alone, together = torch.cat(parts, dim=1).double().numpy()
    return label > 0, alone, together - alone


def main() -> None:
    """Print a line for each set of rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="mini-zh")
    parser.add_argument("rows", nargs="*", type=Path)
    arguments = parser.parse_args()
    loaded, schema = load_trainable(find_folder(arguments.model)), load_schema("open")
    training = loaded.settings.training
    parts = (1 - training.dev_fraction, training.dev_fraction, 0.0)
    corpus = load_examples(["corpus/seed", "corpus/train"], schema=schema)
    sets = {"dev": split_examples(corpus, parts, training.seed).dev}
    sets |= {str(path): load_examples([path], schema=schema) for path in arguments.rows}
    print(f"| rows | triples |{''.join(f' {weight:g} |' for weight in WEIGHTS)} head alone |")
    print("|---|---|" + "---|" * (len(WEIGHTS) + 1))
    for name, examples in sets.items():
        labels, reader, head = logits(loaded, examples)
        areas = [roc_auc(labels, scores) for scores in (*(reader + weight * head for weight in WEIGHTS), head)]
        cells = "".join(f" {area:.3f} |".replace("0.", ".") for area in areas)
        print(f"| {name} | {len(labels)} |{cells}", flush=True)


if __name__ == "__main__":
    main()
