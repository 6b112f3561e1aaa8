"""The reader: where it looks, what it does not depend on, and that a text is worked on once."""

import pytest
import torch
from networks import READER, VALUES, network, pairs, score
from pydantic import ValidationError

from cacre.config import ModelSettings, parse_settings
from cacre.errors import ConfigError
from cacre.modeling.mentions import mention_borders
from cacre.modeling.model import LOGIT_SCALE
from cacre.modeling.reader import Reader, _buckets
from cacre.preprocessing.evidence import MARKS


def test_distances_are_classed_by_side_and_steps():
    mention = torch.zeros(1, 30)
    mention[0, 10:13] = 1.0
    first, last, found = mention_borders(mention)
    assert (first.item(), last.item(), found.item()) == (10, 12, 1.0)
    classes = _buckets(first, last, found, 30)[0].tolist()
    assert classes[10:13] == [0, 0, 0]
    assert classes[9] == 1 and classes[8] == 2 and classes[7] == 3 and classes[5] == 4 and classes[1] == 5
    assert classes[13] == 7 and classes[14] == 8 and classes[15] == 9 and classes[21] == 11 and classes[29] == 12


def test_a_missing_mention_has_a_class_of_its_own():
    first, last, found = mention_borders(torch.zeros(1, 5))
    assert found.item() == 0
    assert set(_buckets(first, last, found, 5)[0].tolist()) == {13}


def test_a_mention_at_the_first_token_is_found():
    mention = torch.tensor([[1.0, 0.0, 0.0]])
    assert [x.item() for x in mention_borders(mention)] == [0, 0, 1.0]


def test_text_score_is_the_logit_brought_into_the_range_of_a_cosine():
    model, pair = network(**READER), pairs()
    projection = model(pair)
    torch.testing.assert_close(score(model, pair), torch.tanh(projection.logit.detach() / LOGIT_SCALE))
    assert projection.text.shape[-1] == 0


@pytest.mark.parametrize("column", ["nearest_subject", "nearest_object", "cue", "negation"])
def test_where_a_mark_stands_changes_the_score(column):
    model, pair = network(**READER), pairs()
    moved = pair.marks.clone()
    moved[..., MARKS.index(column)] = 0.0
    moved[:, 1, MARKS.index(column)] = 1.0
    other = pair.marks.clone()
    other[..., MARKS.index(column)] = 0.0
    other[:, 3, MARKS.index(column)] = 1.0
    difference = score(model, pair._replace(marks=moved)) - score(model, pair._replace(marks=other))
    assert difference.abs().min() > 1e-6


def test_texts_given_once_score_like_texts_given_for_each_pair():
    model, pair = network(**READER), pairs(text_lengths=(9, 9, 9))
    once = pair._replace(
        text_states=pair.text_states[:1], text_mask=pair.text_mask[:1], text_row=torch.tensor([0, 0, 0])
    )
    spread = once.spread
    assert spread.text_row is None and spread.text_states.shape[0] == 3
    torch.testing.assert_close(score(model, once), score(model, spread))
    plain = network()
    torch.testing.assert_close(score(plain, once), score(plain, spread))


def test_only_the_judged_pairs_are_read():
    model, pair = network(**READER), pairs()
    whole = model(pair).logit
    some = model(pair._replace(judged=torch.tensor([2, 0]))).logit
    torch.testing.assert_close(some, torch.stack([whole[0], torch.zeros(()), whole[2]]))


def test_the_weights_shown_are_a_distribution_over_the_text_and_the_same_for_all_tokens_of_a_role():
    model, pair = network(**READER), pairs()
    shown = model(pair).attention
    torch.testing.assert_close(shown.sum(dim=-1), torch.ones(shown.shape[:2]))
    assert (shown * (1 - pair.text_mask)[:, None, :]).abs().max() == 0
    for row, roles in enumerate(pair.role_ids):
        for role in roles.unique():
            rows = shown[row][roles == role]
            torch.testing.assert_close(rows, rows[:1].expand_as(rows))
    assert len(shown[0].unique(dim=0)) > 1


def test_triple_vectors_do_not_depend_on_what_is_judged():
    model, pair = network(**READER), pairs()
    torch.testing.assert_close(model(pair).triple, model(pair._replace(judged=torch.tensor([1]))).triple)


@pytest.mark.parametrize(
    "values",
    [
        {"evidence": False},
        {"attention": "none", "local_similarity": "max_sim"},
        {"second_hop": "crosswise"},
        {"evidence_layers": 1},
    ],
    ids=str,
)
def test_settings_that_contradict_a_reader_are_refused(values):
    with pytest.raises(ValidationError, match="reader_layers"):
        ModelSettings(**{**READER, **values})


def test_a_cross_entropy_without_a_logit_is_refused():
    with pytest.raises(ConfigError, match="bce_weight needs a logit"):
        parse_settings({"loss": {"bce_weight": 1.0}}, "here")
    with pytest.raises(ConfigError, match="text_view='pairwise'"):
        parse_settings({"model": READER, "loss": {"text_view": "anchor", "negatives": "own"}}, "here")


def test_other_marks_are_refused():
    with pytest.raises(ConfigError, match="marks of string evidence"):
        Reader(8, layers=1, heads=2, marks=3, values=VALUES, dropout=0.0)
    with pytest.raises(ConfigError, match="must divide"):
        Reader(8, layers=1, heads=3, marks=len(MARKS), values=VALUES, dropout=0.0)
