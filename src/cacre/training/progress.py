"""Progress of a run on stderr (stdout is for data): a bar on a terminal, a line at a time elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_SHOWN = ("loss", "eval_text_auc", "eval_anchor_auc", "eval_mean_auc", "eval_f1")


class ProgressLines(TrainerCallback):
    """Shows the latest loss and what is measured on dev.

    On a terminal they stand beside a bar; elsewhere (a log file) each change is a line such as
    `step 120/400  loss 0.4312`.
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._latest: dict[str, float] = {}

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (what the Trainer passes to every callback)
    ) -> None:
        """Open the bar, if there is a terminal."""
        if not sys.stderr.isatty():
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        times = (TimeElapsedColumn(), TimeRemainingColumn())
        # Left alone, rich would take over stdout as well.
        self._bar = Progress(*columns, *times, console=Console(stderr=True), redirect_stdout=False)
        self._bar.start()
        self._bar.add_task("train", total=state.max_steps, completed=state.global_step)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Advance the bar."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Show the new values."""
        new = {name.removeprefix("eval_"): float((logs or {})[name]) for name in _SHOWN if name in (logs or {})}
        if not new:
            return
        self._latest |= new
        if self._bar is not None:
            text = "  ".join(f"{name} {value:.4f}" for name, value in self._latest.items())
            self._bar.update(self._bar.task_ids[0], description=text)
            return
        values = [f"{name} {value:.4f}" for name, value in new.items()]
        sys.stderr.write("  ".join([f"step {state.global_step}/{state.max_steps}", *values]) + "\n")

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def show_pass(what: str, number: int, count: int, loss: float) -> None:
    """Say how far something has come that is learnt beside the network, as `pattern head: pass 2/8  loss 0.4312`."""
    sys.stderr.write(f"{what}: pass {number}/{count}  loss {loss:.4f}\n")
