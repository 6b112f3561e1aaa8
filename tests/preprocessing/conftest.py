from functools import cache

import pytest

from cacre.config import ModelSettings
from cacre.preprocessing.featurizer import Featurizer
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.schema import load_schema

CHARACTERS = "《雾中渡》由林知远执导，顾青禾编剧，沈若汐主演。妻子是导演的丈夫abcdefgm0123456789…!"


@pytest.fixture(scope="session")
def tokenizer():
    return build_character_tokenizer([CHARACTERS], min_count=1)


@pytest.fixture(scope="session")
def schema():
    return load_schema("duie")


@pytest.fixture(scope="session")
def make_featurizer(tokenizer, schema):
    @cache
    def make(**settings):
        return Featurizer(tokenizer, schema, ModelSettings(**settings))

    return make


@pytest.fixture(scope="session")
def featurizer(make_featurizer):
    return make_featurizer()
