import numpy as np
import pytest
import torch

import tiny_corpus
from cacre.config import LossSettings
from cacre.training.batches import Collator
from cacre.training.encoder_cache import EncoderCache
from cacre.training.features import featurize
from cacre.training.objective import Criterion

PARTS = {"model": {"triple_encoding": "parts"}}
NO_DROPOUT = {"encoder": {"dropout": 0.0}, "model": {"dropout": 0.0}}


def sequences(features):
    windows = [w.ids for f in features for w in f.windows]
    return [*windows, *(piece for f in features for p in f.pairs for piece in p.triple.pieces)]


def states(encoder, ids):
    with torch.no_grad():
        return encoder.eval()(torch.from_numpy(ids)[None], torch.ones(1, len(ids), dtype=torch.int64))[0].numpy()


def test_states_are_those_of_the_encoder_alone(tiny, features, tmp_path):
    cache = EncoderCache(tiny.model.encoder, tmp_path / "new" / "states.bin", sequences(features), batch_size=4)
    assert len(cache) == len({ids.tobytes() for ids in sequences(features)})
    for ids in sequences(features):
        assert cache[ids].shape == (len(ids), 16)
        assert np.allclose(cache[ids], states(tiny.model.encoder, ids), atol=1e-5)


def test_an_unknown_sequence_is_encoded_without_dropout(features, tmp_path):
    encoder = tiny_corpus.random_model(tiny_corpus.settings({"encoder": {"dropout": 0.5}})).model.encoder
    known, unknown = features[0].windows[0].ids, features[1].windows[0].ids
    cache = EncoderCache(encoder, tmp_path / "states.bin", [known])
    encoder.train()  # as the Trainer does
    assert np.allclose(cache[unknown], states(encoder, unknown), atol=1e-6)
    assert len(cache) == 1


@pytest.mark.parametrize(
    "layers", [(), (tiny_corpus.LITERAL,), (tiny_corpus.READER, PARTS)], ids=["default", "literal", "parts"]
)
def test_losses_with_and_without_the_cache_are_the_same(tmp_path, layers):
    chosen = tiny_corpus.settings(*layers, NO_DROPOUT)
    loaded = tiny_corpus.random_model(chosen)
    films = tiny_corpus.films(6)
    options = {"generated": 1, "paraphrase": True, "seed": 1}
    features = featurize(films, loaded.featurizer, loaded.schema, **options).examples
    cache = EncoderCache(loaded.model.encoder, tmp_path / "states.bin", sequences(features))
    criterion = Criterion(loaded.model, chosen.loss).train()
    found = {}
    for name, kept in (("cached", cache), ("encoded", None)):
        criterion.zero_grad()
        loss = criterion(**Collator(loaded.featurizer, chosen.model, chosen.loss, kept)(features))["loss"]
        loss.backward()
        # Learning starts behind the encoder: the layer that narrows its states has to learn from cached ones too.
        narrow = [p.grad.clone() for p in loaded.model.narrow.parameters()]
        found[name] = (loss.item(), narrow)
    assert found["cached"][0] == pytest.approx(found["encoded"][0], abs=1e-5)
    for left, right in zip(found["cached"][1], found["encoded"][1], strict=True):
        assert torch.allclose(left, right, atol=1e-5)
    assert bool(found["cached"][1]) is bool(chosen.model.pair_width)


def test_a_batch_of_cached_states_has_them_beside_token_ids(tiny, features, tmp_path):
    cache = EncoderCache(tiny.model.encoder, tmp_path / "states.bin", sequences(features))
    batch = Collator(tiny.featurizer, tiny.settings.model, LossSettings(), cache)(features)
    assert batch["text_ids"].shape == batch["text_mask"].shape and "triple_ids" not in batch
    assert batch["text_states"].shape == (*batch["text_mask"].shape, 16)
    assert batch["triple_states"].shape == (*batch["triple_mask"].shape, 16)
