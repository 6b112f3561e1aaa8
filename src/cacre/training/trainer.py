"""transformers' Trainer with our batches, two learning rates, and validation AUCs as what it watches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainingArguments

from cacre.config import Settings, TrainingSettings
from cacre.evaluation.curves import roc_auc
from cacre.modeling.model import Cacre
from cacre.training.batches import Collator
from cacre.training.features import ExampleFeatures
from cacre.training.objective import Criterion, count_terms, project
from cacre.training.optimisation import EachEpoch, make_optimizer, watched_arguments
from cacre.training.parallel import (
    StepCollator,
    batches_of,
    from_all,
    process_count,
    process_index,
    sum_over_processes,
)
from cacre.training.progress import ProgressLines
from cacre.training.sampler import LengthGroupedSampler


class FeatureDataset(Dataset[ExampleFeatures]):
    """A list of featurised examples."""

    def __init__(self, examples: Sequence[ExampleFeatures]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> ExampleFeatures:
        return self.examples[index]


class CacreTrainer(Trainer):
    """Trains a `Criterion`, on all processes of the run; every one of them gets all examples.

    A step has the same texts however many processes share them, and its loss is that of all its texts: with DDP and the
    counts of `get_batch_samples` the gradients of its parts add up to the gradient of the whole.

    Args:
        criterion: Network and loss.
        settings: Of the run.
        train: Featurised training examples.
        dev: Featurised dev examples.
        collator: Makes batches.
        output: Folder for checkpoints.
    """

    optimizer: torch.optim.Optimizer | None
    control: Any

    def __init__(
        self,
        criterion: Criterion,
        settings: Settings,
        train: Sequence[ExampleFeatures],
        dev: Sequence[ExampleFeatures],
        collator: Collator,
        output: Path,
    ) -> None:
        self.settings = settings
        training = settings.training
        if training.gradient_checkpointing:
            _checkpoint_layers(criterion.model)
        self.sampler = LengthGroupedSampler([e.length for e in train], training.batch_size, training.seed)
        callbacks: list[Any] = [EachEpoch(self.sampler.set_epoch)]
        if process_index() == 0:
            callbacks.append(ProgressLines())
        if training.patience is not None:
            callbacks.append(EarlyStoppingCallback(training.patience))
        super().__init__(
            model=criterion,
            args=_arguments(training, output, len(train)),
            data_collator=collator,
            train_dataset=FeatureDataset(train),
            eval_dataset=FeatureDataset(dev),
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)  # it writes to stdout, where data goes

    def get_train_dataloader(self) -> DataLoader[ExampleFeatures]:
        """The batches of the run: all processes walk through the same ones, and each collates its share.

        It is not prepared by accelerate, which would repeat texts to fill the last batch.
        """
        training = self.settings.training
        collate = StepCollator(self.data_collator, training.grad_cache_chunk)
        return DataLoader(
            self.train_dataset,
            training.batch_size,
            sampler=self.sampler,
            collate_fn=collate,
            num_workers=training.loader_workers,
        )

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Tensor]:
        """The collated batches of a step, and what the means of its loss are taken over, in all batches and processes.

        The Trainer gives the counts to `Criterion`, does not divide by the number of batches, and undoes DDP's mean.
        """
        samples, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        counts = [count_terms(batch, self.settings.loss) for sample in samples for batch in batches_of(sample)]
        return samples, sum_over_processes(torch.stack(counts).sum(dim=0).to(device))

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)
        from_all(None)  # what makes a checkpoint complete is written after this; no process's state may be missing

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401  (as above)
        state = self.model.state_dict() if state_dict is None else state_dict
        seen: set[int] = set()
        for name, tensor in state.items():  # share_attention: two names for one weight, which safetensors refuses
            if tensor.data_ptr() in seen:
                state[name] = tensor.clone()
            seen.add(tensor.data_ptr())
        super()._save(output_dir, state_dict=state)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ANN401
        """See `make_optimizer`."""
        if self.optimizer is None:
            self.optimizer = make_optimizer(model or self.model, self.settings.training)
        return self.optimizer

    def evaluate(
        self,
        eval_dataset: Any = None,  # noqa: ANN401  (the Trainer's own signature)
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Validation AUCs over the dev examples, logged as `eval_text_auc`, `eval_anchor_auc`, `eval_mean_auc`."""
        examples = (eval_dataset or self.eval_dataset).examples
        criterion = self.accelerator.unwrap_model(self.model)
        scores = dev_aucs(criterion.model, examples, self.data_collator, texts_at_once(self.settings.training))
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in scores.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _checkpoint_layers(model: Cacre) -> None:
    backbone: Any = model.encoder.backbone
    if hasattr(backbone.config, "use_cache"):
        backbone.config.use_cache = False  # an encoder has no use for it, but warns
    # The second name is the one of older versions.
    enable = getattr(backbone, "activation_checkpointing_enable", None) or backbone.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def texts_at_once(training: TrainingSettings) -> int:
    """How many texts go through the network together where their number is only a matter of memory."""
    return min(training.batch_size, training.grad_cache_chunk or training.batch_size)


@torch.no_grad()
def dev_aucs(
    model: Cacre, examples: Sequence[ExampleFeatures], collator: Collator, batch_size: int
) -> dict[str, float]:
    """The two curves of the paper's Figure 2, as areas.

    `text_auc`: anchors against negatives by S_st. `anchor_auc`: (anchor, positive) against (anchor, negative) by S_tt.
    Every process must call it: each scores its share of the batches.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    weight = model.settings.local_weight
    parts: dict[str, list[np.ndarray[Any, Any]]] = {"text+": [], "text-": [], "pair+": [], "pair-": []}
    for start in range(process_index() * batch_size, len(examples), process_count() * batch_size):
        batch = {k: v.to(device) for k, v in collator(examples[start : start + batch_size]).items()}
        projection = project(model, batch)
        text = model.text_similarity(projection).fuse(weight).float().cpu().numpy()  # [C]
        anchor, positive, negative = batch["anchor"], batch["positive"], batch["negative"]
        row, column = (negative >= 0).nonzero(as_tuple=True)
        x_r, mask = projection.triple, projection.triple_mask
        for key, left, right in (("pair+", anchor, positive), ("pair-", anchor[row], negative[row, column])):
            similarity = model.pair_similarity(x_r[left], mask[left], x_r[right], mask[right])
            parts[key].append(similarity.fuse(weight).float().cpu().numpy())
        parts["text+"].append(text[anchor.cpu().numpy()])
        parts["text-"].append(text[torch.unique(negative[row, column]).cpu().numpy()])
    model.train(was_training)
    parts = {name: [x for process in from_all(found) for x in process] for name, found in parts.items()}
    text_auc, anchor_auc = (_auc(parts[f"{name}+"], parts[f"{name}-"]) for name in ("text", "pair"))
    return {"text_auc": text_auc, "anchor_auc": anchor_auc, "mean_auc": (text_auc + anchor_auc) / 2}


def _auc(right: list[np.ndarray[Any, Any]], wrong: list[np.ndarray[Any, Any]]) -> float:
    positive, negative = np.concatenate(right), np.concatenate(wrong)
    labels = np.concatenate([np.ones(len(positive), bool), np.zeros(len(negative), bool)])
    return float(roc_auc(labels, np.concatenate([positive, negative])))


def _arguments(training: TrainingSettings, output: Path, examples: int) -> TrainingArguments:
    accumulated = training.gradient_accumulation_steps
    metric = f"eval_{training.chosen_by}"
    return watched_arguments(training, output, examples, metric, accumulated=accumulated, logs=10)
