import pytest
import torch
from extractor_corpus import SCHEMA, TEXTS, fact, gold, said
from memorising import memorise

from cacre.baselines.extractors.batches import make_batch
from cacre.baselines.extractors.casrel_blcf import BEGIN, INSIDE, OUTSIDE, focal_loss, subject_tags, tagged
from cacre.baselines.extractors.folder import save_extractor
from cacre.baselines.extractors.loading import load_extractor
from cacre.baselines.extractors.marks import Marker
from cacre.baselines.extractors.tags import TagSet
from cacre.baselines.extractors.windows import TokenSpan, WindowMaker
from cacre.data.duie import DuieText
from cacre.preprocessing.tokenizer import build_character_tokenizer


@pytest.mark.slow
def test_it_memorises_twenty_texts_with_the_filter_on(tmp_path):
    extractor = memorise("casrel-blcf", steps=100, rate=1e-2, lstm_size=24, noise_warm_up=30)
    texts = [text.text for text in TEXTS]
    found = extractor.extract(texts)
    assert [said(candidates) for candidates in found] == [gold(text) for text in TEXTS]
    assert int(extractor.network.filter.steps) == 100
    save_extractor(tmp_path, extractor, {})
    assert load_extractor(tmp_path).extract(texts) == found


def test_focal_loss_is_entropy_without_focus_and_less_where_the_model_is_sure():
    logits, labels = torch.tensor([-3.0, 0.5, 3.0]), torch.tensor([0.0, 1.0, 1.0])
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    assert torch.allclose(focal_loss(logits, labels, 0.0, 0.5), entropy / 2)
    weight = torch.where(labels > 0, 0.25, 0.75) * (1 - torch.where(labels > 0, logits, -logits).sigmoid()) ** 2
    assert torch.allclose(focal_loss(logits, labels, 2.0, 0.25), weight * entropy)


def test_of_overlapping_subjects_the_longest_is_tagged():
    text = DuieText(
        "雾渡前传由顾", (fact("雾渡", "导演", "顾"), fact("雾渡前传", "导演", "顾"), fact("顾", "饰演", "雾渡"))
    )
    maker = WindowMaker(build_character_tokenizer([text.text], min_count=1), 20, 2)
    items = Marker(maker, TagSet(SCHEMA)).label([text])
    tags = subject_tags(make_batch([items[0].window], items))[0].tolist()
    assert tags == [OUTSIDE, BEGIN, INSIDE, INSIDE, INSIDE, OUTSIDE, BEGIN, OUTSIDE]
    assert tagged(tags) == [TokenSpan(1, 4), TokenSpan(6, 6)]
    assert tagged([INSIDE, BEGIN, OUTSIDE, INSIDE]) == [TokenSpan(1, 1)]
