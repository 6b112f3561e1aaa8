from types import SimpleNamespace

import pytest

from cacre.config import load_settings
from cacre.schema import RelationType, Schema, load_schema
from cacre.training.run import start_weight

OPEN = load_schema("open")
HARBOURS = Schema.of("harbours", [RelationType("停靠港", "船舶", "地点")])
# 主演 is in the schema `open`, under its own name
FILMS = Schema.of("films", [RelationType("主演", "影视作品", "人物")])


@pytest.mark.parametrize(
    ("start", "schema", "given", "weight"),
    [
        (OPEN, OPEN, None, 0.5),
        (OPEN, FILMS, None, 0.5),
        (OPEN, HARBOURS, None, 0.0),
        (OPEN, HARBOURS, 0.3, 0.3),
        (OPEN, OPEN, 0.0, 0.0),
    ],
)
def test_relations_that_the_start_has_not_learned_are_not_averaged_away(start, schema, given, weight):
    settings = load_settings("default", {} if given is None else {"training": {"start_weight": given}})
    assert start_weight(settings, SimpleNamespace(schema=start), schema) == weight
