"""transformers' Trainer over labelled windows, watching the F1 of dev."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer

from cacre.baselines.extractors.batches import Batch, make_batch
from cacre.baselines.extractors.marks import LabelledWindow, Marker
from cacre.baselines.extractors.network import ExtractorNetwork
from cacre.baselines.extractors.settings import TrainingSettings
from cacre.training.optimisation import EachEpoch, make_optimizer, watched_arguments
from cacre.training.progress import ProgressLines
from cacre.training.sampler import LengthGroupedSampler


class Windows(Dataset[LabelledWindow]):
    """Labelled windows as a data set."""

    def __init__(self, items: Sequence[LabelledWindow]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> LabelledWindow:
        return self.items[index]


class WindowCollator:
    """Makes batches, with the altered texts that the system asks for.

    Args:
        network: Says which views it wants.
        marker: Cuts and marks the views.
        seed: Another seed, other views.
    """

    def __init__(self, network: ExtractorNetwork, marker: Marker, seed: int = 13) -> None:
        self.network, self.marker, self.seed, self.epoch = network, marker, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is: in each a text is seen with other views."""
        self.epoch = epoch

    def __call__(self, items: Sequence[LabelledWindow]) -> dict[str, Batch]:
        """A labelled batch under the name that `ExtractorNetwork.forward` takes."""
        # Seeded by the batch itself and not drawn from torch's generator: accelerate collates a batch ahead, and a
        # resumed run collates its first one before that generator is where the checkpoint left it.
        rng = np.random.default_rng([self.seed, self.epoch, *(item.index for item in items)])
        views = [(row, view) for row, item in enumerate(items) for view in self.network.views(item, rng)]
        batch = make_batch([item.window for item in items], items)
        if views:
            marked = [self.marker.label([view.text])[0] for _, view in views]
            batch = Batch(
                batch.input_ids,
                batch.attention_mask,
                batch.content,
                batch.items,
                make_batch([item.window for item in marked], marked),
                tuple(row for row, _ in views),
                tuple(view.kind for _, view in views),
            )
        return {"batch": batch}


class ExtractorTrainer(Trainer):
    """Trains a network.

    Args:
        network: Of any system.
        settings: Of the training.
        items: Labelled windows to learn from.
        marker: Marks what a system alters.
        measure: Scores on dev, `f1` among them.
        output: Checkpoints go to `output/checkpoints`.
    """

    optimizer: torch.optim.Optimizer | None
    control: Any

    def __init__(
        self,
        network: ExtractorNetwork,
        settings: TrainingSettings,
        items: Sequence[LabelledWindow],
        marker: Marker,
        measure: Callable[[], dict[str, float]],
        output: Path,
    ) -> None:
        self.settings, self.measure = settings, measure
        collator = WindowCollator(network, marker, settings.seed)
        callbacks: list[Any] = [ProgressLines(), EachEpoch(collator.set_epoch)]
        if settings.patience is not None:
            callbacks.append(EarlyStoppingCallback(settings.patience))
        super().__init__(
            model=network,
            args=watched_arguments(settings, output, len(items), "eval_f1", logs=5),
            data_collator=collator,
            train_dataset=Windows(items),
            eval_dataset=Windows(items[:1]),  # asked for by the Trainer; `evaluate` measures on dev
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)  # it writes to stdout, where data goes

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:  # noqa: ANN401  (the Trainer's own)
        items = (train_dataset or self.train_dataset).items
        return LengthGroupedSampler([len(item) for item in items], self.settings.batch_size, self.settings.seed)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ANN401
        """See `make_optimizer`."""
        if self.optimizer is None:
            self.optimizer = make_optimizer(model or self.model, self.settings)
        return self.optimizer

    def evaluate(
        self,
        eval_dataset: Any = None,  # noqa: ANN401  (the Trainer's own signature)
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """The scores on dev, logged as `eval_f1` and so on."""
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in self.measure().items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics
