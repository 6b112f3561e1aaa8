"""The pointer: what it is asked, and that it learns."""

import pytest
import torch

import tiny_corpus
from cacre.preprocessing.evidence import NEAREST
from cacre.training.batches import Collator
from cacre.training.objective import Criterion, combine, compare, project

POINTER = {"model": {"pointer": True}}


def test_a_pointer_is_asked_for_what_the_anchors_of_the_text_have(features):
    settings = tiny_corpus.settings(tiny_corpus.READER, POINTER)
    loaded = tiny_corpus.random_model(settings)
    batch = Collator(loaded.featurizer, settings.model, settings.loss)(features)
    wanted, marks = batch["pointed"], batch["marks"]
    for anchor in set(batch["anchor"].tolist()):
        for way, column in enumerate(NEAREST):
            own = marks[anchor, :, column]
            assert own.any() and wanted[anchor, way][own].all()
    # A wrong object of a right subject is told where the right one stands, and never its own place.
    moved = [
        (row, anchor)
        for row, triple in enumerate(batch["pair_triple"].tolist())
        for anchor in set(batch["anchor"].tolist())
        if batch["pair_text"][row] == batch["pair_text"][anchor]
        and same_part(batch, triple, batch["pair_triple"][anchor], (1, 2))
        and not same_part(batch, triple, batch["pair_triple"][anchor], (3,))
    ]
    assert moved
    for row, anchor in moved:
        assert wanted[row, 1][marks[anchor, :, NEAREST[1]]].all()


def same_part(batch, left, right, roles):
    ids, of = batch["triple_ids"], batch["role_ids"]
    return all(ids[left][of[left] == r].tolist() == ids[right][of[right] == r].tolist() for r in roles)


def test_a_pointer_learns_and_its_loss_does_not_depend_on_how_a_batch_is_cut(features):
    settings = tiny_corpus.settings(tiny_corpus.READER, POINTER)
    loaded = tiny_corpus.random_model(settings)
    criterion = Criterion(loaded.model, settings.loss).eval()
    collator = Collator(loaded.featurizer, settings.model, settings.loss)
    whole = criterion(**collator(features))["loss"]
    whole.backward()
    found = {name: parameter.grad for name, parameter in loaded.model.named_parameters()}
    assert [name for name, grad in found.items() if grad is None] == []
    pointer = [grad for name, grad in found.items() if ".pointer." in name]
    assert len(pointer) == 11 and all(grad.abs().max() > 0 for grad in pointer)
    chunks = collator.split(features, [range(len(features) // 2), range(len(features) // 2, len(features))])
    torch.testing.assert_close(criterion(chunks=chunks)["loss"], whole)


def test_a_pointer_without_weight_teaches_nothing_directly(features):
    settings = tiny_corpus.settings(tiny_corpus.READER, POINTER)
    loaded = tiny_corpus.random_model(settings)
    batch = Collator(loaded.featurizer, settings.model, settings.loss)(features)
    with torch.no_grad():
        scores = compare(loaded.model, batch, project(loaded.model, batch), settings.loss)
        free = settings.loss.model_copy(update={"pointer_weight": 0.0})
        more, less = (combine(scores, loss, 0.7).loss for loss in (settings.loss, free))
    assert more - less == pytest.approx(4.0 * scores.pointing.mean().item(), rel=1e-5)
