from dataclasses import replace

import numpy as np
import pytest
import torch

import tiny_corpus
from cacre.config import LossSettings, ModelSettings
from cacre.training.batches import Collator
from cacre.training.features import featurize
from cacre.types import Triple

CROSS = LossSettings(negatives="cross_text", cross_pairs=3)


def collate(tiny, examples, loss=None, **options):
    return Collator(tiny.featurizer, tiny.settings.model, loss or LossSettings(), **options)(examples)


def triple_of(batch, pair):
    """Token ids of a pair's triple, without the padding."""
    row = batch["pair_triple"][pair]
    return batch["triple_ids"][row][batch["triple_mask"][row].bool()].tolist()


def test_parts_are_encoded_once_and_put_together_in_the_order_of_the_triple(features):
    settings = tiny_corpus.settings({"model": {"triple_encoding": "parts"}})
    loaded = tiny_corpus.random_model(settings)
    texts = tiny_corpus.films(3)
    long = Triple("林知远" * 4, "导演", texts[0].anchors[0].object)
    films = featurize(
        [replace(texts[0], hard=(long,)), *texts[1:]],
        loaded.featurizer,
        loaded.schema,
        generated=0,
        paraphrase=False,
        seed=1,
    ).examples
    batch = Collator(loaded.featurizer, settings.model, settings.loss)(films)
    assert "triple_ids" not in batch
    groups = [(batch[f"{kind}_ids"], batch[f"{kind}_mask"]) for kind in ("piece", "long_piece")]
    pieces = [tuple(row[mask.bool()].tolist()) for group in groups for row, mask in zip(*group, strict=True)]
    assert len(set(pieces)) == len(pieces)
    assert groups[0][0].shape[1] <= 8 < groups[1][0].shape[1]
    tokens = torch.cat([ids.flatten() for ids, _ in groups])[batch["triple_place"]]
    pairs = [pair for example in films for pair in example.pairs]
    for row, pair in zip(batch["pair_triple"], pairs, strict=True):
        assert tokens[row][batch["triple_mask"][row].bool()].tolist() == pair.triple.ids.tolist()


def test_pairs_point_to_their_text_and_triple(tiny, features):
    batch = collate(tiny, features)
    pairs = [(number, pair) for number, example in enumerate(features) for pair in example.pairs]
    assert len(batch["pair_text"]) == len(pairs) == len(batch["values"])
    for index, (number, pair) in enumerate(pairs):
        ids = features[number].windows[pair.window].ids
        row = batch["pair_text"][index]
        assert batch["text_ids"][row][batch["text_mask"][row].bool()].tolist() == ids.tolist()
        assert triple_of(batch, index) == pair.triple.ids.tolist()
        length = len(pair.triple.role_ids)
        assert batch["role_ids"][batch["pair_triple"][index], :length].tolist() == pair.triple.role_ids.tolist()
        assert np.array_equal(batch["marks"][index, : len(ids)].numpy(), pair.marks)
        assert not batch["marks"][index, len(ids) :].any()
        assert np.array_equal(batch["values"][index].numpy(), pair.values)


def test_tuples_name_anchors_positives_and_all_negatives_of_the_text(tiny, features):
    batch = collate(tiny, features)
    examples = tiny_corpus.films(3)
    tokens = tiny.featurizer.triple
    anchors = [a for e, f in zip(examples, features, strict=True) for a in e.anchors[: len(f.anchors)]]
    positives = [p for e, f in zip(examples, features, strict=True) for p in e.positives[: len(f.anchors)]]
    assert [triple_of(batch, i) for i in batch["anchor"]] == [tokens(a).ids.tolist() for a in anchors]
    assert [triple_of(batch, i) for i in batch["positive"]] == [tokens(p).ids.tolist() for p in positives]
    sizes = [len(f.negatives) for f in features for _ in f.anchors]
    assert batch["negative"].shape == (5, max(sizes))
    assert (batch["negative"] >= 0).sum(dim=1).tolist() == sizes
    assert len(set(sizes)) > 1, "the example has to show the padding"
    for row, size in zip(batch["negative"], sizes, strict=True):
        assert (row[size:] == -1).all()
    assert batch["negative"][0].tolist() == batch["negative"][1].tolist()
    for pairs in (batch["anchor"], batch["positive"]):
        assert batch["pair_text"][pairs].tolist() == [0, 0, 1, 2, 2]


def test_twins_are_a_negative_and_its_paraphrase(tiny, features, schema):
    batch = collate(tiny, features)
    wrong = tiny_corpus.films(3)[0].negatives[0]
    assert triple_of(batch, batch["twins"][0, 0]) == tiny.featurizer.triple(wrong).ids.tolist()
    assert triple_of(batch, batch["twins"][0, 1]) == tiny.featurizer.triple(schema.paraphrase(wrong)).ids.tolist()
    assert (batch["pair_text"][batch["twins"][:, 0]] == batch["pair_text"][batch["twins"][:, 1]]).all()


def test_each_distinct_triple_is_encoded_once(tiny, features):
    twice = [features[0], replace(features[0], key=9)]
    once, both = collate(tiny, features[:1]), collate(tiny, twice)
    assert len(both["triple_ids"]) == len(once["triple_ids"])
    assert len(both["pair_text"]) == 2 * len(once["pair_text"])
    rows = np.concatenate([both["triple_ids"].numpy(), both["role_ids"].numpy()], axis=1)
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_no_negatives_of_other_texts_unless_asked_for(tiny, features):
    assert "other" not in collate(tiny, features)


def test_cross_text_pairs_this_text_with_anchors_of_the_others(tiny, features):
    batch = collate(tiny, features, CROSS)
    theirs = {
        tuple(tiny.featurizer.triple(t).ids.tolist()): i for i, f in enumerate(features) for t in f.anchor_triples
    }
    assert batch["other"].shape == (5, 3)
    for row, text in zip(batch["other"].tolist(), [0, 0, 1, 2, 2], strict=True):
        assert row
        for pair in row:
            assert batch["pair_text"][pair] == text
            assert theirs[tuple(triple_of(batch, pair))] != text


def test_cross_text_never_pairs_what_the_guard_refuses(tiny, schema):
    first, second = tiny_corpus.films(2)
    known = Triple(second.anchors[0].object, "导演作品", second.anchors[0].subject)  # anchor 0 said the other way round
    first = replace(first, gold=(*first.anchors, second.anchors[0], known))
    made = featurize([first, second], tiny.featurizer, schema, generated=0, paraphrase=False, seed=1).examples
    batch = collate(tiny, made, LossSettings(negatives="cross_text", cross_pairs=50))
    found = {tuple(triple_of(batch, p)) for p in batch["other"][0].tolist() if p >= 0}
    assert found == {tuple(tiny.featurizer.triple(second.anchors[1]).ids.tolist())}


def test_cross_text_choices_are_a_function_of_the_batch_and_the_seed(tiny, features):
    loss = LossSettings(negatives="cross_text", cross_pairs=1)

    def chosen(examples, seed):
        batch = collate(tiny, examples, loss, seed=seed)
        return [triple_of(batch, p) for p in batch["other"].flatten()]

    assert chosen(features, 1) == chosen(features, 1)
    assert any(chosen(features, 1) != chosen(features, seed) for seed in range(2, 8))
    moved = [replace(f, key=f.key + 100) for f in features]
    assert any(chosen(features, seed) != chosen(moved, seed) for seed in range(1, 8))


def test_cross_text_alone_in_a_batch_has_nothing_to_pair(tiny, features):
    assert collate(tiny, features[:1], CROSS)["other"].shape == (2, 0)


@pytest.mark.parametrize("fixed", [False, True])
def test_lengths(tiny, features, fixed):
    model = ModelSettings(**tiny.settings.model.model_dump() | {"pad_to_max": fixed})
    batch = Collator(tiny.featurizer, model, LossSettings())(features)
    texts = [len(w.ids) for f in features for w in f.windows]
    longest = 64 if fixed else max(texts)
    assert batch["text_ids"].shape == (3, longest)
    assert batch["marks"].shape[1] == longest
    assert batch["text_mask"].sum(dim=1).tolist() == texts
    widest = max(len(p.triple.ids) for f in features for p in f.pairs)
    assert batch["triple_ids"].shape[1] == batch["role_ids"].shape[1] == (32 if fixed else widest)


def test_a_long_text_takes_a_row_per_window(tiny, schema):
    example = tiny_corpus.films(1)[0]
    long = replace(example, text="今日天气晴朗，适合出行。" * 12 + example.text)
    made = featurize([long, example], tiny.featurizer, schema, generated=0, paraphrase=False, seed=1).examples
    windows = len(made[0].windows)
    assert windows > 2
    batch = collate(tiny, made)
    assert len(batch["text_ids"]) == windows + 1
    assert batch["pair_text"][batch["anchor"]].tolist() == [windows - 1, windows - 1, windows, windows]
