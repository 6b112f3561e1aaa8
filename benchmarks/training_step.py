"""What a training step costs on the device at hand: `python benchmarks/training_step.py [--layers 6 --width 256]`.

Steps of both pre-trainings (random characters, blocks of 160, bfloat16 on a GPU) and of the bundled verifier's recipe
(batches of 32 texts of `corpus/seed`), each after some that do not count. Milliseconds a step; on a GPU also for how
many of them it was busy, and with how many kernels: where that is far below the step, Python is what it waits for.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cacre.config import EncoderSettings, Settings, parse_settings
from cacre.data import load_examples
from cacre.modeling.folder import LoadedModel
from cacre.modeling.masked_lm import MaskedLanguageModel
from cacre.modeling.model import Cacre
from cacre.modeling.pretrained import build_encoder
from cacre.modeling.replaced_tokens import ReplacedTokenDetector
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.schema import load_schema
from cacre.training.batches import Batch, Collator
from cacre.training.features import featurize
from cacre.training.objective import Criterion

BLOCK, MASKED, TEXTS = 160, 0.15, 32


def verifier_batches(sizes: EncoderSettings, count: int) -> tuple[Settings, int, list[Batch]]:
    """The recipe's settings, the size of the vocabulary, and some batches."""
    settings = parse_settings(
        {
            "encoder": sizes.model_dump(),
            "model": {
                "reader_layers": 2,
                "evidence_layers": 0,
                "second_hop": "none",
                "triple_encoding": "parts",
                "triple_gradient": False,
            },
            "loss": {"bce_weight": 1.0},
        },
        "training_step",
    )
    schema = load_schema("open")
    examples = load_examples([Path("corpus/seed")], schema=schema)[: count * TEXTS]
    tokenizer = build_character_tokenizer([e.text for e in examples])
    vocabulary = tokenizer.get_vocab_size()
    model = Cacre(
        build_encoder(sizes, vocabulary), settings.model, marks=Featurizer.mark_count, values=Featurizer.value_count
    )
    featurizer = LoadedModel(model, tokenizer, schema, settings).featurizer
    found = featurize(examples, featurizer, schema, generated=1, paraphrase=True, seed=13).examples
    collate = Collator(featurizer, settings.model, settings.loss)
    return settings, vocabulary, [collate(found[i : i + TEXTS]) for i in range(0, len(found), TEXTS)]


def stepper(model: nn.Module, batches: Iterator[Any], device: torch.device, *, half: bool) -> Callable[[], None]:
    """A function that makes one step of AdamW."""
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            loss: Tensor = model(**next(batches))["loss"]
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def measure(name: str, step: Callable[[], None], device: torch.device, steps: int) -> None:
    """Print a line of the table."""
    wait: Callable[[], None] = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
    for _ in range(3):
        step()
    wait()
    started = time.perf_counter()
    for _ in range(steps):
        step()
    wait()
    elapsed = 1000 * (time.perf_counter() - started) / steps
    busy, kernels = "", ""
    if device.type == "cuda":
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            step()
            wait()
        events = profile.key_averages()
        busy = f"{sum(event.self_device_time_total for event in events) / 1000:.1f}"
        kernels = f"{sum(event.count for event in events)}"
    print(f"| {name} | {elapsed:.1f} | {busy} | {kernels} |", flush=True)


def masked_blocks(vocabulary: int, blocks: int, device: torch.device) -> dict[str, Tensor]:
    """Random characters, some of them to be predicted."""
    ids = torch.randint(10, vocabulary, (blocks, BLOCK), device=device)
    labels = torch.where(torch.rand(ids.shape, device=device) < MASKED, ids, -100)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}


def forever(values: list[Any]) -> Iterator[Any]:
    """One after the other, again and again."""
    while True:
        yield from values


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--blocks", type=int, default=12, help="blocks of a pre-training step")
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    half = device.type == "cuda"
    sizes = EncoderSettings(
        hidden_size=arguments.width,
        num_layers=arguments.layers,
        num_heads=arguments.width // 32,
        intermediate_size=2 * arguments.width,
        dropout=0.0,
    )
    settings, vocabulary, batches = verifier_batches(sizes, 4)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    print(f"torch {torch.__version__}, {where}; {arguments.layers} layers of width {arguments.width}\n")
    print("| step | ms | GPU busy, ms | kernels |\n|---|---|---|---|")
    blocks = masked_blocks(vocabulary, arguments.blocks, device)
    filler = MaskedLanguageModel(build_encoder(sizes, vocabulary)).to(device)
    detector = ReplacedTokenDetector(
        build_encoder(sizes, vocabulary), MaskedLanguageModel(build_encoder(sizes, vocabulary))
    )
    for name, model in (("masked language model", filler), ("replaced tokens", detector.to(device))):
        step = stepper(model.train(), forever([blocks]), device, half=half)
        measure(f"{name}, {arguments.blocks} blocks of {BLOCK}", step, device, arguments.steps)
    network = Cacre(
        build_encoder(sizes, vocabulary), settings.model, marks=Featurizer.mark_count, values=Featurizer.value_count
    )
    criterion = Criterion(network, settings.loss).to(device).train()
    moved = [{name: tensor.to(device) for name, tensor in batch.items()} for batch in batches]
    measure(f"verifier, {TEXTS} texts", stepper(criterion, forever(moved), device, half=False), device, arguments.steps)


if __name__ == "__main__":
    main()
