import doctest
import importlib
import math
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.losses import MultiGranularityInfoNCE, info_nce_with_margin, multi_granularity_info_nce
from cacre.losses.multi_granularity_info_nce import LossParts

LITERAL = {"base_margin": 0.08, "margin_scale": 0.0}
# cos+, cos-, S+, S-, loss without margin, with base margin, m and loss with beta, loss with the margin in cosine units
FIXTURES = [
    (0.8497, 0.6720, 12.1386, 9.6000, 0.076015, 0.070372, 0.3339, 0.055020, 0.024875),
    (0.8767, 0.7112, 12.5243, 10.1600, 0.089856, 0.083227, 0.3164, 0.066269, 0.029542),
    (0.9272, 0.6488, 13.2457, 9.2686, 0.018566, 0.017150, 0.4777, 0.011555, 0.005958),
    (0.8273, 0.5691, 11.8186, 8.1300, 0.024700, 0.022823, 0.4489, 0.015838, 0.007943),
]


class Batch(NamedTuple):
    anchor: torch.Tensor
    positive: torch.Tensor
    negatives: torch.Tensor
    anchor_mask: torch.Tensor
    positive_mask: torch.Tensor
    negative_mask: torch.Tensor
    negative_valid: torch.Tensor

    def loss(self, **options):
        masks = {name: getattr(self, name) for name in self._fields[3:]}
        return multi_granularity_info_nce(*self[:3], **masks, **options)


def random_batch(seed, rows=3, count=6, length=4, width=5):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, width, generator=generator, dtype=torch.float64)

    def mask(*shape):
        return torch.rand(*shape, generator=generator) > 0.3

    masks = mask(rows, length), mask(rows, length), mask(rows, count, length)
    for part in masks:
        part[..., 0] = True
    valid = mask(rows, count)
    valid[:, 0] = True
    return Batch(normal(rows, length), normal(rows, length), normal(rows, count, length), *masks, valid)


def with_cosine(cosine, length=3):
    """A sequence whose local and global cosine with that of `with_cosine(1)` is `cosine`."""
    vector = torch.tensor([cosine, math.sqrt(1 - cosine * cosine)], dtype=torch.float64)
    return vector.expand(length, 2)


def cos(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def fused(a, b, a_mask, b_mask, weight, tau):
    """Equations (8)-(17) for one pair: the fused and the global similarity."""
    both = [cos(x, y) for x, y, p, q in zip(a, b, a_mask, b_mask, strict=True) if p and q]
    local = sum(both) / len(both) / tau if both else 0.0
    kept = [[row for row, ok in zip(side, mask, strict=True) if ok] for side, mask in ((a, a_mask), (b, b_mask))]
    means = [[sum(column) / len(side) for column in zip(*side, strict=True)] for side in kept]
    overall = cos(*means) / tau
    return weight * local + (1 - weight) * overall, overall


def loop_loss(batch, tau=0.07, weight=0.7, top_k=0.8, base=0.08, beta=0.1):
    """Equations (8)-(21) row by row in plain Python: the loss of each row, its margin and K."""
    rows = []
    for anchor, positive, negatives, a_mask, p_mask, n_mask, valid in zip(*(x.tolist() for x in batch), strict=True):
        plus, plus_global = fused(anchor, positive, a_mask, p_mask, weight, tau)
        pairs = [
            fused(anchor, n, a_mask, m, weight, tau) for n, m, ok in zip(negatives, n_mask, valid, strict=True) if ok
        ]
        if not pairs:
            continue
        count = min(len(pairs), max(1, math.ceil(top_k * len(pairs) - 1e-9)))
        hard = sorted((s for s, _ in pairs), reverse=True)[:count]
        margin = base + beta * (plus_global - sum(g for _, g in pairs) / len(pairs))
        loss = -math.log(math.exp(plus) / (math.exp(plus) + sum(math.exp(s - margin) for s in hard)))
        rows.append((loss, margin, count))
    return rows


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f"{f[0]}/{f[1]}")
def test_numbers_of_table_5(fixture):
    plus, minus, s_plus, s_minus, bare, base, margin, beta, cosine_units = fixture
    projections = with_cosine(1.0)[None], with_cosine(plus)[None], with_cosine(minus)[None, None]
    cosines = [torch.tensor(c, dtype=torch.float64) for c in ([plus], [plus], [[minus]], [[minus]])]
    for loss, inputs in ((multi_granularity_info_nce, projections), (info_nce_with_margin, cosines)):
        assert loss(*inputs, base_margin=0.0, margin_scale=0.0).item() == pytest.approx(bare, abs=1e-5)
        assert loss(*inputs, **LITERAL).item() == pytest.approx(base, abs=1e-5)
        assert loss(*inputs, **LITERAL, margin_units="cosine").item() == pytest.approx(cosine_units, abs=1e-5)
        parts = loss(*inputs, return_parts=True)
        assert parts.loss.item() == pytest.approx(beta, abs=1e-5)
        assert parts.margin.item() == pytest.approx(margin, abs=1e-4)
        assert parts.positive.item() == pytest.approx(s_plus, abs=1e-4)
        assert parts.negatives.item() == pytest.approx(s_minus, abs=1e-4)
        assert parts.hard_count.tolist() == [1]


def test_the_worked_number_of_the_docstring():
    # the package exports the function under the name of its file, so the module is reached through its path
    result = doctest.testmod(importlib.import_module(LossParts.__module__))
    assert result.attempted == 3
    assert result.failed == 0
    margin = 0.08 + 0.1 * (12.1386 - 9.6000)
    assert math.log1p(math.exp(9.6000 - margin - 12.1386)) == pytest.approx(0.05502, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("choice", [{}, {"top_k": 0.3, "beta": 0.25}, {"tau": 0.5, "weight": 0.2, "base": 1.5}])
def test_equals_a_plain_loop(seed, choice):
    batch = random_batch(seed)
    batch.negative_valid[1] = False
    rows = loop_loss(batch, **choice)
    names = {"tau": "temperature", "weight": "local_weight", "beta": "margin_scale", "base": "base_margin"}
    parts = batch.loss(return_parts=True, **{names.get(name, name): value for name, value in choice.items()})
    assert parts.loss.dtype == torch.float64
    assert parts.loss.item() == pytest.approx(sum(loss for loss, _, _ in rows) / 2, abs=1e-9)
    assert parts.per_row[[0, 2]].tolist() == pytest.approx([loss for loss, _, _ in rows], abs=1e-9)
    assert parts.margin[[0, 2]].tolist() == pytest.approx([margin for _, margin, _ in rows], abs=1e-9)
    assert parts.hard_count[[0, 2]].tolist() == [count for _, _, count in rows]
    assert (parts.per_row[1], parts.margin[1], parts.hard_count[1]) == (0, 0, 0)


def test_the_module_is_the_function():
    batch = random_batch(3)
    module = MultiGranularityInfoNCE(temperature=0.2, top_k=0.5)
    assert torch.equal(module(*batch), batch.loss(temperature=0.2, top_k=0.5))
    assert not torch.equal(module(*batch), batch.loss())
    assert repr(module) == "MultiGranularityInfoNCE(temperature=0.2, top_k=0.5)"


def test_rows_are_independent_of_the_padding_of_others():
    batch = random_batch(5)
    parts = batch.loss(return_parts=True)
    for row in range(3):
        alone = Batch(*(x[row : row + 1] for x in batch))
        kept = batch.negative_valid[row]
        alone = alone._replace(
            negatives=alone.negatives[:, kept],
            negative_mask=alone.negative_mask[:, kept],
            negative_valid=None,
        )
        assert alone.loss().item() == pytest.approx(parts.per_row[row].item(), abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), order=st.permutations(range(6)))
def test_the_order_of_negatives_does_not_matter(seed, order):
    batch = random_batch(seed)
    moved = {name: getattr(batch, name)[:, order] for name in ("negatives", "negative_mask", "negative_valid")}
    assert batch._replace(**moved).loss().item() == pytest.approx(batch.loss().item(), abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    positions=st.integers(0, 3),
    negatives=st.integers(0, 3),
    junk=st.sampled_from([0.0, 1e6, math.nan]),
)
def test_added_padding_does_not_matter(seed, positions, negatives, junk):
    batch = random_batch(seed)

    def pad(x, *sizes, value):
        widths = [width for size in reversed(sizes) for width in (0, size)]
        return torch.nn.functional.pad(x, widths, value=value)

    padded = Batch(
        pad(batch.anchor, positions, 0, value=junk),
        pad(batch.positive, positions, 0, value=junk),
        pad(batch.negatives, negatives, positions, 0, value=junk),
        pad(batch.anchor_mask, positions, value=False),
        pad(batch.positive_mask, positions, value=False),
        pad(batch.negative_mask, negatives, positions, value=False),
        pad(batch.negative_valid, negatives, value=False),
    )
    assert padded.loss().item() == pytest.approx(batch.loss().item(), abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    low=st.floats(-1, 1),
    step=st.floats(0.01, 1),
    units=st.sampled_from(["logit", "cosine"]),
)
def test_a_larger_base_margin_makes_the_task_easier(seed, low, step, units):
    batch = random_batch(seed)
    before = batch.loss(base_margin=low, margin_units=units, return_parts=True).per_row
    after = batch.loss(base_margin=low + step, margin_units=units, return_parts=True).per_row
    assert (after < before).all()


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.0, 1e-20, 1e-3, 1.0, 1e6]), half=st.booleans())
def test_gradients_are_finite(seed, scale, half):
    batch = random_batch(seed)
    batch.negative_valid[0] = False
    kind = torch.bfloat16 if half else torch.float32
    inputs = [(x * scale).to(kind).requires_grad_() for x in batch[:3]]
    loss = Batch(*inputs, *batch[3:]).loss()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    loss.backward()
    assert all(x.grad.isfinite().all() for x in inputs)


@pytest.mark.parametrize("top_k", [0.5, 1.0])
def test_gradient_is_right(top_k):
    batch = random_batch(2, rows=2, count=3, length=2, width=2)
    inputs = [x.requires_grad_() for x in batch[:3]]
    assert torch.autograd.gradcheck(
        lambda *x: Batch(*x, *batch[3:]).loss(top_k=top_k, temperature=0.5, margin_scale=0.5), inputs
    )


def test_detaching_the_margin_changes_gradients_only():
    cosines = [torch.tensor(c, dtype=torch.float64) for c in ([0.8], [0.8], [[0.7, 0.6]], [[0.7, 0.6]])]
    gradients = []
    for detach in (False, True):
        inputs = [c.clone().requires_grad_() for c in cosines]
        parts = info_nce_with_margin(*inputs, detach_margin=detach, return_parts=True)
        parts.loss.backward()
        gradients.append(inputs[1].grad.item())
        probability = 1 - math.exp(-parts.loss.item())
    # S+_global = cos / tau enters (16) with weight 0.3 and, unless detached, (19) with beta = 0.1
    assert gradients[1] == pytest.approx(-probability * 0.3 / 0.07)
    assert gradients[0] == pytest.approx(-probability * (0.3 + 0.1) / 0.07)
    values = [random_batch(4).loss(detach_margin=detach).item() for detach in (False, True)]
    assert values[0] == values[1]


def test_rows_without_negatives_are_left_out_of_the_mean():
    batch = random_batch(6)
    batch.negative_valid[2] = False
    two = Batch(*(x[:2] for x in batch))
    assert batch.loss().item() == pytest.approx(two.loss().item(), abs=1e-12)


@pytest.mark.parametrize("count", [0, 3])
def test_no_negatives_at_all_give_zero_with_a_gradient(count):
    batch = random_batch(6, count=6)
    batch = batch._replace(
        negatives=batch.negatives[:, :count],
        negative_mask=batch.negative_mask[:, :count],
        negative_valid=torch.zeros(3, count, dtype=torch.bool),
    )
    batch.anchor.requires_grad_()
    loss = batch.loss()
    assert loss.item() == 0.0
    loss.backward()
    assert batch.anchor.grad.eq(0).all()


def test_negatives_that_do_not_exist_may_hold_anything():
    cosines = torch.tensor([0.8]), torch.tensor([0.9]), torch.tensor([[0.7, math.nan]]), torch.tensor([[0.6, math.inf]])
    inputs = [c.requires_grad_() for c in cosines]
    parts = info_nce_with_margin(*inputs, negative_valid=torch.tensor([[1, 0]]), return_parts=True)
    alone = info_nce_with_margin(*(c.detach() for c in cosines[:2]), *(c.detach()[:, :1] for c in cosines[2:]))
    assert parts.loss.item() == pytest.approx(alone.item())
    assert parts.negatives[0, 1] == 0
    parts.loss.backward()
    assert all(c.grad.isfinite().all() for c in inputs)
    assert inputs[2].grad[0, 1] == 0


def test_autocast_does_not_lower_the_precision():
    batch = random_batch(8)
    halves = Batch(*(x.bfloat16() for x in batch[:3]), *batch[3:])
    expected = Batch(*(x.double() for x in halves[:3]), *batch[3:]).loss()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = halves.loss()
    assert result.item() == pytest.approx(expected.item(), abs=1e-4)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"temperature": 0.0}, "temperature is 0.0, allowed is above 0"),
        ({"local_weight": 1.1}, "local_weight is 1.1, allowed is 0 to 1"),
        ({"top_k": 0.0}, "top_k is 0.0, allowed is above 0 and at most 1"),
        ({"margin_units": "degrees"}, "margin_units is 'degrees', allowed is 'logit' or 'cosine'"),
    ],
)
def test_a_wrong_hyper_parameter_is_named(option, message):
    with pytest.raises(ValueError, match=message):
        MultiGranularityInfoNCE(**option)
    with pytest.raises(ValueError, match=message):
        random_batch(0).loss(**option)


def test_wrong_shapes_are_named():
    batch = random_batch(0)
    with pytest.raises(ValueError, match=r"negatives \[B, N, L, P\], got \[3, 4, 5\], \[3, 4, 5\], \[3, 4, 5\]"):
        multi_granularity_info_nce(batch.anchor, batch.positive, batch.anchor)
    one, two = torch.zeros(3), torch.zeros(3, 2)
    for wrong in (
        (one, one, two.T, two.T),
        (one, one, two, two[:, :1]),
        (two, two, two, two),
        (one, one[:1], two, two),
    ):
        with pytest.raises(ValueError, match=r"expected positives \[B\], \[B\] and negatives \[B, N\], \[B, N\], got"):
            info_nce_with_margin(*wrong)
    with pytest.raises(ValueError, match=r"negative_valid \[3\] must be \[B, N\]"):
        info_nce_with_margin(one, one, two, two, negative_valid=one)
