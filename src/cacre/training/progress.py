"""Progress of a run, a line at a time on stderr: stdout is for data."""

from __future__ import annotations

import sys
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_SHOWN = ("loss", "eval_text_auc", "eval_anchor_auc", "eval_mean_auc")


class ProgressLines(TrainerCallback):
    """Writes `step 120/400  loss 0.4312` whenever the Trainer logs a loss or validation AUCs."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401  (what the Trainer passes to every callback)
    ) -> None:
        """Write a line."""
        values = [f"{name.removeprefix('eval_')} {(logs or {})[name]:.4f}" for name in _SHOWN if name in (logs or {})]
        if values:
            sys.stderr.write("  ".join([f"step {state.global_step}/{state.max_steps}", *values]) + "\n")
