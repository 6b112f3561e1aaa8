"""A bi-encoder: cosine of the mean-pooled states of the text and of the triple, as they are or trained to agree."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cacre.baselines.encoder_folders import check_folder, loaded, tokenizer_options
from cacre.baselines.finetuning import FinetuningSettings, finetune, seeded, shuffled_batches
from cacre.baselines.protocol import Needs, Pairs, flat_pairs, not_fitted, per_text, verbalise
from cacre.errors import DataError
from cacre.evaluation.labelled_scores import LabelledText

_Item = tuple[str, str, str]


@dataclass
class BiEncoderBaseline:
    """sentence-transformers' `SentenceTransformer`, text and verbalised triple apart, on the CPU.

    Trained (`contrastive`), the loss is MultipleNegativesRankingLoss: a right candidate against a wrong one of the
    same text and those of the other texts of the batch, so that only texts with both count.

    Args:
        folder: A local encoder folder (safetensors); code in it is never run.
        trained_on: What the labels it is trained on are; None leaves the encoder as it is, and `fit` does nothing.
        settings: The budget; without training only lengths and batches.
    """

    folder: str | Path
    trained_on: Literal["lists", "gold"] | None = None
    settings: FinetuningSettings = field(default_factory=FinetuningSettings)
    needs: Needs = field(default="nothing", init=False)
    name: str = field(default="bi_encoder", init=False)

    def __post_init__(self) -> None:
        self._path = check_folder(self.folder)
        self._model: Any = None
        self.needs = self.trained_on or "nothing"

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Train from the encoder in `folder`, if it is to be trained.

        Raises:
            DataError: No text has both a right and a wrong candidate.
            ModelError: The folder cannot be loaded.
            MissingExtraError: sentence-transformers is not installed.
        """
        if self.trained_on is None:
            return
        settings = self.settings
        with seeded(settings.seed):
            model = _load(self._path, settings)
            epochs = [_batches(rows, settings.batch_size, settings.seed + epoch) for epoch in range(settings.epochs)]
            if not any(epochs):
                raise DataError("no text has both a right and a wrong candidate, so that there is nothing to contrast")
            finetune(model, epochs, _loss_of(model), settings)
        self._model = model

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Cosines in [-1, 1].

        Raises:
            ConfigError: It is to be trained, but is not fitted.
            ModelError: The folder cannot be loaded.
            MissingExtraError: sentence-transformers is not installed.
        """
        flat = flat_pairs(pairs)
        if not flat:
            return per_text([], pairs)
        if self._model is None:
            if self.trained_on is not None:
                raise not_fitted(self.name)
            self._model = _load(self._path, self.settings)
        texts = list(dict.fromkeys(text for text, _ in flat))
        places = {text: place for place, text in enumerate(texts)}
        left = self._encode(texts)[[places[text] for text, _ in flat]]
        right = self._encode([verbalise(candidate.triple) for _, candidate in flat])
        return per_text((left * right).sum(axis=1).tolist(), pairs)

    def _encode(self, sentences: list[str]) -> Any:  # noqa: ANN401  (numpy array, [N, D], unit length)
        return self._model.encode(
            sentences, batch_size=self.settings.batch_size, show_progress_bar=False, normalize_embeddings=True
        )


def _batches(rows: Sequence[LabelledText], size: int, seed: int) -> list[list[_Item]]:
    """Batches of (text, right, wrong), each text once: its other right triples must not pass for wrong ones."""
    choose = random.Random(seed)
    lines = []
    for row in rows:
        named = list(zip((verbalise(c.triple) for c in row.candidates), row.labels, strict=True))
        right, wrong = ([sentence for sentence, label in named if label is kind] for kind in (True, False))
        if right and wrong:
            lines.append([(row.text, sentence, choose.choice(wrong)) for sentence in choose.sample(right, len(right))])
    rounds = itertools.zip_longest(*lines)
    return [
        batch
        for number, items in enumerate(rounds)
        for batch in shuffled_batches([item for item in items if item is not None], size, seed + number)
    ]


def _load(path: Path, settings: FinetuningSettings) -> Any:  # noqa: ANN401  (the library is optional)
    def load() -> Any:  # noqa: ANN401
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(
            str(path),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True, "dtype": "float32"},  # whatever it is stored in: half learns nothing
            processor_kwargs=tokenizer_options(path),
        )
        longest = model.max_seq_length
        model.max_seq_length = settings.max_length if longest is None else min(longest, settings.max_length)
        return model

    return loaded(path, load)


def _loss_of(model: Any) -> Any:  # noqa: ANN401
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    ranking = MultipleNegativesRankingLoss(model)

    def loss(batch: Sequence[_Item]) -> torch.Tensor:
        columns = [model.preprocess(list(column)) for column in zip(*batch, strict=True)]
        found: torch.Tensor = ranking(columns, torch.empty(0))
        return found

    return loss
