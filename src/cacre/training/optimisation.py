"""What every training that watches a dev set shares: its optimiser, its schedule and checkpoints, its epochs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import AdamW
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from cacre.config import OptimisationSettings
from cacre.training.parallel import needs_cpu


def make_optimizer(model: nn.Module, settings: OptimisationSettings) -> AdamW:
    """AdamW with one learning rate for the encoder and one for the rest (A16 c), no decay on biases and norms.

    Args:
        model: What is trained, its encoder as `encoder`; parameters that need no gradient are left out.
        settings: Rates and decay.
    """
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((".encoder." in f".{name}", parameter.ndim > 1), []).append(parameter)
    return AdamW(
        [
            {
                "params": parameters,
                "lr": settings.encoder_learning_rate if of_encoder else settings.learning_rate,
                "weight_decay": settings.weight_decay if decay else 0.0,
            }
            for (of_encoder, decay), parameters in sorted(groups.items(), key=lambda item: item[0])
        ]
    )


def watched_arguments(
    settings: OptimisationSettings, output: Path, examples: int, metric: str, *, accumulated: int = 1, logs: int
) -> TrainingArguments:
    """The Trainer's arguments for a run that measures itself on dev and keeps its best checkpoint.

    Args:
        settings: The optimiser and the schedule.
        output: Checkpoints go to `output/checkpoints`.
        examples: How many there are to train on.
        metric: What a checkpoint is chosen by, as `evaluate` logs it; more is better.
        accumulated: Batches whose gradients add up to a step.
        logs: Lines of progress between two evaluations.
    """
    steps_per_epoch = max(1, -(-examples // (settings.batch_size * accumulated)))
    interval = max(1, steps_per_epoch // settings.evaluations_per_epoch)
    arguments = TrainingArguments(
        output_dir=str((output / "checkpoints").resolve()),  # the best checkpoint is remembered by this path
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=accumulated,
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        warmup_steps=settings.warmup_ratio,
        lr_scheduler_type="linear",
        bf16=settings.bf16,
        use_cpu=needs_cpu(),  # bf16 on a CPU asks for it
        ddp_find_unused_parameters=False,  # each step needs all
        average_tokens_across_devices=True,  # a loss is divided by the count of all processes: undo DDP's mean
        disable_tqdm=True,
        seed=settings.seed,
        eval_strategy=IntervalStrategy.STEPS,
        eval_steps=interval,
        save_strategy=SaveStrategy.STEPS,
        save_steps=interval,
        save_total_limit=2,
        # Else a resumed run would forget for how long nothing got better, and train longer than an uninterrupted one.
        restore_callback_states_from_checkpoint=True,
        load_best_model_at_end=True,
        metric_for_best_model=metric,
        greater_is_better=True,
        logging_steps=max(1, interval // logs),
        report_to=[],
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        dataloader_num_workers=settings.loader_workers,
        label_names=[],
    )
    return on_one_gpu(arguments)


def on_one_gpu(arguments: TrainingArguments) -> TrainingArguments:
    """The arguments, with which a process takes one of several GPUs, as the networks here need it.

    DataParallel would cut every tensor of a batch in the same way, copy what is no tensor, and enlarge the batch.
    """
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


class EachEpoch(TrainerCallback):
    """Tells something which epoch it is before its first item is taken; nobody else does for a plain loader.

    Args:
        tell: Takes the number of the epoch, from 0.
    """

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.tell = tell

    def on_epoch_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (what the Trainer passes to every callback)
    ) -> None:
        """Tell it."""
        self.tell(int(state.epoch or 0))
