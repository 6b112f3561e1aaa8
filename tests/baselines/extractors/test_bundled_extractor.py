import pytest

from cacre.baselines.extractors import load_extractor
from cacre.baselines.extractors.loading import bundled_extractors
from cacre.baselines.extractors.onnx_extractor import OnnxExtractor
from cacre.errors import DataError

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"


def test_the_bundled_extractor_is_found_by_name_and_proposes_what_a_text_says():
    extractor = load_extractor("mini-zh", threads=1)
    assert isinstance(extractor, OnnxExtractor)
    (found,) = extractor.extract([TEXT])
    with pytest.raises(DataError, match=r"texts: expected a list of texts, got '《雾中渡》.*: put it in a list"):
        extractor.extract(TEXT)
    assert ("雾中渡", "导演", "林知远") in {tuple(candidate.triple) for candidate in found}


def test_its_card_names_the_sources_of_its_weights():
    card = (bundled_extractors()["mini-zh"] / "README.md").read_text(encoding="utf-8")
    assert "CC BY-SA" in card and "corpus/train" in card
