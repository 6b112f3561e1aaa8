import pytest
import torch
from extractor_corpus import TEXTS, fact, gold, said
from memorising import memorise

from cacre.baselines.extractors.folder import save_extractor
from cacre.baselines.extractors.loading import load_extractor
from cacre.data.duie import DuieText
from cacre.errors import ModelError


@pytest.fixture(scope="module")
def memorised():
    torch.set_num_threads(1)
    return memorise("electra-joint", steps=60)


@pytest.mark.slow
def test_it_memorises_twenty_texts(memorised):
    found = memorised.extract([text.text for text in TEXTS])
    assert [said(candidates) for candidates in found] == [gold(text) for text in TEXTS]
    assert all(0.5 <= candidate.extra["score"] <= 1.0 for candidates in found for candidate in candidates)


@pytest.mark.slow
def test_a_text_alone_gives_what_it_gives_among_others(memorised):
    texts = [text.text for text in TEXTS]
    together = memorised.extract(texts)
    for text, candidates in zip(texts, together, strict=True):
        (alone,) = memorised.extract([text])
        assert said(alone) == said(candidates)
        scores = [[c.extra["score"] for c in found] for found in (alone, candidates)]
        assert scores[0] == pytest.approx(scores[1], abs=2e-4)


@pytest.mark.slow
def test_a_saved_folder_gives_the_same(memorised, tmp_path):
    memorised.threshold = 0.4
    save_extractor(tmp_path / "folder", memorised, {})
    loaded, texts = load_extractor(tmp_path / "folder"), [text.text for text in TEXTS]
    assert (loaded.name, loaded.threshold) == ("electra-joint", 0.4)
    assert loaded.extract(texts) == memorised.extract(texts)


@pytest.mark.slow
def test_a_damaged_folder_says_what_is_wrong(memorised, tmp_path):
    save_extractor(tmp_path, memorised, {})
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"model\.safetensors: does not fit config\.json or is truncated"):
        load_extractor(tmp_path)
    (tmp_path / "threshold.json").unlink()
    with pytest.raises(ModelError, match=r"threshold\.json: missing"):
        load_extractor(tmp_path)


@pytest.mark.slow
def test_a_long_text_is_read_in_windows():
    parts = [
        "《雾渡》由林知远自编自导。",
        "山里下了一夜的雪，路上没有人，灯也熄了，只听见风声和水声。",
        "许望舒在《寒露》里扮作沈若汐。",
    ]
    facts = (
        fact("雾渡", "导演", "林知远"),
        fact("雾渡", "编剧", "林知远"),
        fact("许望舒", "饰演", "沈若汐", inWork="寒露"),
    )
    text = DuieText("".join(parts), facts)
    extractor = memorise("electra-joint", texts=[text, DuieText(parts[1], ())])
    assert len(extractor.maker.windows(text.text)) == 2
    assert said(extractor.extract([text.text])[0]) == gold(text)
