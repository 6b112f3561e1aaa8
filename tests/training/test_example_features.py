from dataclasses import replace

import numpy as np
import pytest

import tiny_corpus
from cacre.data.negatives import CorruptionRules
from cacre.schema import RelationType, Schema
from cacre.training import features
from cacre.training.features import featurize, value_statistics, with_negatives, with_renamed
from cacre.types import Example, Triple


@pytest.fixture
def make(tiny, schema):
    def run(examples, **options):
        return featurize(
            examples, tiny.featurizer, schema, **{"generated": 0, "paraphrase": False, "seed": 1, **options}
        )

    return run


@pytest.fixture
def featurised(monkeypatch):
    """Every triple of which a pair is made."""
    seen = []
    make_pair = features.make_pair
    monkeypatch.setattr(
        features, "make_pair", lambda windows, triple, f: seen.append(triple) or make_pair(windows, triple, f)
    )
    return seen


def ids_of(example, indices):
    return [example.pairs[i].triple.ids.tolist() for i in indices]


def test_lists_are_indices_of_pairs(make, tiny):
    example = tiny_corpus.films(1)[0]
    made = make([example]).examples[0]
    for name in ("anchors", "positives", "negatives"):
        assert ids_of(made, getattr(made, name)) == [
            tiny.featurizer.triple(t).ids.tolist() for t in getattr(example, name)
        ]
    assert made.length == len(made.windows[0].ids)


def test_a_triple_in_two_lists_is_one_pair(make):
    example = tiny_corpus.films(1)[0]
    made = make([replace(example, positives=example.anchors)]).examples[0]
    assert list(made.anchors) == list(made.positives)
    assert len(made.pairs) == 4


def test_negatives_that_are_true_are_refused_and_counted(make):
    example = tiny_corpus.films(1)[0]
    title, _, director = example.anchors[0]
    true = (example.anchors[0], Triple(director, "导演作品", title))
    made = make([replace(example, hard=(*true, example.negatives[0]))])
    assert made.refused == 2
    assert len(made.examples[0].negatives) == 2


def test_a_relation_that_could_hold_beside_is_kept_in_the_data_but_not_made(make, schema):
    text = "《雾灯》由许知远作词，周若汐演唱。"
    anchor, near = Triple("雾灯", "作词", "许知远"), Triple("雾灯", "作曲", "许知远")
    example = Example(text, (anchor,), (anchor,), (near,))
    assert schema.relations["作词"].co_holds or schema.relations["作曲"].co_holds, "else this shows nothing"
    assert make([example]).refused == 0
    generated = make([example], generated=30)
    assert near not in {t for t in generated.report.made}
    assert generated.report.dropped.get("co_holding", 0) > 0


def test_examples_without_an_anchor_or_a_negative_are_skipped(make):
    good = tiny_corpus.films(1)[0]
    made = make([replace(good, anchors=(), positives=()), replace(good, negatives=()), good])
    assert (len(made.examples), made.skipped) == (1, 2)
    assert made.examples[0].key == 2


def test_generated_negatives_are_those_of_the_seed(make):
    examples = tiny_corpus.films(4)

    def negatives(seed):
        return [ids_of(e, e.negatives) for e in make(examples, generated=2, seed=seed).examples]

    assert negatives(1) == negatives(1)
    assert negatives(1) != negatives(2)
    report = make(examples, generated=2).report
    assert sum(report.made.values()) == sum(len(n) for n in negatives(1)) - 2 * len(examples)


def test_only_own_negatives_get_a_paraphrase(make, tiny, schema):
    example = tiny_corpus.films(1)[0]
    made = make([example], generated=2, paraphrase=True).examples[0]
    assert len(made.paraphrased) == 2
    assert ids_of(made, [p for _, p in made.paraphrased]) == [
        tiny.featurizer.triple(schema.paraphrase(n)).ids.tolist() for n in example.negatives
    ]
    assert not make([example], generated=2).examples[0].paraphrased


def test_statistics_standardise_the_values(make):
    examples = make(tiny_corpus.films(6), generated=2).examples
    mean, deviation = value_statistics(examples)
    values = np.stack([p.values for e in examples for p in e.pairs])
    standard = (values - mean) / deviation
    assert np.allclose(standard.mean(axis=0), 0, atol=1e-4)
    constant = values.std(axis=0) < 1e-3
    assert constant.any()
    assert (deviation[constant] == 1).all()
    assert np.allclose(standard[:, ~constant].std(axis=0), 1, atol=1e-3)


def test_texts_without_a_wrong_triple_are_given_some(schema):
    annotated, complete = (replace(e, negatives=()) if i == 0 else e for i, e in enumerate(tiny_corpus.films(2)))
    first, second = with_negatives([annotated, complete], schema, count=2, seed=1)
    assert second == complete
    assert first.anchors == annotated.anchors
    assert len(first.hard) == 4
    assert not set(first.hard) & set(first.anchors)
    assert with_negatives([annotated, complete], schema, count=2, seed=1) == [first, second]
    swapped, _ = with_negatives([annotated, complete], schema, count=2, seed=1, rules=CorruptionRules(("swap_roles",)))
    assert swapped.hard and set(swapped.hard) <= {Triple(o, p, s) for s, p, o in annotated.anchors}
    assert with_negatives([replace(annotated, anchors=(), positives=())], schema, count=2, seed=1)[0].hard == ()


def test_renamed_copies_follow_the_texts_and_repeat(schema):
    texts = tiny_corpus.films(6)
    made = with_renamed(texts, schema, copies=2, seed=3)
    assert made[:6] == texts
    assert 6 < len(made) <= 18
    assert not {e.text for e in made[6:]} & {e.text for e in texts}
    assert made == with_renamed(texts, schema, copies=2, seed=3)
    assert with_renamed(texts, schema, copies=0, seed=3) == texts


def test_no_negative_is_made_of_a_relation_that_is_left_out(make, featurised):
    films = [
        replace(film, anchors=film.anchors[:1], positives=film.positives[:1], negatives=film.negatives[:1])
        for film in tiny_corpus.films(6)
    ]
    options = {"generated": 6, "paraphrase": True}
    make(films, **options, rules=CorruptionRules(complete=True))
    assert "主演" in {triple.predicate for triple in featurised}, "else this shows nothing"
    featurised.clear()
    made = make(films, **options, rules=CorruptionRules(complete=True, without=frozenset(["主演"])))
    assert "主演" not in {triple.predicate for triple in featurised}
    assert made.report.made["corrupt_predicate"] > 0


def test_no_paraphrase_names_a_relation_that_is_left_out(tiny, featurised):
    schema = Schema.of(
        "s",
        [RelationType("导演", "影视作品", "人物", ("监制",)), RelationType("监制", "影视作品", "人物", ("出品人",))],
    )
    film = tiny_corpus.films(1)[0]
    film = replace(film, anchors=film.anchors[:1], positives=film.positives[:1], negatives=film.negatives[:1])
    for without, said in ((frozenset(), {"导演", "执导", "监制"}), (frozenset(["监制"]), {"导演", "执导"})):
        featurised.clear()
        rules = CorruptionRules(without=without)
        featurize([film], tiny.featurizer, schema, generated=0, paraphrase=True, seed=1, rules=rules)
        assert {triple.predicate for triple in featurised} == said
