import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file
from train_calls import changed_by, invoke, train_again
from typer.testing import CliRunner

import tiny_corpus
from cacre.cli import app
from cacre.types import Example

# One layer less, which exports faster; no pattern head, which is as large here as ever (tests/training/test_heads.py).
SETS = [
    "encoder.architecture=bert", "encoder.hidden_size=16", "encoder.num_layers=1", "encoder.num_heads=2",
    "encoder.intermediate_size=32", "encoder.max_positions=128", "model.pair_width=12", "model.attention_heads=2",
    "model.projection_size=8", "model.max_text_length=64", "model.max_triple_length=32", "training.learning_rate=0.003",
    "training.encoder_learning_rate=3e-3", "training.batch_size=8", "training.epochs=4", "training.warmup_ratio=0",
    "model.pattern_head=0", "model.reader_layers=1",
]  # fmt: skip


def error_of(*arguments):
    """The one line that a failing command writes."""
    result = invoke(*arguments)
    assert result.exit_code == 1, result.output
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.fixture
def data(tmp_path):
    return tiny_corpus.write_rows(tmp_path / "films.jsonl", tiny_corpus.films(6))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder that has learned from what `data` holds. Copy it to change it."""
    folder = tmp_path_factory.mktemp("trained")
    rows = tiny_corpus.write_rows(folder / "films.jsonl", tiny_corpus.films(6))
    sets = [part for entry in (*SETS, "loss.temperature=0.1") for part in ("--set", entry)]
    assert invoke("train", rows, "-o", folder / "start", "--dev", rows, *sets).exit_code == 0
    return folder / "start"


@pytest.fixture
def its_graphs(trained, monkeypatch):
    """Folders get the graphs of `trained` for their own, since exporting takes long, where none of it matters."""

    def copy(folder, *_):
        for graph in trained.glob("*.onnx"):
            shutil.copyfile(graph, folder / graph.name)

    return lambda: monkeypatch.setattr("cacre.cli.finishing.export_onnx", copy)


@pytest.fixture
def no_training(monkeypatch):
    import cacre.training

    def refuse(*arguments):
        raise AssertionError("it trained")

    monkeypatch.setattr(cacre.training, "train", refuse)


def test_an_unknown_setting(data, tmp_path, no_training):
    error = error_of("train", data, "-o", tmp_path / "out", "--set", "training.epoch=3")
    assert "training.epoch: Extra inputs are not permitted" in error


def test_an_unknown_table(data, tmp_path, no_training):
    assert "trainig: Extra inputs are not permitted" in error_of(
        "train", data, "-o", tmp_path / "out", "--set", "trainig.epochs=3"
    )


def test_a_value_that_is_not_allowed(data, tmp_path, no_training):
    error = error_of("train", data, "-o", tmp_path / "out", "--set", "loss.negatives=all")
    assert "loss.negatives: Input should be 'own', 'cross_text' or 'pooled'" in error


@pytest.mark.parametrize("entry", ["epochs=3", "training.epochs", "training.=3", ".epochs=3"])
def test_a_setting_of_another_form(data, tmp_path, no_training, entry):
    assert "--set takes table.key=value, such as training.epochs=3" in error_of(
        "train", data, "-o", tmp_path / "out", "--set", entry
    )


def test_settings_reach_the_training(data, tmp_path, monkeypatch):
    import cacre.training

    class Seen(Exception):
        pass

    def record(examples, output, settings, schema, dev, extracted, start, domains):
        assert (settings.training.epochs, settings.loss.negatives, settings.model.role_embedding) == (3, "own", False)
        assert settings.encoder.name_or_path == "./folder"
        assert (len(examples), schema.name, dev, start, domains) == (2, "duie", None, None, [])
        assert extracted == {"甲是乙。": (("甲", "妻子", "乙"),)}
        raise Seen

    monkeypatch.setattr(cacre.training, "train", record)
    found = tmp_path / "found.jsonl"
    triple = {"subject": "甲", "predicate": "妻子", "object": "乙"}
    found.write_text(json.dumps({"text": "甲是乙。", "triples": [triple]}), encoding="utf-8")
    sets = ["training.epochs=3", "loss.negatives=own", "model.role_embedding=false", "encoder.name_or_path=./folder"]
    arguments = ["train", str(data), "-o", str(tmp_path / "out"), "--limit", "2", "--extracted", str(found)]
    result = CliRunner().invoke(app, arguments + [a for s in sets for a in ("--set", s)])
    assert isinstance(result.exception, Seen)


def test_a_network_of_ones_own_beside_that_of_the_start(data, tmp_path, no_training):
    arguments = ("train", data, "-o", tmp_path / "out", "--from", "mini-zh")
    error = error_of(*arguments, "--set", "training.epochs=2", "--set", "model.reader_layers=3")
    assert "--set model.reader_layers: with --from, the network is that of the model it goes on from" in error
    assert "--set encoder.name_or_path: with --from" in error_of(*arguments, "--set", "encoder.name_or_path=x")
    assert "mini-en: no such folder" in error_of("train", data, "-o", tmp_path / "out", "--from", "mini-en")
    assert "model.pattern_head: Input should be greater than" in error_of(*arguments, "--set", "model.pattern_head=-1")


def test_heads_of_ones_own_beside_the_reader_of_the_start(data, tmp_path, monkeypatch):
    import cacre.training

    class Seen(Exception):
        pass

    def record(examples, output, settings, schema, dev, extracted, start, domains):
        heads = [(s.model.evidence_head, s.model.pattern_head) for s in (settings, start.settings)]
        assert heads == [(0.0, 0.2)] * 2
        assert start.model.reader.evidence_head is None and start.model.reader.pattern_head.weight == 0.2
        raise Seen

    monkeypatch.setattr(cacre.training, "train", record)
    arguments = ["train", str(data), "-o", str(tmp_path / "out"), "--from", "mini-zh"]
    sets = ["--set", "model.evidence_head=0", "--set", "model.pattern_head=0.2"]
    result = CliRunner().invoke(app, arguments + sets)
    assert isinstance(result.exception, Seen)


@pytest.mark.parametrize(
    ("config", "sets", "temperature", "top_k"),
    [
        ("[training]\nepochs = 2\n", [], None, None),
        ("[loss]\ntemperature = 0.3\ntop_k = 0.4\n", ["--set", "loss.top_k=0.6"], 0.3, 0.6),
    ],
)
def test_the_loss_of_the_start_save_what_is_written_down(data, tmp_path, monkeypatch, config, sets, temperature, top_k):
    import cacre.training

    seen = []
    monkeypatch.setattr(cacre.training, "train", lambda *arguments: seen.append(arguments) or sys.exit(7))
    path = tmp_path / "on.toml"
    path.write_text(config, encoding="utf-8")
    assert invoke("train", data, "-o", tmp_path / "out", "--from", "mini-zh", "--config", path, *sets).exit_code == 7
    settings, start = seen[0][2], seen[0][6]
    own = start.settings.loss
    assert own.bce_weight > 0, "what tells it from the defaults"
    changed = {"temperature": temperature or own.temperature, "top_k": top_k or own.top_k}
    assert settings.loss == own.model_copy(update=changed)


def test_dev_rows_that_are_training_rows_too(data, tmp_path, monkeypatch):
    import cacre.training

    monkeypatch.setattr(cacre.training, "train", lambda *arguments: sys.exit(7))
    shared = tiny_corpus.films(6)[:1]
    both = tiny_corpus.write_rows(tmp_path / "both.jsonl", [*shared, replace(tiny_corpus.films(7)[6], id="own")])
    other = tiny_corpus.write_rows(tmp_path / "other.jsonl", tiny_corpus.films(7)[6:])
    said = invoke("train", data, "-o", tmp_path / "out", "--dev", both).stderr
    assert said.startswith("warning: DATA and --dev share 1 texts and 2 pairs of names: ")
    assert said.count("\n") == 1
    assert invoke("train", data, "-o", tmp_path / "out", "--dev", other).stderr == ""


def test_a_loss_that_is_no_table(data, tmp_path, no_training):
    path = tmp_path / "on.toml"
    path.write_text("loss = 3\n", encoding="utf-8")
    arguments = ("train", data, "-o", tmp_path / "out", "--config", path)
    assert "loss = 3 is no table: write [loss]" in error_of(*arguments, "--from", "mini-zh")
    assert "loss: Input should be" in error_of(*arguments)


def test_a_warm_up_of_all_steps(data, tmp_path, no_training):
    """The Trainer takes 1 for one step."""
    error = error_of("train", data, "-o", tmp_path / "out", "--set", "training.warmup_ratio=1")
    assert "training.warmup_ratio: Input should be less than 1" in error


@pytest.mark.slow
def test_going_on_from_a_folder_that_only_serves(data, trained, its_graphs, tmp_path):
    """The encoder of a frozen one stays as it is, the rest learns, and the schema is that of the start."""
    start, folder = tmp_path / "start", tmp_path / "on"
    shutil.copytree(trained, start)
    shutil.move(start / "model.safetensors", tmp_path / "trained.safetensors")
    config = tmp_path / "frozen.toml"
    config.write_text("[encoder]\nfrozen = true\nhidden_size = 999\n[loss]\ntemperature = 0.1\n", encoding="utf-8")
    on = ("training.batch_size=2", "training.epochs=2", "loss.negatives=own")
    rates = [*(part for entry in on for part in ("--set", entry)), "--config", config]
    result = invoke("train", data, "-o", folder, "--dev", data, "--from", start, *rates)
    assert result.exit_code == 0, result.output
    before = json.loads((start / "metrics.json").read_text(encoding="utf-8"))["dev"]
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["dev_of_start"]["text_auc"] == pytest.approx(before["text_auc"], abs=1e-6)
    assert f"(before: {before['text_auc']:.3f}, " in result.stderr
    one, other = load_file(tmp_path / "trained.safetensors"), load_file(folder / "model.safetensors")
    changed = {name for name in one if np.abs(one[name] - other[name]).max() > 1e-7}
    assert {name for name in changed if name.startswith("cross_attention.")}
    assert not {name for name in changed if name.startswith("encoder.")}
    its_graphs()
    only = ("--set", "training.start_weight=0")  # and by the preset: the loss is then that of the start
    rates = [*(part for entry in on for part in ("--set", entry)), "--set", "encoder.frozen=true"]
    assert invoke("train", data, "-o", tmp_path / "only", "--dev", data, "--from", start, *rates, *only).exit_code == 0
    learnt = load_file(tmp_path / "only" / "model.safetensors")
    for name in changed:
        if name.startswith("cross_attention."):
            np.testing.assert_allclose(other[name], (one[name] + learnt[name]) / 2, atol=1e-5)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))["settings"]
    assert (settings["model"]["pair_width"], settings["loss"]["negatives"]) == (12, "own")
    assert (settings["encoder"]["frozen"], settings["encoder"]["hidden_size"]) == (True, 16)
    by_preset = json.loads((tmp_path / "only" / "config.json").read_text(encoding="utf-8"))["settings"]
    assert by_preset["loss"]["temperature"] == 0.1, "what the start was trained by, unless said otherwise"
    again = invoke("train", data, "-o", folder, "--dev", data, "--from", folder, *rates)
    assert again.exit_code == 1, again.output
    assert "start was" in again.stderr


def test_domains_are_learned_from_and_give_thresholds_for_new_relations(data, trained, its_graphs, tmp_path):
    its_graphs()
    stations = [
        {"name": "起点站", "subject_type": "线路", "object_type": "车站", "near_misses": ["终点站"]},
        {"name": "终点站", "subject_type": "线路", "object_type": "车站"},
    ]
    for kind, name in (("train", "buses"), ("dev", "railways")):
        folder = tmp_path / kind / name
        folder.mkdir(parents=True)
        (folder / "schema.json").write_text(json.dumps({"name": name, "relations": stations}), encoding="utf-8")
        lines = [(f"{c}线", "起点站", f"{c}州站") for c in {"train": "甲乙丙丁", "dev": "戊己庚辛"}[kind]]
        tiny_corpus.write_rows(
            folder / "rows.jsonl",
            [
                Example(f"{s}自{o}起，止于雾城站。", ((s, p, o),), ((s, "始发", o),), ((s, p, "雾城站"),), id=s)
                for s, p, o in lines
            ],
        )
    output = tmp_path / "out"
    arguments = ["train", data, "-o", output, "--dev", data, "--from", trained, "--domains", tmp_path / "train"]
    arguments += ["--set", "training.epochs=1"]
    result = invoke(*arguments, "--dev-domains", tmp_path / "dev")
    assert result.exit_code == 0, result.output
    metrics = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["train"]["texts"] == 6 + 4
    assert [r["name"] for r in json.loads((output / "schema.json").read_text(encoding="utf-8"))["relations"]].count(
        "起点站"
    ) == 0
    new = json.loads((output / "thresholds.json").read_text(encoding="utf-8"))["new_relations"]
    assert (new["fitted_on"]["data"], new["fitted_on"]["candidates"], new["fitted_on"]["true"]) == (["railways"], 8, 4)
    assert new["calibration"] is not None
    assert "\nrelations not learned: warning: only 8 labelled candidates (4 right, 4 wrong) of 4 texts" in result.stderr
    card = (output / "README.md").read_text(encoding="utf-8")
    assert "Trained on: `films.jsonl`, `train`." in card
    assert "fitted on 4 texts of other domains (railways)" in card
    mixed = invoke(*arguments[:3], tmp_path / "mixed", *arguments[4:], "--dev-domains", tmp_path / "train")
    assert mixed.stderr == "error: --dev-domains: 4 texts of buses are in --domains too: keep them apart\n"
    changed, said = changed_by(arguments, output)
    assert "thresholds.json" in changed
    assert "new_relations" not in json.loads((output / "thresholds.json").read_text(encoding="utf-8"))
    assert said[-1].endswith("thresholds and card made anew")


def test_no_such_data_preset_or_schema(data, tmp_path, no_training):
    missing = tmp_path / "none.jsonl"
    assert str(missing) in error_of("train", missing, "-o", tmp_path / "out")
    presets = "no preset (default, similarity, paper)"
    assert presets in error_of("train", data, "-o", tmp_path / "out", "--config", "papers")
    assert "none.json" in error_of("train", data, "-o", tmp_path / "out", "--schema", tmp_path / "none.json")


def test_the_same_id_twice_names_file_and_line(data, tmp_path, no_training):
    other = tiny_corpus.write_rows(tmp_path / "more.jsonl", tiny_corpus.films(1))
    error = error_of("train", data, other, "-o", tmp_path / "out")
    assert f"{other}:1" in error
    assert "film-0" in error


def test_rows_with_lists_of_unequal_length(tmp_path, no_training):
    path = tmp_path / "bad.jsonl"
    row = {"text": "甲乙", "anchors": [["甲", "导演", "乙"]], "positives": [], "negatives": []}
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert f"{path}:1: positives" in error_of("train", path, "-o", tmp_path / "out")


def test_nothing_to_learn_from(tmp_path):
    path = tiny_corpus.write_rows(tmp_path / "bare.jsonl", [Example("甲", (), (), (), id="1")])
    dev = tiny_corpus.write_rows(tmp_path / "dev.jsonl", [Example("乙", (), (), (), id="2")])
    error = error_of("train", path, "-o", tmp_path / "out", "--dev", dev)
    assert "none of the 1 train examples" in error


@pytest.mark.slow
def test_from_rows_to_verdicts(tmp_path):
    """train, train again, calibrate, filter, all with the folder that train made."""
    data = tiny_corpus.write_rows(tmp_path / "films.jsonl", tiny_corpus.films(60))
    with data.open("a", encoding="utf-8") as stream:  # as `generate` leaves a text of which nothing could be used
        row = {"text": "湖面起雾。", "anchors": [], "positives": [], "negatives": []}
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    folder = tmp_path / "model"
    arguments = ["train", data, "-o", folder, "--precision", "float16", "--name", "films"]
    arguments += ["--max-recall-loss", "0.1"]
    arguments += [a for s in SETS for a in ("--set", s)]
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    *before, last = result.stderr.splitlines()
    size = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["dev_data"]
    assert "dev text AUC" in last
    assert f" on {size['texts']} dev texts ({size['anchors']} anchors, {size['negatives']} negatives), " in last
    assert "1 train texts skipped: without an anchor, or without any wrong triple" in before
    assert any(line.startswith("warning: only ") and f" of {size['texts']} texts: " in line for line in before)
    names = {p.name for p in folder.iterdir()}
    assert names >= {"config.json", "model.safetensors", "tokenizer.json", "schema.json", "thresholds.json"}
    assert names >= {"encoder.onnx", "pair.onnx", "compare.onnx", "metrics.json", "README.md", "run.json"}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    assert "# films" in card
    assert "`films.jsonl`" in card
    assert str(tmp_path) not in card
    fitted = json.loads((folder / "thresholds.json").read_text(encoding="utf-8"))
    assert set(fitted["pair_thresholds"]) == {"paraphrase", "schema", "siblings"}
    assert fitted["calibration"]["kind"] == "logistic"
    assert fitted["fitted_on"]["text_auc"] > 0.9
    assert fitted["fitted_on"]["max_recall_loss"] == 0.1
    assert fitted["fitted_on"]["recall"] >= 0.9

    test = tiny_corpus.write_rows(tmp_path / "test.jsonl", tiny_corpus.films(20, seed=8))
    result = invoke("calibrate", test, "--model", folder, "--target-precision", "0.8", "--threads", "1")
    assert result.exit_code == 0, result.output
    again = json.loads((folder / "thresholds.json").read_text(encoding="utf-8"))
    assert again["fitted_on"]["data"] == "test.jsonl"
    assert again["fitted_on"]["precision"] >= 0.8
    train_again(arguments, folder)

    rows = [
        {"id": e.id, "text": e.text, "triples": [dict(zip(("subject", "predicate", "object"), t, strict=True))
                                                 for t in (*e.anchors, *e.negatives)]}
        for e in tiny_corpus.films(20, seed=9)
    ]  # fmt: skip
    candidates = tmp_path / "candidates.jsonl"
    candidates.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    judged = tmp_path / "all.jsonl"
    result = invoke("filter", candidates, "-o", tmp_path / "kept.jsonl", "--all", judged, "--model", folder)
    assert result.exit_code == 0, result.output
    verdicts = [
        t["verdict"] for line in judged.read_text(encoding="utf-8").splitlines() for t in json.loads(line)["triples"]
    ]
    right = [v == "supported" for i, v in enumerate(verdicts) if i % 4 < 2]
    wrong = [v == "supported" for i, v in enumerate(verdicts) if i % 4 >= 2]
    assert len(right) == len(wrong) == 40
    assert sum(right) / 40 > 0.6 > 0.4 > sum(wrong) / 40
