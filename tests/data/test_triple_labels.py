"""Labels beside a list of triples go with them: into its parts, and away when others take their place."""

import pytest

from cacre.data import part_of, without_labels

TRIPLES = [
    {"subject": "潮信", "predicate": "导演", "object": name, "verdict": verdict}
    for name, verdict in (("段小满", "supported"), ("邴万里", "rejected"), ("汲红缨", "supported"))
]


def row(**more):
    return {"id": "a", "text": "《潮信》由段小满执导。", "triples": TRIPLES, **more}


@pytest.mark.parametrize("labels", [[1, 0, None], [True, {"supported": 0, "kind": "object"}, None]])
def test_each_part_has_the_labels_of_its_triples(labels):
    kept, rejected = (part_of(row(labels=labels, note="n"), outcome) for outcome in ("supported", "rejected"))
    assert (kept["triples"], kept["labels"], kept["note"]) == ([TRIPLES[0], TRIPLES[2]], [labels[0], labels[2]], "n")
    assert (rejected["triples"], rejected["labels"]) == ([TRIPLES[1]], [labels[1]])


@pytest.mark.parametrize(
    "own",
    [{}, {"labels": ["影视", "人物", "海"]}, {"labels": "影视"}, {"labels": [1]}, {"labels": [[2], [], []]}],
)
def test_what_is_not_aligned_with_the_triples_stays(own):
    assert part_of(row(**own), "rejected") == row(triples=TRIPLES[1:2], **own)


@pytest.mark.parametrize("stale", [{"triples": [], "labels": []}, {"triples": TRIPLES, "labels": [1, 0, 1]}])
def test_labels_go_with_the_triples_that_are_replaced(stale):
    assert without_labels({"text": "雾。", **stale}) == {"text": "雾。", "triples": stale["triples"]}
    assert without_labels({"text": "雾。", "labels": [1, None]}) == {"text": "雾。"}
    for own in ({"text": "雾。", "labels": ["影视"]}, {"text": "雾。", "triples": [], "labels": ["影视"]}):
        assert without_labels(own) == own
