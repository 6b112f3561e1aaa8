import torch

import tiny_corpus
from cacre.training.averaging import average_with, copied_weights


def moved(model, by):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(by)


def test_each_weight_moves_by_its_part_and_one_with_two_names_once():
    model = tiny_corpus.random_model(tiny_corpus.settings({"model": {"share_attention": True}})).model
    names = model.state_dict()
    assert names["cross_attention.text_to_triple.query.weight"] is not None, "the shared weight has two names"
    before = copied_weights(model)
    moved(model, 1.0)
    after = copied_weights(model)
    average_with(model, before, 0.25)
    for name, value in model.named_parameters():
        torch.testing.assert_close(value.detach(), before[name] + 0.75, rtol=0, atol=1e-5)
    average_with(model, after, 1.0)
    assert all(torch.equal(value, after[name]) for name, value in model.state_dict().items())


def test_nothing_changes_at_0():
    model = tiny_corpus.random_model(tiny_corpus.settings()).model
    before = copied_weights(model)
    moved(model, 0.5)
    after = copied_weights(model)
    average_with(model, before, 0.0)
    assert all(torch.equal(value, after[name]) for name, value in model.state_dict().items())
