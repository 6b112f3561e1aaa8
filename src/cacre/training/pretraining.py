"""Pre-train a small character encoder on running text: masked language modelling, then finding replaced tokens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed

from cacre.config import EncoderSettings
from cacre.errors import DataError
from cacre.files import atomic_writer
from cacre.modeling.masked_lm import MaskedLanguageModel, load_head, save_head
from cacre.modeling.pretrained import build_encoder, load_encoder, load_encoder_tokenizer, save_encoder
from cacre.modeling.replaced_tokens import ReplacedTokenDetector
from cacre.preprocessing.tokenizer import CLS, MASK, SEP, SPECIAL_TOKENS, build_character_tokenizer
from cacre.training.checkpoints import claim_folder, last_checkpoint
from cacre.training.optimisation import EachEpoch, on_one_gpu
from cacre.training.parallel import needs_cpu
from cacre.training.progress import ProgressLines


@dataclass(frozen=True)
class PretrainingSettings:
    """How to pre-train.

    Args:
        block_length: Tokens per block, `[CLS]` and `[SEP]` included.
        batch_size: Blocks per step.
        epochs: Passes over the text.
        learning_rate: Peak of the linear schedule.
        mask_fraction: Part of the characters to predict.
        mean_span: Mean length of a masked run of characters; Chinese words are one or two characters long.
        save_steps: Steps between checkpoints.
        seed: Of weights, order and masks.
        bf16: Compute in bfloat16 where it is safe (autocast); the weights stay in float32.
        loader_workers: Processes that mask the next blocks meanwhile; a GPU would wait for one. Changes no result.
    """

    block_length: int = 160
    batch_size: int = 12
    epochs: float = 1.0
    learning_rate: float = 1e-3
    mask_fraction: float = 0.15
    mean_span: float = 1.5
    save_steps: int = 500
    seed: int = 13
    bf16: bool = False
    loader_workers: int = 0


def read_lines(paths: Sequence[Path], keep: dict[str, float]) -> Iterator[str]:
    """Lines of text files; of a file whose stem is in `keep`, only that fraction, evenly spread."""
    for path in paths:
        fraction, owed = keep.get(path.stem, 1.0), 0.0
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                owed += fraction
                if owed >= 1.0:
                    owed -= 1.0
                    yield line.strip()


class Blocks(Dataset[dict[str, Tensor]]):
    """Running text packed into blocks of equal length, masked afresh in each epoch.

    The masks are a function of (seed, epoch, block), so that a resumed run masks as an uninterrupted one.
    """

    def __init__(self, lines: Sequence[str], tokenizer: Tokenizer, settings: PretrainingSettings) -> None:
        self.settings, self.epoch = settings, 0
        self.mask_id = tokenizer.token_to_id(MASK)
        self.vocab_size = tokenizer.get_vocab_size()
        cls, sep = (int(tokenizer.token_to_id(token) or 0) for token in (CLS, SEP))
        ids: list[int] = []
        for start in range(0, len(lines), 1000):
            for encoding in tokenizer.encode_batch(list(lines[start : start + 1000]), add_special_tokens=False):
                ids.extend([*encoding.ids, sep])
        body = settings.block_length - 1
        count = len(ids) // body
        if count == 0:
            raise DataError(f"{len(ids)} characters of text are not enough for one block of {body}")
        self.blocks: NDArray[np.int32] = np.full((count, settings.block_length), cls, np.int32)
        self.blocks[:, 1:] = np.asarray(ids[: count * body], np.int32).reshape(count, body)

    def set_epoch(self, epoch: int) -> None:
        """Mask for this epoch from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.settings.seed, self.epoch, index])
        ids = self.blocks[index].astype(np.int64)
        chosen = mask_spans(len(ids), self.settings.mask_fraction, self.settings.mean_span, rng)
        chosen &= ids >= len(SPECIAL_TOKENS)
        labels = np.where(chosen, ids, -100)
        draw = rng.random(len(ids))
        ids[chosen & (draw < 0.8)] = self.mask_id
        swap = chosen & (draw >= 0.9)
        ids[swap] = rng.integers(len(SPECIAL_TOKENS), self.vocab_size, int(swap.sum()))
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.ones(len(ids), dtype=torch.int64),
            "labels": torch.from_numpy(labels),
        }


def mask_spans(length: int, fraction: float, mean_span: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose runs of positions, geometric in length, that cover at least `fraction` of `length`, and one position."""
    chosen = np.zeros(length, bool)
    target = min(length, max(1, round(length * fraction)))
    while chosen.sum() < target:
        start = int(rng.integers(length))
        chosen[start : start + int(rng.geometric(1.0 / mean_span))] = True
    return chosen


def pretrain(
    lines: Sequence[str],
    output: Path,
    encoder_settings: EncoderSettings,
    settings: PretrainingSettings | None = None,
    tokenizer: Tokenizer | None = None,
    generator: Path | None = None,
) -> None:
    """Pre-train an encoder and write it with its tokenizer to `output`; an interrupted run is taken up again.

    Without `generator` by masked language modelling. With it, by finding the characters that the masked language model
    in that folder has put in; the encoder starts as that model's.

    Args:
        lines: Running text.
        output: Folder of the encoder; checkpoints go to `output/checkpoints`.
        encoder_settings: Sizes of the encoder; with a generator only its dropout counts.
        settings: How to train.
        tokenizer: Made from `lines` when not given; a generator brings its own.
        generator: Folder of an encoder that was pre-trained here by masked language modelling.

    Raises:
        DataError: There is not enough text for a block.
        ConfigError: The folder holds a run with other settings or other text.
        ModelError: The generator's folder lacks a part.
    """
    settings = settings or PretrainingSettings()
    if generator is not None:
        encoder_settings = encoder_settings.model_copy(update={"name_or_path": str(generator)})
        tokenizer = load_encoder_tokenizer(str(generator))
    tokenizer = tokenizer or build_character_tokenizer(lines)
    set_seed(settings.seed)
    dataset = Blocks(lines, tokenizer, settings)
    text = hashlib.sha256(dataset.blocks.tobytes()).hexdigest()[:16]
    # Not how it is computed: a run may go on on another machine.
    learnt_by = {name: value for name, value in asdict(settings).items() if name not in ("bf16", "loader_workers")}
    claim_folder(output, {"encoder": encoder_settings.model_dump(mode="json"), **learnt_by, "text": text})
    model: MaskedLanguageModel | ReplacedTokenDetector
    if generator is None:
        encoder = build_encoder(encoder_settings, tokenizer.get_vocab_size())
        model = MaskedLanguageModel(encoder)
    else:
        encoder, filler = load_encoder(encoder_settings), MaskedLanguageModel(load_encoder(encoder_settings))
        load_head(filler, generator)
        model = ReplacedTokenDetector(encoder, filler)
    callbacks = [ProgressLines(), EachEpoch(dataset.set_epoch)]
    trainer = Trainer(
        model=model,
        args=_arguments(output, settings),
        train_dataset=dataset,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)  # it writes to stdout, where data goes
    trainer.train(resume_from_checkpoint=last_checkpoint(output / "checkpoints"))
    save_encoder(encoder, output)
    if isinstance(model, MaskedLanguageModel):
        save_head(model, output)
    tokenizer.save(str(output / "tokenizer.json"))
    with atomic_writer(output / "pretraining.json") as stream:
        json.dump({"characters": sum(map(len, lines)), "log": trainer.state.log_history}, stream, ensure_ascii=False)


def _arguments(output: Path, settings: PretrainingSettings) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(output / "checkpoints"),
        per_device_train_batch_size=settings.batch_size,
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=0.01,
        adam_beta2=0.98,
        warmup_steps=0.03,
        lr_scheduler_type="linear",
        logging_steps=min(100, settings.save_steps),
        save_steps=settings.save_steps,
        save_total_limit=2,
        seed=settings.seed,
        bf16=settings.bf16,
        use_cpu=needs_cpu(),  # bf16 on a CPU asks for it
        report_to=[],
        # Not persistent: they are told the epoch when they start, and a new start draws as many random numbers as none.
        dataloader_num_workers=settings.loader_workers,
        dataloader_pin_memory=False,
        disable_tqdm=True,
    )
    return on_one_gpu(arguments)
