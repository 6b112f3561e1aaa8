"""A cross-encoder: text and triple in one sequence, one logit, binary cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cacre.baselines.encoder_folders import check_classifier, check_folder, loaded, tokenizer_options
from cacre.baselines.finetuning import FinetuningSettings, finetune, seeded, shuffled_batches
from cacre.baselines.markers import MARKERS, mark_mentions
from cacre.baselines.protocol import Needs, Pairs, flat_pairs, judged, not_fitted, per_text, verbalise
from cacre.errors import DataError
from cacre.evaluation.labelled_scores import LabelledText
from cacre.types import Triple

_Item = tuple[str, str, bool]


@dataclass
class CrossEncoderBaseline:
    """sentence-transformers' `CrossEncoder` on (text, verbalised triple), on a GPU if there is one.

    Args:
        folder: A local encoder folder (safetensors); code in it is never run.
        settings: The budget.
        needs: What the labels it is fitted on are.
        markers: Whether subject and object are marked in the text (`mark_mentions`): it need not find them itself.
    """

    folder: str | Path
    settings: FinetuningSettings = field(default_factory=FinetuningSettings)
    needs: Needs = "lists"
    markers: bool = False
    name: str = field(default="cross_encoder", init=False)

    def __post_init__(self) -> None:
        self._path = check_folder(self.folder)
        self._model: Any = None

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Train from the encoder in `folder`, with a new head.

        Raises:
            DataError: There is no candidate.
            ModelError: The folder cannot be loaded.
            MissingExtraError: sentence-transformers is not installed.
        """
        items = [(*self._sentences(text, candidate.triple), label) for text, candidate, label in judged(rows)]
        if not items:
            raise DataError("no labelled candidates to train on: give rows with candidates")
        settings = self.settings
        with seeded(settings.seed):
            model = _load(self._path, settings)
            if self.markers:
                _add_tokens(model)
            length = _length if settings.grouped else None
            epochs = [
                shuffled_batches(items, settings.batch_size, settings.seed + epoch, length)
                for epoch in range(settings.epochs)
            ]
            finetune(model, epochs, _loss_of(model), settings)
        self._model = model

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Logits.

        Raises:
            ConfigError: It is not fitted.
        """
        if self._model is None:
            raise not_fitted(self.name)
        from torch import nn

        sentences = [self._sentences(text, candidate.triple) for text, candidate in flat_pairs(pairs)]
        if not sentences:
            return per_text([], pairs)
        # Logits, because a sigmoid in float32 makes ties of what is surely right.
        found = self._model.predict(
            sentences, batch_size=self.settings.batch_size, show_progress_bar=False, activation_fn=nn.Identity()
        )
        return per_text(found.tolist(), pairs)

    def save(self, folder: str | Path) -> None:
        """Write the fitted model as a transformers folder.

        Raises:
            ConfigError: It is not fitted.
        """
        if self._model is None:
            raise not_fitted(self.name)
        self._model.save_pretrained(str(folder), create_model_card=False)

    @classmethod
    def load(cls, folder: str | Path, settings: FinetuningSettings | None = None, needs: Needs = "lists") -> Self:
        """Read what `save` wrote, ready to score.

        Raises:
            ModelError: The folder holds no classifier.
            MissingExtraError: sentence-transformers is not installed.
        """
        check_classifier(folder)
        baseline = cls(folder, settings or FinetuningSettings(), needs)
        baseline._model = _load(baseline._path, baseline.settings)
        baseline.markers = MARKERS[0] in baseline._model.tokenizer.get_vocab()
        return baseline

    def _sentences(self, text: str, triple: Triple) -> tuple[str, str]:
        return mark_mentions(text, triple) if self.markers else text, verbalise(triple)


def _load(path: Path, settings: FinetuningSettings) -> Any:  # noqa: ANN401  (the library is optional)
    def load() -> Any:  # noqa: ANN401
        from sentence_transformers import CrossEncoder

        return CrossEncoder(
            str(path),
            local_files_only=True,
            trust_remote_code=False,
            num_labels=1,
            max_length=settings.max_length,
            model_kwargs={"use_safetensors": True, "dtype": "float32"},  # whatever it is stored in: half learns nothing
            processor_kwargs=tokenizer_options(path),
        )

    return loaded(path, load)


def _length(item: _Item) -> int:
    return len(item[0]) + len(item[1])


def _add_tokens(model: Any) -> None:  # noqa: ANN401
    """Give the markers tokens, and the encoder embeddings for them, which are new."""
    model.tokenizer.add_tokens(list(MARKERS), special_tokens=True)
    model.model.resize_token_embeddings(len(model.tokenizer))


def _loss_of(model: Any) -> Any:  # noqa: ANN401
    import torch
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    entropy = BinaryCrossEntropyLoss(model)

    def loss(batch: Sequence[_Item]) -> torch.Tensor:
        texts, triples, labels = zip(*batch, strict=True)
        wanted = torch.tensor(labels, dtype=torch.float32, device=model.device)
        found: torch.Tensor = entropy([list(texts), list(triples)], wanted)
        return found

    return loss
