"""DERP: each of its three steps does its part, and together they memorise."""

import pytest
import torch
from extractor_corpus import SCHEMA, TEXTS, gold, said, settings
from memorising import memorise

from cacre.baselines.extractors.batches import make_batch
from cacre.baselines.extractors.cascade import gold_subjects
from cacre.baselines.extractors.heads import probabilities
from cacre.baselines.extractors.marks import Marker
from cacre.baselines.extractors.run import new_extractor
from cacre.baselines.extractors.spans import pair_spans


@pytest.fixture(scope="module")
def trained():
    return memorise("derp")


def labelled(extractor, texts):
    items = Marker(extractor.maker, extractor.tags).label(texts)
    return make_batch([item.window for item in items], items)


@pytest.fixture(scope="module")
def two_heads(trained):
    """Texts in which two people direct a film each, with the states of their tokens."""
    batch = labelled(trained, [text for text in TEXTS if "，" in text.text and len(text.facts) == 2])
    with torch.no_grad():
        return batch, trained.network.encode(batch)


@pytest.mark.slow
def test_it_memorises_twenty_texts(trained):
    found = trained.extract([text.text for text in TEXTS])
    assert [said(candidates) for candidates in found] == [gold(text) for text in TEXTS]
    assert all(0.0 < c.extra["score"] <= 1.0 for candidates in found for c in candidates)


@pytest.mark.slow
def test_tails_are_those_of_their_head_alone(trained, two_heads):
    batch, states = two_heads
    heads = gold_subjects(batch)
    assert len(heads) == 10
    with torch.no_grad():
        starts, ends = probabilities(trained.network.tail_logits(states, heads), batch.content[[r for r, _ in heads]])
    for (row, head), start, end in zip(heads, starts, ends, strict=True):
        tails = {tail.span for tail in pair_spans(start[:, 0], end[:, 0], 0.5)}
        assert tails == {link.object for link in batch.items[row].links if link.subject == head}


@pytest.mark.slow
def test_the_scorer_refuses_a_head_with_the_tail_of_another(trained, two_heads):
    batch, states = two_heads
    directs = trained.tags.number("导演")
    for row, item in enumerate(batch.items):
        heads, tails = [(row, link.subject) for link in item.links], [(row, link.object) for link in item.links]
        with torch.no_grad():
            logits = trained.network.relation_logits(states, heads, tails, [(0, 0), (1, 1), (0, 1), (1, 0)])
        assert (logits[:, directs] > 0).tolist() == [True, True, False, False]
        assert (logits[2:] < 0).all()


def test_texts_without_heads_have_a_loss_too():
    extractor = new_extractor("derp", TEXTS, settings(), SCHEMA)
    loss = extractor.network.loss(labelled(extractor, [text for text in TEXTS if not text.facts]))
    loss.backward()
    assert loss.item() > 0
    assert extractor.network.heads.linear.bias.grad.abs().sum() > 0
