"""`/v1/explain`, and what `/v1/filter` says when it is asked what scores were compared with."""

import pytest
from service_calls import LISTED, OUTSIDE, RIGHT, ROW, TEXT, error_of, held_service, post, tiny_service, tiny_verifier


def test_explain_gives_tokens_of_both_sides_and_their_weights(tiny_folder):
    said = post(tiny_service(tiny_folder), "/v1/explain", {"text": TEXT, "triple": LISTED}).json()
    assert said["window"] == [0, len(TEXT)]
    assert "".join(TEXT[start:end] for start, end in said["text_tokens"]) == TEXT
    assert "".join(token["part"][0] for token in said["triple_tokens"]) == "sssppooo"
    assert said["triple"] == list(LISTED)
    expected = tiny_verifier(tiny_folder).attention(TEXT, tuple(LISTED)).weights
    assert said["weights"] == [pytest.approx(row, abs=1e-5) for row in expected.tolist()]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": TEXT}, "triple"),
        ({"triple": RIGHT}, "text"),
        ({"text": TEXT, "triple": ["a", "b"]}, "triple"),
        ({"text": TEXT, "triple": {**RIGHT, "object": ""}}, "triple.object"),
        ({"text": "雨" * 20_001, "triple": RIGHT}, "text"),
    ],
)
def test_what_cannot_be_explained_is_named(tiny_folder, body, field):
    response = post(tiny_service(tiny_folder), "/v1/explain", body)
    assert (response.status_code, error_of(response)["field"]) == (422, field)


def test_comparisons_come_only_when_asked_for(tiny_folder):
    plain = post(tiny_service(tiny_folder), "/v1/filter", {"rows": [ROW]}).json()
    asked = post(tiny_service(tiny_folder), "/v1/filter", {"rows": [ROW], "comparisons": True}).json()
    compared = [triple.pop("comparison") for triple in asked["all"][0]["triples"]]
    assert asked["all"] == plain["all"]
    expected = tiny_verifier(tiny_folder).comparisons([tuple(RIGHT.values()), tuple(LISTED), tuple(OUTSIDE)])
    assert [one["strategy"] for one in compared] == [one.strategy for one in expected]
    assert [one["triples"] for one in compared] == [[list(triple) for triple in one.triples] for one in expected]
    wrong = post(tiny_service(tiny_folder), "/v1/filter", {"rows": [ROW], "comparisons": 1})
    assert (wrong.status_code, error_of(wrong)["field"]) == (422, "comparisons")


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/explain", {"text": TEXT, "triple": RIGHT}), ("/v1/filter", {"rows": [ROW], "comparisons": True})],
)
def test_a_verifier_that_explains_nothing_says_so(path, body):
    service, _ = held_service()
    response = post(service, path, body)
    assert (response.status_code, error_of(response)["code"]) == (501, "no_explanation")
