import json

import pytest

from cacre.config import Settings
from cacre.errors import ConfigError
from cacre.training.checkpoints import claim_folder, last_checkpoint


def write(folder, step, state):
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if state is not None:
        (path / "trainer_state.json").write_text(
            state if isinstance(state, str) else json.dumps(state), encoding="utf-8"
        )
    return path


def test_no_folder_and_no_checkpoint(tmp_path):
    assert last_checkpoint(tmp_path / "none") is None
    (tmp_path / "checkpoint-final").mkdir()
    assert last_checkpoint(tmp_path) is None


def test_steps_are_numbers(tmp_path):
    for step in (9, 10, 100):
        write(tmp_path, step, {"global_step": step})
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-100")


@pytest.mark.parametrize("state", [None, "", '{"global_step": 20', "[]", {"global_step": 15}, {}])
def test_a_half_written_newest_one_is_passed_over(tmp_path, state):
    whole = write(tmp_path, 10, {"global_step": 10})
    write(tmp_path, 20, state)
    assert last_checkpoint(tmp_path) == str(whole)


def test_a_folder_belongs_to_one_run(tmp_path):
    run = {"settings": {"training": {"epochs": 2, "seed": 1}}, "data": "a"}
    claim_folder(tmp_path, run)
    write(tmp_path / "checkpoints", 10, {"global_step": 10})
    claim_folder(tmp_path, json.loads(json.dumps(run)))
    other = {"settings": {"training": {"epochs": 3, "seed": 1}}, "data": "a"}
    with pytest.raises(ConfigError, match=r"training\.epochs was 2.0, now 3.0\): give another folder with -o"):
        claim_folder(tmp_path, other)
    with pytest.raises(ConfigError, match="data was 'a', now 'b'"):
        claim_folder(tmp_path, run | {"data": "b"})
    claim_folder(tmp_path, run)


@pytest.mark.parametrize("end", ["metrics.json", "pretraining.json", "config.json", "fitted"])
def test_a_folder_without_checkpoints_is_free_until_its_run_has_ended(tmp_path, end):
    claim_folder(tmp_path, {"data": "a"})
    write(tmp_path / "checkpoints", 10, None)  # half written
    claim_folder(tmp_path, {"data": "b"})
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8")) == {"data": "b"}
    (tmp_path / end).touch()
    with pytest.raises(ConfigError, match="data was 'b', now 'c'"):
        claim_folder(tmp_path, {"data": "c"})


def test_a_run_from_before_a_setting_existed_goes_on_under_its_default(tmp_path):
    run = {"settings": Settings().model_dump(mode="json"), "data": "a"}
    old = json.loads(json.dumps(run))
    del old["settings"]["model"]["reader_layers"]
    (tmp_path / "run.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "metrics.json").touch()
    claim_folder(tmp_path, run)
    run["settings"]["model"]["reader_layers"] = 2
    with pytest.raises(ConfigError, match="reader_layers was 0, now 2"):
        claim_folder(tmp_path, run)
