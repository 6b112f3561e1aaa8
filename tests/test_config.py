"""Presets, and TOML files that start from one."""

import pytest

from cacre.config import PRESETS, Settings, load_settings
from cacre.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_its_name(name):
    assert load_settings(name).preset == name


def test_what_nothing_names_is_as_in_the_preset_similarity():
    assert load_settings("similarity") == Settings()


def test_without_a_name_a_reader_is_trained():
    assert load_settings() == load_settings("default")
    assert load_settings().model.reader_layers > 0 and load_settings("similarity").model.reader_layers == 0


def test_a_file_starts_from_the_preset_it_names(tmp_path):
    path = write(tmp_path, 'preset = "paper"\n[training]\nepochs = 3\n')
    paper = load_settings("paper")
    expected = paper.model_copy(update={"training": paper.training.model_copy(update={"epochs": 3.0})})
    assert load_settings(path) == expected


def test_a_file_that_names_none_starts_from_the_default_or_the_base(tmp_path):
    path = write(tmp_path, "[training]\nepochs = 3\n")
    assert load_settings(path, {"training": {"epochs": load_settings().training.epochs}}) == load_settings()
    other = load_settings(path, base="similarity")
    assert (other.preset, other.training.epochs, other.model.reader_layers) == ("similarity", 3, 0)


@pytest.mark.parametrize("preset", ['"papers"', "3", '["paper"]'])
def test_a_file_that_names_no_preset_is_refused(tmp_path, preset):
    with pytest.raises(ConfigError, match="there are default, similarity, paper"):
        load_settings(write(tmp_path, f"preset = {preset}\n"))
