import pytest
import torch

import tiny_corpus
from cacre.schema import load_schema
from cacre.training.features import featurize


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(5)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def schema():
    return load_schema("duie")


@pytest.fixture(scope="session")
def tiny():
    """A network with random weights; not to be changed."""
    return tiny_corpus.random_model(tiny_corpus.settings())


@pytest.fixture(scope="session")
def features(tiny, schema):
    """Three examples, featurised: with 2, 1 and 2 negatives of their own, and one generated per anchor."""
    first, second, third = tiny_corpus.films(3)
    second = type(second)(second.text, second.anchors[:1], second.positives[:1], second.negatives[:1])
    return featurize([first, second, third], tiny.featurizer, schema, generated=1, paraphrase=True, seed=1).examples
