"""CECRel: altered texts whose labels are true, a contrast that groups relations, features that see their neighbours."""

import math
from dataclasses import replace

import memorising
import numpy as np
import pytest
import torch
from extractor_corpus import SCHEMA, TEXTS, fact, gold, said, settings
from hypothesis import given
from hypothesis import strategies as st

from cacre.baselines.extractors.batches import make_batch
from cacre.baselines.extractors.cecrel_augmentation import SUBSTITUTED, UNALTERED, Augmenter
from cacre.baselines.extractors.cecrel_contrast import relation_contrast
from cacre.baselines.extractors.cecrel_enhancement import FeatureEnhancement
from cacre.baselines.extractors.cecrel_rewriting import rewrite
from cacre.baselines.extractors.marks import Marker
from cacre.baselines.extractors.run import new_extractor
from cacre.baselines.extractors.trainer import WindowCollator
from cacre.data.duie import DuieText
from cacre.schema import RelationType, Schema

CUED = Schema.of(
    "cued",
    [
        RelationType("导演", "影视作品", "人物", cues=("执导",), near_misses=("编剧",)),
        RelationType("编剧", "影视作品", "人物", cues=("写了剧本",)),
        RelationType("同事", "人物", "人物", symmetric=True),
    ],
)


def prepared(**system):
    torch.manual_seed(0)
    extractor = new_extractor("cecrel", TEXTS, settings(system=system), SCHEMA)
    extractor.network.prepare(TEXTS, SCHEMA)
    return extractor


def labels(extractor, texts):
    return Marker(extractor.maker, extractor.tags).label(texts)


@pytest.mark.slow
def test_it_memorises_twenty_texts():
    trained = memorising.memorise("cecrel")
    found = trained.extract([text.text for text in TEXTS])
    assert [said(candidates) for candidates in found] == [gold(text) for text in TEXTS]


# Altered texts


def skeleton(text):
    """The text with a number in place of each name, and the facts in these numbers; found by plain search."""
    names = list(dict.fromkeys(n for f in text.facts for n in (f.triple.subject, f.triple.object, *f.slots.values())))
    facts = [
        (names.index(f.triple.subject), f.triple.predicate, names.index(f.triple.object),
         [(slot, names.index(name)) for slot, name in f.slots.items()])
        for f in text.facts
    ]  # fmt: skip
    pieces, at = [], 0
    while at < len(text.text):
        here = [number for number, name in enumerate(names) if text.text.startswith(name, at)]
        pieces.append(tuple(here) or text.text[at])
        at += len(names[here[0]]) if here else 1
    return pieces, facts


# Three characters only, so that names contain each other and stand by chance in the words between.
words = st.text("甲乙丙", min_size=1, max_size=3)


@st.composite
def annotated(draw):
    names = draw(st.lists(words, min_size=2, max_size=4, unique=True))
    pieces = [draw(st.text("甲乙，", max_size=3)) + name for name in draw(st.permutations([*names, names[0]]))]
    pairs = draw(st.lists(st.permutations(names), min_size=1, max_size=2))
    return DuieText("，".join(pieces), tuple(fact(a, "导演", b) for a, b, *_ in pairs))


@given(st.lists(annotated(), min_size=1, max_size=4), st.integers(0, 99))
def test_substitution_keeps_every_fact_where_it_stood(texts, seed):
    view = Augmenter(texts, CUED).positive(texts[0], np.random.default_rng(seed))
    assert (view.text == texts[0]) == (view.kind == UNALTERED)
    assert skeleton(view.text) == skeleton(texts[0])


def test_a_name_of_two_roles_is_replaced_by_one_that_is_known_in_both():
    films = []
    for title, *people in ("雾渡贺贺", "盐田陆秦", "潮汐许许", "灯塔许周"):
        name, (directs, writes) = title + people[0], (person + "一鸣" for person in people[1:])
        facts = (fact(name, "导演", directs), fact(name, "编剧", writes))
        films.append(DuieText(f"《{name}》由{directs}执导，由{writes}编剧。", facts))
    augmenter = Augmenter(films, CUED)
    views = [augmenter.positive(films[0], np.random.default_rng(seed)) for seed in range(30)]
    assert {view.text.facts[0].triple.object for view in views} == {"贺一鸣", "许一鸣"}


def test_substitution_covers_slots():
    augmenter, rng = Augmenter(TEXTS, SCHEMA), np.random.default_rng(5)
    role = next(text for text in TEXTS if text.facts and text.facts[0].slots)
    views = [augmenter.positive(role, rng) for _ in range(20)]
    assert len({view.text.facts[0].slots["inWork"] for view in views if view.kind == SUBSTITUTED}) > 1
    assert all(skeleton(view.text) == skeleton(role) for view in views)


@pytest.mark.parametrize("number", ["20", "2011"])
def test_a_number_within_a_longer_one_is_not_replaced(number):
    text = DuieText("《雾渡》于2011年上映，票房20亿。", (fact("雾渡", "导演", number),))
    other = DuieText("《盐田》", (fact("雾渡", "导演", "35"),))
    view = Augmenter([text, other], CUED).positive(text, np.random.default_rng(1))
    assert view.kind == (UNALTERED if number == "20" else SUBSTITUTED)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"雾渡": "盐田", "渡口": "码头"}, ()),  # these overlap
        ({"雾渡": "盐田"}, ("雾渡口",)),  # a name would vanish
        ({"雾渡": "雾海"}, ("雾",)),  # a name is part of another
        ({"雾渡": "盐田"}, ("田口",)),  # a name would appear
        ({"山雪": "盐田"}, ()),  # nothing to replace
    ],
)
def test_what_is_in_doubt_is_not_rewritten(changes, names):
    assert rewrite("雾渡口的码头", changes, names) is None
    assert rewrite("雾渡口的码头", {"雾渡": "盐田"}, ("码头",)) == "盐田口的码头"


def negatives(text, schema=CUED):
    augmenter = Augmenter([text], schema)
    return {(v.kind, v.text.text) for seed in range(20) for v in augmenter.negatives(text, np.random.default_rng(seed))}


def test_negatives_say_another_relation_or_exchange_the_roles():
    text = DuieText("《雾渡》由贺一鸣执导。", (fact("雾渡", "导演", "贺一鸣"),))
    swapped = {("swap_roles", "《贺一鸣》由雾渡执导。")}
    assert negatives(text) == swapped | {("swap_relation", f"《雾渡》由贺一鸣{cue}。") for cue in ("编剧", "写了剧本")}
    stated = replace(text, facts=(*text.facts, fact("雾渡", "编剧", "贺一鸣")))
    assert negatives(stated) == swapped


def test_what_would_still_be_true_or_would_touch_a_name_is_no_negative():
    assert negatives(DuieText("贺一鸣和陆闻笙是好友。", (fact("贺一鸣", "同事", "陆闻笙"),))) == set()
    cue_in_name = DuieText("《执导生涯》是他的片子。", (fact("执导生涯", "导演", "他"),))
    assert negatives(cue_in_name) == set()


def test_substituted_texts_are_tagged_and_negatives_are_not():
    extractor = prepared(augmented=1.0, contrast_weight=0.0)
    items, network = labels(extractor, [TEXTS[0]]), extractor.network.eval()
    batch = WindowCollator(network, Marker(extractor.maker, extractor.tags))(items)["batch"]
    assert batch.view_kinds == (SUBSTITUTED, "swap_roles")
    view = make_batch([batch.views.items[0].window], batch.views.items[:1])
    plain = replace(batch, views=None, view_rows=(), view_kinds=())
    expected = (network.loss(plain).item() + network.loss(view).item()) / 2
    assert network.loss(batch).item() == pytest.approx(expected, rel=1e-5)
    assert network.loss(batch).item() != pytest.approx(network.loss(plain).item(), rel=1e-5)


def test_only_whole_texts_with_facts_are_altered():
    extractor, rng = prepared(augmented=1.0), np.random.default_rng(0)
    long = DuieText("《雾渡》由林知远执导。" + "后来下了很久的雨。" * 10, (fact("雾渡", "导演", "林知远"),))
    items = labels(extractor, [TEXTS[0], TEXTS[-1], long])
    assert [bool(extractor.network.views(item, rng)) for item in items] == [True] + [False] * (len(items) - 1)
    assert not prepared(augmented=0.0).network.views(items[0], rng)


# Contrast


def spread(angles):
    return torch.tensor([[math.cos(angle), math.sin(angle)] for angle in angles], requires_grad=True)


def test_the_contrast_is_that_of_its_equation():
    loss = relation_contrast(3 * spread([0.0, math.pi / 3, math.pi]), [{1}, {1}, {2}], 0.5)
    # s: texts 0 and 1 cos 60 = 1/2; 0 and 2 -1; 1 and 2 -1/2; over 0.5
    expected = (math.log(1 + math.exp(-2 - 1)) + math.log(1 + math.exp(-1 - 1))) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@given(st.floats(0.1, 1.5), st.floats(0.0, 0.9))
def test_the_contrast_falls_when_equal_relations_come_together(angle, nearer):
    relations = [{1, 2}, {1, 2}, {3}, {3}]
    apart = relation_contrast(spread([0.0, angle, math.pi, math.pi + angle]), relations, 0.1)
    shrunk = angle * nearer
    together = relation_contrast(spread([0.0, shrunk, math.pi, math.pi + shrunk]), relations, 0.1)
    assert together < apart or apart < 1e-6


def test_texts_that_share_some_relations_neither_attract_nor_repel():
    angles = [0.0, 0.4, 1.0, 2.0]
    with_partial = relation_contrast(spread(angles), [{1}, {1}, {1, 2}, {3}], 0.2)
    without = relation_contrast(spread([0.0, 0.4, 2.0]), [{1}, {1}, {3}], 0.2)
    assert with_partial.item() == pytest.approx(without.item())


def test_texts_without_relations_are_negatives_and_no_positives():
    vectors = spread([0.0, 0.4, 1.0, 2.0])
    assert relation_contrast(vectors, [{1}, {2}, set(), set()], 0.2).item() == 0.0
    loss = relation_contrast(vectors, [{1}, {1}, set(), set()], 0.2)
    loss.backward()
    assert loss.item() > 0 and vectors.grad.isfinite().all() and vectors.grad[3].abs().sum() > 0


def test_altered_texts_enter_the_loss_as_positives_and_negatives():
    extractor = prepared(augmented=1.0, contrast_weight=1.0)
    items, network = labels(extractor, [TEXTS[0], TEXTS[15]]), extractor.network.eval()
    batch = WindowCollator(network, Marker(extractor.maker, extractor.tags))(items)["batch"]
    assert set(batch.view_kinds) >= {SUBSTITUTED, "swap_roles"}

    def contrast(batch):
        losses = []
        for weight in (1.0, 0.0):
            network.options = network.options.model_copy(update={"contrast_weight": weight})
            losses.append(network.loss(batch).item())
        return losses[0] - losses[1]

    plain = replace(batch, views=None, view_rows=(), view_kinds=())
    assert contrast(plain) == pytest.approx(0.0, abs=1e-6)  # the two texts have no relation in common
    turned = replace(batch, view_kinds=tuple("unaltered" for _ in batch.view_kinds))
    assert contrast(batch) > 0.01
    assert contrast(batch) != pytest.approx(contrast(turned), abs=1e-4)


# Features


def test_padding_has_no_influence_on_enhanced_features():
    torch.manual_seed(0)
    enhance, states = FeatureEnhancement(8), torch.randn(1, 9, 8)
    mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0, 0, 0]])
    assert torch.allclose(enhance(states, mask)[:, :5], enhance(states[:, :5], mask[:, :5]), atol=1e-6)


def test_features_know_their_place_and_their_neighbours():
    torch.manual_seed(0)
    enhance, mask = FeatureEnhancement(8), torch.ones(1, 24, dtype=torch.int64)
    alike = enhance(torch.ones(1, 24, 8), mask)[0]
    assert not torch.allclose(alike[9], alike[12], atol=1e-4)  # far from both borders: only the place differs
    changed = torch.ones(1, 24, 8)
    changed[0, 20] = -1.0
    moved = (enhance(changed, mask)[0] - alike).abs().sum(dim=1) > 1e-6
    assert moved.nonzero().flatten().tolist() == list(range(13, 24))
