from dataclasses import replace

import numpy as np
import pytest

import tiny_corpus
from cacre.config import parse_settings
from cacre.data.domains import Domain
from cacre.errors import ConfigError, DataError
from cacre.preprocessing.evidence import VALUES
from cacre.schema import RelationType, Schema
from cacre.training.parts import check_domains, training_parts
from cacre.types import Example, Triple

STATIONS = Schema.of(
    "railways",
    [
        RelationType("起点站", "线路", "车站", synonyms=("始发站",), cues=("自",), near_misses=("终点站",)),
        RelationType("终点站", "线路", "车站", cues=("止于",)),
    ],
)
FROM = Triple("甲线", "起点站", "云州站")
TEXT = "甲线自云州站起，止于雾城站。"
LINE = Example(TEXT, (FROM,), (FROM._replace(predicate="始发站"),), (FROM._replace(object="雾城站"),))
RAILWAYS = Domain("railways", STATIONS, (LINE,))


@pytest.fixture
def loaded(tiny):
    made = {"generated_negatives": 1, "generated_kinds": ["corrupt_predicate"], "renamed_copies": 1}
    tables = tiny.settings.model_dump()
    chosen = parse_settings({**tables, "training": {**tables["training"], **made}}, "test")
    return replace(tiny, settings=chosen)


def triples(loaded, features, places):
    names = {tuple(loaded.featurizer.triple(t).ids.tolist()): t for t in (FROM, FROM._replace(predicate="终点站"))}
    return [names.get(tuple(features.pairs[place].triple.ids.tolist())) for place in places]


def test_texts_of_domains_stand_behind_the_others_and_copies_are_told(loaded):
    films = tiny_corpus.films(4)
    parts = training_parts(films, [RAILWAYS], loaded)
    alone = training_parts(films, [], loaded)
    assert len(parts.own) == 5
    assert len(parts.all.examples) == len(alone.all.examples) + 1, "no type of it is one of proper names: none renamed"
    keys = [example.key for example in parts.all.examples]
    assert keys == sorted(set(keys))
    for one, other in zip(parts.all.examples, alone.all.examples, strict=False):
        assert one.key == other.key
        np.testing.assert_array_equal(one.pairs[0].values, other.pairs[0].values)


def test_a_domain_is_read_with_its_own_words_and_made_wrong_with_its_own_relations(loaded):
    line = training_parts(tiny_corpus.films(2), [RAILWAYS], loaded).all.examples[-1]
    assert FROM._replace(predicate="终点站") in triples(loaded, line, line.negatives)
    unknown, known = (
        featurizer.evidence(featurizer.windows(TEXT)[0], FROM).values
        for featurizer in (loaded.featurizer, replace(loaded, schema=STATIONS).featurizer)
    )
    seen = line.pairs[line.anchors[0]].values
    for name in ("cue_count", "in_schema"):
        place = VALUES.index(name)
        assert seen[place] == known[place] > unknown[place]


def test_a_domain_of_which_nothing_can_be_learned_is_named(loaded):
    empty = Domain("buses", STATIONS, (Example(LINE.text, (), (), ()),))
    with pytest.raises(DataError, match="none of the 1 buses examples"):
        training_parts(tiny_corpus.films(2), [empty], loaded)


def test_domains_that_would_be_learned_otherwise_than_judged_are_refused(loaded):
    check_domains([RAILWAYS], loaded.schema, loaded.settings.loss)
    known = Schema.of("stage", [RelationType("导演作品", "人物", "影视作品")])
    with pytest.raises(ConfigError, match="domain stage: schema 'duie' has words for 导演作品: rename them"):
        check_domains([Domain("stage", known, (LINE,))], loaded.schema, loaded.settings.loss)
    crossed = loaded.settings.loss.model_copy(update={"negatives": "cross_text"})
    with pytest.raises(ConfigError, match="leave the domains out"):
        check_domains([RAILWAYS], loaded.schema, crossed)
    check_domains([], loaded.schema, crossed)
