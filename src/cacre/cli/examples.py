"""Examples for `--help`, a few lines a command; a test parses each, and docs/cli.md shows them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "demo": ("cacre demo", "cacre demo -o demo-output --model runs/mine"),
    "extract": (
        "cacre extract texts.jsonl -o candidates.jsonl --provider deepseek --dry-run",
        "cacre extract texts.jsonl -o candidates.jsonl --base-url http://localhost:8000/v1 --llm my-model",
        "cacre extract texts.jsonl -o candidates.jsonl --provider deepseek --method multi-agent --max-rounds 2",
        "cacre extract texts.jsonl -o candidates.jsonl --extractor runs/extractor",
    ),
    "generate": (
        "cacre generate texts.jsonl -o pairs.jsonl --provider deepseek --schema port.json --max-requests 1000",
    ),
    "filter": (
        "cacre filter candidates.jsonl -o kept.jsonl --rejected rejected.jsonl",
        "cat candidates.jsonl | cacre filter - --on-error skip > kept.jsonl",
    ),
    "run": (
        "cacre run texts.jsonl -o kept.jsonl --rejected rejected.jsonl --provider deepseek --dry-run",
        "cacre run texts.jsonl -o kept.jsonl --base-url http://localhost:8000/v1 --llm my-model --judge",
        "cacre run texts.jsonl -o kept.jsonl --extractor runs/extractor",
    ),
    "batch": (
        "cacre batch candidates verdicts --concurrency 8",
        "cacre batch s3://texts/2026/*.parquet s3://verdicts/2026 --format parquet --ray-address auto",
    ),
    "batch-extract": (
        "cacre batch-extract texts triples --provider deepseek --dry-run",
        "cacre batch-extract texts triples --provider deepseek --concurrency 64 --requests-per-minute 3000 --workers 4",
    ),
    "batch-generate": ("cacre batch-generate texts pairs --provider deepseek --schema open --max-requests 100000",),
    "schema": ("cacre schema", "cacre schema open --json > mine.json"),
    "graph": ("cacre graph kept.jsonl --to turtle -o graph.ttl", "cacre graph kept.jsonl --to csv -o tables"),
    "serve": (
        "cacre serve --port 8000",
        "cacre serve --model runs/mine --base-url http://localhost:8001/v1 --llm my-model",
        "cacre serve --extractor mini-zh",
    ),
    "mcp": ("cacre mcp", "cacre mcp --model runs/mine --provider deepseek --max-llm-requests 100"),
    "evaluate": (
        "cacre evaluate kept.jsonl gold.jsonl --mode strict --bootstrap 1000",
        "cacre evaluate all.jsonl labels.jsonl --scores --label-source support --json",
    ),
    "train": (
        "cacre train corpus/train corpus/more -o runs/mine --schema open --set encoder.name_or_path=corpus/encoder",
        "cacre train pairs.jsonl -o runs/port --schema port.json --dev dev.jsonl",
        "cacre train pairs.jsonl -o runs/port --from mini-zh --set training.epochs=3",
    ),
    "train-extractor": (
        "cacre train-extractor electra-joint train.jsonl -o runs/extractor --dev dev.jsonl --encoder encoder-folder",
        "cacre train-extractor casrel-blcf corpus/train -o runs/casrel --schema open --set system.lstm_size=256",
    ),
    "report": ("cacre report all.jsonl -o report --labels labels.jsonl --label-source support --language zh",),
    "reproduce": (
        "cacre reproduce table3 --data data -o tables.md",
        "cacre reproduce table3 --data data --model mini-zh",
        "cacre reproduce all --data data --experiment mine.toml --figures figures",
    ),
    "calibrate": (
        "cacre calibrate dev.jsonl --model runs/mine --target-precision 0.9",
        "cacre calibrate labelled.jsonl --model mini-zh -o ours --labels support --guarantee-precision 0.8",
        "cacre calibrate labelled.jsonl --model mini-zh -o ours --schema mine.json",
    ),
    "export-model": ("cacre export-model runs/mine --precision float16",),
    "pretrain": ("cacre pretrain texts -o runs/encoder --epochs 3",),
}


def epilog_of(command: str) -> str:
    """What `--help` of a command ends with; blank lines keep Typer from joining the examples."""
    examples = EXAMPLES[command]
    return "\n\n".join(("Example:" if len(examples) == 1 else "Examples:", *examples))
