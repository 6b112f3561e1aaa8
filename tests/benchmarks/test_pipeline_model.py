"""The model of a large job against cases whose answer can be worked out by hand."""

import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def model(monkeypatch):
    pytest.importorskip("simpy")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scale_pipeline

    return scale_pipeline


def job(model, units, documents_per_unit=10, **more):
    return model.Job(units * documents_per_unit, documents_per_unit, candidates_per_document=5, **more)


def test_one_worker_with_equal_units_takes_the_sum_of_its_times(model):
    # Of 10 MB in and 5 MB out at 5 MB/s: 3 s of transfers; 50 candidates at 10 a second: 5 s; each unit 9 s in all.
    pool = model.Pool(1, 10.0, start_seconds=7.0, driver_seconds=0.25, unit_seconds=0.75)
    whole = job(model, 8, bytes_in=1e6, bytes_out=5e5)
    result = model.Pipeline(whole, pool, model.Storage(bytes_per_second=5e6)).run()
    # The worker is ready after 7 s, when the driver has long handed out the first unit.
    assert result.seconds == pytest.approx(7 + 8 * 9 - 0.25)
    assert result.steady == pytest.approx(50 / 9)
    assert result.bottleneck == "workers"
    assert result.busy == pytest.approx({"workers": 8.75 / 9, "storage": 3 / 9, "driver": 0.25 / 9})


def test_twice_the_workers_are_twice_as_fast_until_the_driver_is_the_limit(model):
    def steady(workers):
        pool = model.Pool(workers, 10.0, driver_seconds=0.5)  # 5 s of judging a unit, 2 units a second at most
        return model.Pipeline(job(model, 40 * workers), pool, model.Storage(workers)).run()

    one, two, four, many = (steady(workers) for workers in (1, 2, 4, 100))
    assert one.steady == pytest.approx(50 / 5.5)
    assert two.steady == pytest.approx(2 * one.steady, rel=0.02)
    assert four.steady == pytest.approx(4 * one.steady, rel=0.02)
    assert four.busy["workers"] == pytest.approx(5 / 5.5, rel=0.02)
    assert (four.bottleneck, many.bottleneck) == ("workers", "driver")
    assert many.steady == pytest.approx(50 / 0.5)


def test_workers_that_wait_for_storage_are_not_the_bottleneck(model):
    storage = model.Storage(connections=2, request_seconds=1.0, requests_per_unit=3)  # 4 s a unit, for two at once
    result = model.Pipeline(job(model, 400), model.Pool(50, 50.0), storage).run()
    assert result.bottleneck == "storage"
    assert result.steady == pytest.approx(50 * 2 / 4, rel=0.02)


@pytest.mark.parametrize(
    ("rate", "places", "documents", "limit"),
    [(120, 1000, 2.0, "LLM rate"), (6000, 12, 4.0, "LLM in flight"), (6000, 1000, 30.0, "workers")],
)
def test_an_llm_caps_the_documents(model, rate, places, documents, limit):
    # 12 places at 3 s are 4 documents a second; 3 workers at 50 candidates a second are 30.
    llm = model.LLM(rate, places, 3.0)
    result = model.Pipeline(job(model, 300), model.Pool(3, 50.0), llm=llm).run()
    assert result.steady / 5 == pytest.approx(documents, rel=0.02)
    assert result.bottleneck == limit
    assert result.busy[limit] == pytest.approx(1.0, abs=0.02)


def test_latencies_are_drawn_by_seed(model):
    def seconds(seed):
        llm = model.LLM(6000, 4, 1.0, latency_sigma=0.5)
        return model.Pipeline(job(model, 5), model.Pool(1, 1000.0), llm=llm, seed=seed).run().seconds

    assert seconds(1) == seconds(1) != seconds(2)


def test_smaller_units_with_their_share_of_the_costs_give_the_same_speed(model):
    pool = model.Pool(1, 10.0, driver_seconds=0.5, unit_seconds=1.5)
    whole = model.Pipeline(job(model, 40, 100), pool, model.Storage(1, 0.5, 1e6, 3))
    assert model.sliced(whole, 10).run().steady == pytest.approx(whole.run().steady)


def measured(seconds_of_two):
    # 1,000 candidates in 200 rows; the filter judges 100 a second after 2 s.
    def run(seconds, cpu, began=0.0):
        return {"seconds": seconds, "cpu": cpu, "began": began, "done": seconds - (1.0 if began else 0.0)}

    runs = {"filter": run(12.0, 12.0), "batch 1": run(19.0, 13.9, 8.0), "batch 2": run(seconds_of_two, 14.0, 8.0)}
    size = {"rows": 200, "candidates": 1000, "bytes": 20000, "bytes_out": 30000, "unit_size": 1000, "runs": runs}
    larger = {
        **size,
        "candidates": 2000,
        "rows": 400,
        "runs": {"filter": run(22.0, 22.0), "batch 2": run(20.0, 24.0, 8.0)},
    }
    measured = {"start": {"filter": 2.0}, "unit": {"1": 0.0, "4": 0.0}, "sizes": {"1000": size, "2000": larger}}
    return {**measured, "machine": {"cores": 2}}


@pytest.mark.parametrize(("seconds_of_two", "code"), [(14.5, 0), (20.0, 1)])
def test_measured_runs_are_repeated(model, tmp_path, capsys, seconds_of_two, code):
    import pipeline_model

    path = tmp_path / "measured.json"
    path.write_text(json.dumps(measured(seconds_of_two)), encoding="utf-8")
    assert pipeline_model.main(["--measured", str(path), "--workers", "1", "10"]) == code
    lines = capsys.readouterr().out.splitlines()
    # 10 s of judging between 8 s of start and 1 s of end. All else takes 1.9 s of 19, a tenth of a core, so that two
    # workers on two cores have .95 of one each: 8 + 10 / 1.9 + 1 s. For twice as much: 8 + 20 / 1.9 + 1 s.
    assert any(line.startswith("| 1,000 | batch 1 | 52.6 | 52.6 |") for line in lines)
    two, more = 9 + 10 / 1.9, 9 + 20 / 1.9
    speeds = f"{1000 / seconds_of_two:.1f} | {1000 / two:.1f}"
    assert f"| 1,000 | batch 2 | {speeds} | {seconds_of_two / two - 1:+.1%} |" in lines
    assert f"| 2,000 | batch 2 | 100.0 | {2000 / more:.1f} | {20 / more - 1:+.1%} |" in lines
    assert sum(line.startswith("| 10 |") for line in lines) == 2
