"""Whatever stops a job at whatever moment, the next run loses nothing and writes nothing twice."""

import errno
import json
import os
import sys
from pathlib import Path

import pytest
from candidate_files import candidate_rows, filtered, read_jsonl, write_jsonl
from pyarrow import parquet

from cacre.batch.cluster import MAX_ATTEMPTS, UnitJob, UnitWorker, Workers, run_units
from cacre.batch.failures import raised
from cacre.batch.judging import DATASETS, UnitJudge, summary_of
from cacre.batch.ledger import Ledger
from cacre.batch.parts import UnitParts
from cacre.batch.reading import read_unit
from cacre.batch.storage import Folder
from cacre.batch.units import InputFile, list_inputs, plan_units
from cacre.errors import CacreError, ConfigError, DataError
from cacre.inference import load_verifier

OUTPUT = (*DATASETS, "_commits", "_SUCCESS")
BAD = '{"text": "", "triples": []}\n'


class Killed(BaseException):
    """Stands for a process that ends where this is raised, save that temporary files are removed."""


@pytest.fixture(scope="module")
def verifier(tiny_folder):
    return load_verifier(tiny_folder, threads=1)


@pytest.fixture
def source(tmp_path):
    path = write_jsonl(tmp_path / "in.jsonl", candidate_rows(12))
    path.write_text(path.read_text(encoding="utf-8") + BAD, encoding="utf-8")
    return path


def judge_all(verifier, source, output, format="jsonl", **options):
    """One run over all units in this process."""
    ledger, files = Ledger(Folder(str(output)), DATASETS), list_inputs([str(source)])
    with ledger.opened(files, {"model": "a", **options}):
        judge = UnitJudge(verifier, ledger, format, chunk_rows=2)
        done = ledger.all_committed()
        for unit in plan_units(files, 900):
            if unit.index not in done:
                judge.do(unit)
        return ledger.finish()


def content(output):
    """All files of the datasets and the success mark, by name."""
    files = [path.relative_to(output) for path in sorted(output.rglob("[!.]*")) if path.is_file()]
    return {str(path): (output / path).read_bytes() for path in files if path.parts[0] in OUTPUT}


def test_the_output_is_that_of_filter(verifier, source, tmp_path, tiny_folder):
    counts = judge_all(verifier, source, tmp_path / "out")
    kept, rejected, _ = filtered(candidate_rows(12), tmp_path, tiny_folder)
    assert read_jsonl(tmp_path / "out" / "kept") == kept
    assert read_jsonl(tmp_path / "out" / "rejected") == rejected
    (error,) = read_jsonl(tmp_path / "out" / "errors")
    assert (error["path"], error["field"], error["raw"]) == (str(source), "text", BAD.strip())
    assert source.read_bytes()[error["byte"] :].decode() == BAD
    assert summary_of(counts).lines()[0].startswith("12 rows, 30 triples: ")
    assert len(list((tmp_path / "out" / "kept").iterdir())) > 2


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_labels_beside_the_triples_go_with_them(verifier, tmp_path, format):
    rows = [{**row, "labels": [n % 2 for n in range(len(row["triples"]))]} for row in candidate_rows(8)]
    judge_all(verifier, write_jsonl(tmp_path / "in.jsonl", rows), tmp_path / "out", format)
    for name in ("kept", "rejected"):
        records = [
            r for unit in plan_units(list_inputs([str(tmp_path / "out" / name)]), 10**6) for r in read_unit(unit)
        ]
        assert records
        for record in records:
            (given,) = [row for row in rows if row["text"] == record.raw["text"]]
            label_of = {t["object"]: label for t, label in zip(given["triples"], given["labels"], strict=True)}
            assert record.raw["labels"] == [label_of[t["object"]] for t in record.raw["triples"]]


def test_parquet_holds_the_same_rows_and_can_be_judged_again(verifier, source, tmp_path):
    judge_all(verifier, source, tmp_path / "lines")
    judge_all(verifier, source, tmp_path / "tables", "parquet")
    schemas = {str(parquet.read_schema(path)) for path in (tmp_path / "tables").rglob("kept/*.parquet")}
    assert len(schemas) == 1
    units = plan_units(list_inputs([str(tmp_path / "tables" / "kept")]), 10_000_000)
    rows = [record.raw for unit in units for record in read_unit(unit)]
    lines = read_jsonl(tmp_path / "lines" / "kept")
    assert rows == [without_null_scores(row) for row in lines]


def without_null_scores(row):
    return {**row, "triples": [{k: v for k, v in triple.items() if v is not None} for triple in row["triples"]]}


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
@pytest.mark.parametrize("point", ["second row", "parts stand", "commit", "success"])
def test_a_run_stopped_anywhere_and_run_again_leaves_what_an_undisturbed_one_does(
    point, format, verifier, source, tmp_path, monkeypatch
):
    judge_all(verifier, source, tmp_path / "calm", format)
    calls = []

    def stop_before(owner, name, nth):
        original = getattr(owner, name)

        def stopping(self, *arguments, **options):
            calls.append(name)
            if len(calls) == nth:
                raise Killed
            return original(self, *arguments, **options)

        monkeypatch.setattr(owner, name, stopping)

    if point == "second row":
        stop_before(UnitParts, "add", 5)
    elif point == "parts stand":
        stop_before(Ledger, "commit", 2)
    elif point == "commit":
        stop_before(Folder, "write", 4)
    else:
        stop_before(Ledger, "finish", 1)
    with pytest.raises(Killed):
        judge_all(verifier, source, tmp_path / "torn", format)
    monkeypatch.undo()
    assert not (tmp_path / "torn" / "_SUCCESS").exists()
    half = tmp_path / "torn" / "kept" / ".part-00001.jsonl.abc.part"  # what kill -9 leaves
    half.write_text("{", encoding="utf-8")
    before = {name: (tmp_path / "torn" / name).stat().st_mtime_ns for name in content(tmp_path / "torn")}
    committed = {path.stem for path in (tmp_path / "torn" / "_commits").glob("*.json")}
    judge_all(verifier, source, tmp_path / "torn", format)
    assert content(tmp_path / "torn") == content(tmp_path / "calm")
    assert not half.exists()
    for name, written in before.items():
        if any(number in name for number in committed):
            assert (tmp_path / "torn" / name).stat().st_mtime_ns == written, f"{name} was written twice"


def test_another_model_or_input_is_refused_and_named(verifier, source, tmp_path):
    output = tmp_path / "out"
    judge_all(verifier, source, output)
    before = content(output)
    with pytest.raises(ConfigError, match=r"model was 'a', is now 'b'.*name a new output folder"):
        judge_all(verifier, source, output, model="b")
    source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"in\.jsonl has changed"):
        judge_all(verifier, source, output)
    source.rename(tmp_path / "other.jsonl")
    with pytest.raises(ConfigError, match=r"in\.jsonl is missing; input .*other\.jsonl is new"):
        judge_all(verifier, tmp_path / "other.jsonl", output)
    assert content(output) == before


def test_foreign_folders_and_a_second_run_at_once_are_refused(verifier, source, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(ConfigError, match=r"thesis\.txt"):
        judge_all(verifier, source, tmp_path / "mine")
    ledger = Ledger(Folder(str(tmp_path / "out")), DATASETS)
    with ledger.opened([], {}), pytest.raises(ConfigError, match=r"another run is at work .*process \d+ on "):
        judge_all(verifier, source, tmp_path / "out")
    files = list_inputs([str(source)])
    inside = UnitJob(files, 100, {}, Ledger(Folder(str(tmp_path)), DATASETS), lambda: None)
    with pytest.raises(ConfigError, match=r"in\.jsonl is in the output folder"):
        run_units(inside, Workers())


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_an_input_whose_name_is_not_utf8_is_as_good_as_any(format, verifier, source, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    name = folder / os.fsdecode("雾中渡.jsonl".encode("gbk"))
    try:
        name.write_bytes(source.read_bytes())
    except OSError:
        pytest.skip("this disk takes UTF-8 only")
    for _ in range(2):  # begun, and gone on with
        assert judge_all(verifier, folder, tmp_path / "out", format)["rows"] == 12
    (unit, *_) = plan_units(list_inputs([str(folder)]), 900)
    assert unit.path == str(name)
    if format == "jsonl":
        (error,) = read_jsonl(tmp_path / "out" / "errors")
        assert error["path"] == str(name)
    else:
        (error,) = parquet.read_table(tmp_path / "out" / "errors").to_pylist()
        assert error["path"] == str(name).encode("utf-8", "backslashreplace").decode()
        assert "\\udc" in error["path"]


def test_a_job_in_an_object_store(verifier, source):
    output = "memory://batch-out"
    judge_all(verifier, source, output)
    assert judge_all(verifier, source, output)["rows"] == 12
    names = Folder(output).names("kept")
    assert names == [f"part-{number:05d}.jsonl" for number in range(len(names))]
    lines = b"".join(Folder(f"{output}/kept").read(name) for name in names).splitlines()
    assert [json.loads(line)["text"] for line in lines] == [row["text"] for row in candidate_rows(12)]


@pytest.mark.parametrize(
    ("begun", "digits"), [((), 3), (("_attempts", 2), 2), (("_commits", 2), 2), (("_commits", 3), 3)]
)
def test_a_job_of_many_units_goes_on_under_the_names_that_it_has(begun, digits, tmp_path, monkeypatch):
    for module in ("units", "cluster"):
        monkeypatch.setattr(f"cacre.batch.{module}.DIGITS", 2)  # a hundred units are many then
    files = [InputFile("in.jsonl", "jsonl", 101)]
    ledger, pending = Ledger(Folder(str(tmp_path / "out")), DATASETS), []
    if begun:
        record = {"unit": 7, "counts": {}} if begun[0] == "_commits" else {"run": "1", "count": 1}
        with ledger.opened(files, {}):
            ledger.folder.write(f"{begun[0]}/{7:0{begun[1]}d}.json", json.dumps(record).encode())
    monkeypatch.setattr("cacre.batch.cluster._results", lambda _, units, __: left(units, pending))
    run_units(UnitJob(files, 1, {}, ledger, lambda: None), Workers())
    assert len(pending) == 101 - (begun[:1] == ("_commits",))
    assert {len(unit.name) for unit in pending[:90]} == {digits}


def left(units, pending):
    """Notes the units that workers would get, and does none."""
    pending.extend(units)
    yield from ()


class Doomed:
    """Work that takes its worker with it, or meets a full disk."""

    def __init__(self, error):
        self.error = error

    def do(self, unit):
        raise self.error


@pytest.fixture
def unit_and_ledger(source, tmp_path):
    (unit, *_) = plan_units(list_inputs([str(source)]), 900)
    return {"unit": [json.dumps(dict(zip(unit.__slots__, (getattr(unit, n) for n in unit.__slots__), strict=True)))]}, (
        Ledger(Folder(str(tmp_path / "out")), DATASETS)
    )


def test_a_unit_that_takes_every_worker_with_it_ends_the_job(unit_and_ledger):
    batch, ledger = unit_and_ledger
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(Killed):
            UnitWorker(lambda: Doomed(Killed()), ledger, "run 1")(batch)
    kind, message, _ = json.loads(UnitWorker(lambda: Doomed(Killed()), ledger, "run 1")(batch)["failure"][0])
    assert (kind, message[:20]) == ("CacreError", "4 workers were lost ")
    with pytest.raises(Killed):  # the next run tries anew
        UnitWorker(lambda: Doomed(Killed()), ledger, "run 2")(batch)


def test_an_error_that_nobody_has_foreseen_names_the_unit_and_gets_to_the_driver(unit_and_ledger, source):
    batch, ledger = unit_and_ledger

    def broken():
        raise KeyError("set up")

    for set_up, said in ((lambda: Doomed(RecursionError("too deep\nmore")), "RecursionError"), (broken, "KeyError")):
        (failure,) = UnitWorker(set_up, ledger, "run")(batch)["failure"]
        error = raised(failure)
        assert type(error) is CacreError
        assert str(error).startswith(f"{source} [0, 900) cannot be done: {said} in test_batch_ledger.py, line ")
        assert "\n" not in str(error)


def test_a_full_disk_leaves_no_part_and_says_so(verifier, unit_and_ledger, monkeypatch):
    batch, ledger = unit_and_ledger

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = UnitWorker(lambda: UnitJudge(verifier, ledger, "jsonl"), ledger, "run")(batch)
    assert json.loads(result["failure"][0])[2] == errno.ENOSPC
    assert not [path for path in Path(ledger.folder.url).rglob("*") if path.is_file()]


def test_a_strict_job_stops_at_a_bad_row_and_a_lenient_one_goes_on(verifier, source, tmp_path):
    ledger, files = Ledger(Folder(str(tmp_path / "out")), DATASETS), list_inputs([str(source)])
    (unit,) = plan_units(files, 1_000_000)
    with pytest.raises(
        DataError, match=rf"in\.jsonl, byte {source.stat().st_size - len(BAD)}: text: must not be empty"
    ):
        UnitJudge(verifier, ledger, "jsonl", strict=True).do(unit)
    assert ledger.committed(unit) is None
    assert UnitJudge(verifier, ledger, "jsonl").do(unit)["errors"] == 1


def test_a_row_nested_too_deeply_is_an_entry_of_errors(verifier, source, tmp_path):
    depth = 700 if sys.version_info < (3, 12) else 2000  # what the parser of JSON still reads, and Python does not walk
    lines = source.read_text(encoding="utf-8").splitlines()[:3]
    lines[1] = '{"text": "a", "triples": [], "note": ' + "[" * depth + "]" * depth + "}"
    source.write_text("\n".join(lines), encoding="utf-8")
    counts = judge_all(verifier, source, tmp_path / "out")
    assert (counts["rows"], counts["errors"]) == (2, 1)
    (error,) = read_jsonl(tmp_path / "out" / "errors")
    assert error["reason"] == "the JSON is nested too deeply"
    assert error["raw"] == lines[1]
