import pytest
import torch
from networks import encoder
from torch.nn import functional

from cacre.modeling.masked_lm import MaskedLanguageModel

IDS = torch.tensor([[2, 7, 4, 9, 3], [2, 4, 8, 3, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]])
LABELS = torch.tensor([[-100, -100, 8, -100, -100], [-100, 11, -100, -100, -100]])


@pytest.fixture
def model():
    return MaskedLanguageModel(encoder()).eval()


def test_loss_is_the_cross_entropy_over_all_positions_that_have_a_label(model):
    with torch.no_grad():
        model.bias.normal_()
        states = model.encoder(IDS, MASK)
        logits = model.transform(states) @ model.encoder.backbone.embeddings.word_embeddings.weight.T + model.bias
        expected = functional.cross_entropy(logits.flatten(0, 1), LABELS.flatten(), ignore_index=-100)
        torch.testing.assert_close(model(IDS, MASK, LABELS)["loss"], expected)


def test_nothing_masked_gives_0_and_not_nan(model):
    loss = model(IDS, MASK, torch.full_like(LABELS, -100))["loss"]
    loss.backward()
    assert loss.item() == 0.0
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_output_layer_is_tied_to_the_embeddings(model):
    model(IDS, MASK, LABELS)["loss"].backward()
    # Token 20 is not in the input: only the output layer can have moved its embedding.
    assert model.encoder.backbone.embeddings.word_embeddings.weight.grad[20].abs().sum() > 0


def test_it_learns(model):
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = last = None
    for _ in range(30):
        optimiser.zero_grad()
        last = model(IDS, MASK, LABELS)["loss"]
        first = last.item() if first is None else first
        last.backward()
        optimiser.step()
    assert last.item() < 0.5 * first
