"""`cacre batch-extract` and `cacre batch-generate` before Ray comes in: usage, what goes together, the dry run."""

import pytest
from candidate_files import invoke, write_jsonl
from llm_workers import text_rows

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own, when it is imported
WORDS = ("--base-url", "http://127.0.0.1:9/v1", "--llm", "m")


@pytest.fixture
def source(tmp_path):
    return write_jsonl(tmp_path / "in.jsonl", text_rows(5))


@pytest.mark.parametrize(("many", "one"), [("batch-extract", "extract"), ("batch-generate", "generate")])
def test_a_dry_run_says_what_that_of_one_process_says_and_leaves_nothing_behind(many, one, source, tmp_path):
    words = (*WORDS, "--dry-run", "--price-prompt", 2, "--price-completion", 8, "--window", 60, "--overlap", 5)
    result = invoke(many, source, tmp_path / "out", *words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == invoke(one, source, *words).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("batch-extract", "in.jsonl", *WORDS), 2, "give one or more inputs"),
        (("batch-extract", "in.jsonl", "out", "--provider", "ollama"), 1, "name one with --llm"),
        (("batch-extract", "in.jsonl", "out", *WORDS, "--max-cost", 1), 1, "--price-prompt"),
        (("batch-extract", "in.jsonl", "out", *WORDS, "--price-prompt", 1), 1, "without --price-completion"),
        (("batch-generate", "in.jsonl", "out", *WORDS, "--price-completion", 1), 1, "without --price-prompt"),
        (("batch-extract", "in.jsonl", "out", *WORDS, "--max-rounds", 2), 1, "only with --method multi-agent"),
        (("batch-generate", "in.jsonl", "out", *WORDS, "--gleanings", 1), 1, "use 0"),
        (("batch-extract", "in.jsonl", "out", *WORDS, "--offline"), 1, "answers.sqlite: no such cache, and --offline"),
        (("batch-extract", "in.jsonl", "out", "--provider", "deepseek"), 1, "DEEPSEEK_API_KEY"),
    ],
)
def test_what_cannot_go_well_is_said_before_anything_starts(words, code, said, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CACRE_API_KEY", "DEEPSEEK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    result = invoke(*words)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
