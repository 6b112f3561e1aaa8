"""A local entailment model (MiniCheck-style): does the text entail the verbalised triple?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cacre.baselines.encoder_folders import check_classifier, loaded, tokenizer_options
from cacre.baselines.protocol import Needs, Pairs, flat_pairs, per_text, verbalise
from cacre.errors import ConfigError, ModelError
from cacre.evaluation.labelled_scores import LabelledText

_ENTAILED = ("entailment", "entailed", "entail", "supported", "support", "supports", "蕴含", "支持")


@dataclass
class NLIBaseline:
    """P(entailment) by a sequence-classification folder, as it is.

    Args:
        folder: The local folder (safetensors); code in it is never run.
        entailment: Label that means entailment; None finds it in the folder's `config.json`.
        batch_size: Pairs scored at once.
        max_length: Tokens of text and triple together; the text is cut.

    Raises:
        ModelError: The folder holds no classifier.
        ConfigError: A number is below 1.
    """

    folder: str | Path
    entailment: str | None = None
    batch_size: int = 32
    max_length: int = 512
    needs: Needs = field(default="a local NLI model", init=False)
    name: str = field(default="nli", init=False)

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.max_length < 1:
            raise ConfigError(f"batch_size={self.batch_size} and max_length={self.max_length} must be at least 1")
        self._path = check_classifier(self.folder)
        self._loaded: tuple[Any, Any] | None = None

    def fit(self, rows: Sequence[LabelledText]) -> None:
        """Do nothing: the model is used as it is."""

    def scores(self, pairs: Pairs) -> list[list[float]]:
        """Probabilities in [0, 1].

        Raises:
            ModelError: The folder cannot be loaded, or none of its labels is entailment.
            MissingExtraError: torch or transformers is not installed.
        """
        sentences = [(text, verbalise(candidate.triple)) for text, candidate in flat_pairs(pairs)]
        if not sentences:
            return per_text([], pairs)
        if self._loaded is None:
            self._loaded = loaded(self._path, self._load)
        model, tokenizer = self._loaded
        label = entailment_label(model.config.id2label, self.entailment, self._path)
        found: list[float] = []
        for start in range(0, len(sentences), self.batch_size):
            found += self._probabilities(sentences[start : start + self.batch_size], model, tokenizer, label)
        return per_text(found, pairs)

    def _probabilities(self, batch: Sequence[tuple[str, str]], model: Any, tokenizer: Any, label: int) -> list[float]:  # noqa: ANN401
        import torch

        texts, triples = map(list, zip(*batch, strict=True))
        inputs = tokenizer(
            texts, triples, padding=True, truncation="only_first", max_length=self._longest(model), return_tensors="pt"
        )
        with torch.inference_mode():
            found: list[float] = model(**inputs).logits.softmax(dim=-1)[:, label].tolist()
        return found

    def _longest(self, model: Any) -> int:  # noqa: ANN401
        positions = getattr(model.config, "max_position_embeddings", None)
        if positions is None:
            return self.max_length
        # RoBERTa counts its positions from the one after padding.
        offset = (model.config.pad_token_id or 0) + 1 if model.config.model_type in ("roberta", "xlm-roberta") else 0
        return min(self.max_length, int(positions) - offset)

    def _load(self) -> tuple[Any, Any]:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        options = {"local_files_only": True, "trust_remote_code": False}
        model = AutoModelForSequenceClassification.from_pretrained(self._path, use_safetensors=True, **options)
        return model.float().eval(), AutoTokenizer.from_pretrained(
            self._path, **options, **tokenizer_options(self._path)
        )


def entailment_label(labels: Mapping[int, str], wanted: str | None, path: Path) -> int:
    """Number of the label that means entailment.

    Of two labels without names (`LABEL_0`, `LABEL_1`) it is the second, as in MiniCheck.

    Args:
        labels: Number -> name, as in the folder's `config.json`.
        wanted: Name given by the user; None looks for a known one.
        path: The folder, for the error.

    Raises:
        ModelError: No label has that name, or a known one.
    """
    named = {name.lower(): number for number, name in labels.items()}
    if wanted is None and sorted(named) == ["label_0", "label_1"]:
        return named["label_1"]
    for name in _ENTAILED if wanted is None else (wanted.lower(),):
        if name in named:
            return named[name]
    asked = "one that means entailment" if wanted is None else repr(wanted)
    raise ModelError(f"{path}: none of the labels {', '.join(labels.values())} is {asked}: name it with `entailment`")
