"""What a head is fitted on."""

import tiny_corpus
from cacre.schema import load_schema
from cacre.training.features import featurize
from cacre.training.labelled_pairs import labelled_pairs
from cacre.types import Example, Triple

TEXT = "《雾港》由贺铮执导，季蓉编剧。"
FILM = Example(
    TEXT,
    anchors=(Triple("雾港", "导演", "贺铮"),),
    positives=(Triple("雾港", "执导者", "贺铮"),),
    negatives=(Triple("雾港", "导演", "季蓉"),),
    hard=(Triple("雾港", "编剧", "贺铮"), Triple("雾港", "导演", "季蓉")),
)


def features(example, generated):
    featurizer = tiny_corpus.random_model(tiny_corpus.settings(tiny_corpus.READER)).featurizer
    made = featurize([example], featurizer, load_schema("duie"), generated=generated, paraphrase=True, seed=1)
    return made.examples


def test_each_anchor_and_each_negative_once_without_positives_and_paraphrases():
    rows = labelled_pairs(features(FILM, generated=0))
    assert rows.labels.tolist() == [1.0, 0.0, 0.0]
    assert len({(pair.triple.ids.tobytes()) for pair in rows.pairs}) == 3
    assert all(len(ids) == len(TEXT) + 2 for ids in rows.texts)


def test_generated_negatives_are_left_out_where_there_are_others():
    made = features(FILM, generated=3)
    assert len(labelled_pairs(made).labels) > 3
    assert labelled_pairs(made, generated=False).labels.tolist() == [1.0, 0.0, 0.0]


def test_generated_negatives_are_all_there_is_of_annotated_rows():
    bare = Example(TEXT, anchors=FILM.anchors, positives=FILM.positives, negatives=())
    made = features(bare, generated=3)
    kept, everything = labelled_pairs(made, generated=False), labelled_pairs(made)
    assert kept.labels.tolist() == everything.labels.tolist() and 0.0 in kept.labels.tolist()
