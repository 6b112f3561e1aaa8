import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cacre.similarity import (
    global_cosine,
    masked_mean,
    max_sim,
    position_cosine,
    soft_alignment,
    symmetric_max_sim,
)

WIDTH = 4
TWO_SIDED = [global_cosine, position_cosine, max_sim, symmetric_max_sim]


def random_sides(seed, left=5, right=7, lead=(3,), dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    def mask(length):
        valid = torch.rand(*lead, length, generator=generator) > 0.4
        valid[..., 0] = True
        return valid

    return normal(*lead, left, WIDTH), normal(*lead, right, WIDTH), mask(left), mask(right)


def align(left, right, left_mask, right_mask):
    """`soft_alignment` with weights that depend on the two sides, in the signature of the others."""
    weights = torch.softmax(left.nan_to_num() @ right.nan_to_num().transpose(-1, -2), dim=-1)
    return soft_alignment(left, right, weights, left_mask, right_mask)


ALL = [*TWO_SIDED, align]


def cos(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def loop_reference(function, left, right, left_mask, right_mask):
    """The similarity of one pair of unpadded-by-hand sequences in plain Python."""
    rows = [row for row, ok in zip(left.tolist(), left_mask.tolist(), strict=True) if ok]
    columns = [row for row, ok in zip(right.tolist(), right_mask.tolist(), strict=True) if ok]
    if function is global_cosine:
        means = [[sum(v[p] for v in side) / len(side) for p in range(WIDTH)] for side in (rows, columns)]
        return cos(*means)
    if function is position_cosine:
        paired = zip(left.tolist(), right.tolist(), left_mask.tolist(), right_mask.tolist(), strict=False)
        values = [cos(a, b) for a, b, a_ok, b_ok in paired if a_ok and b_ok]
        return sum(values) / len(values) if values else 0.0
    forth = sum(max(cos(a, b) for b in columns) for a in rows) / len(rows)
    if function is max_sim:
        return forth
    back = sum(max(cos(a, b) for a in rows) for b in columns) / len(columns)
    return (forth + back) / 2


@pytest.mark.parametrize("function", TWO_SIDED)
@pytest.mark.parametrize(("left", "right"), [(5, 7), (7, 5), (4, 4), (1, 3), (3, 1)])
def test_equals_a_plain_loop(function, left, right):
    sides = random_sides(left * 10 + right, left, right)
    expected = [loop_reference(function, *(side[i] for side in sides)) for i in range(3)]
    assert function(*sides).tolist() == pytest.approx(expected, abs=1e-9)


def test_masked_mean_by_hand():
    x = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]]])
    assert masked_mean(x, torch.tensor([[1, 1, 0]])).tolist() == [[2.0, 4.0]]
    assert masked_mean(x[:, :2]).tolist() == [[2.0, 4.0]]
    assert masked_mean(x, torch.tensor([[False] * 3])).tolist() == [[0.0, 0.0]]


def test_soft_alignment_by_hand():
    triple = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    text = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    weights = torch.tensor([[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]])
    half = math.sqrt(0.5)
    assert soft_alignment(triple, text, weights).item() == pytest.approx((1 + half + half) / 3)
    assert soft_alignment(triple, text, weights, torch.tensor([1, 1, 0])).item() == pytest.approx((1 + half) / 2)
    # only the second text token is left for each row; the first and third row then attend to nothing
    assert soft_alignment(triple, text, weights, None, torch.tensor([0, 1])).item() == pytest.approx(1 / 3)


def test_soft_alignment_does_not_see_the_scale_of_the_weights():
    triple, text, _, text_mask = random_sides(3)
    weights = torch.rand(3, 5, 7, dtype=torch.float64)
    kept = weights * text_mask.unsqueeze(1)
    renormalised = soft_alignment(triple, text, kept / kept.sum(-1, keepdim=True))
    assert torch.allclose(soft_alignment(triple, text, weights, None, text_mask), renormalised, atol=1e-12)


def test_weights_of_padding_may_be_nan_as_a_softmax_over_nothing_gives_them():
    triple, text, triple_mask, text_mask = random_sides(4)
    text_mask[0] = False
    weights = torch.rand(3, 5, 7, dtype=torch.float64)
    expected = soft_alignment(triple, text, weights, triple_mask, text_mask)
    counts = triple_mask.unsqueeze(-1) & text_mask.unsqueeze(-2)
    weights = torch.where(counts, weights, math.nan).requires_grad_()
    result = soft_alignment(triple, text, weights, triple_mask, text_mask)
    assert torch.equal(result, expected)
    result.sum().backward()
    assert weights.grad.isfinite().all()
    assert weights.grad[~counts].eq(0).all()


def test_max_sim_finds_a_moved_token_where_positions_do_not():
    left = torch.eye(3)
    moved = left.roll(1, dims=0)
    assert max_sim(left, moved).item() == pytest.approx(1.0)
    assert position_cosine(left, moved).item() == pytest.approx(0.0)


def test_max_sim_is_directed_and_its_symmetric_form_is_not():
    short, long = torch.eye(3)[:1], torch.eye(3)
    assert max_sim(short, long).item() == pytest.approx(1.0)
    assert max_sim(long, short).item() == pytest.approx(1 / 3)
    assert symmetric_max_sim(short, long).item() == pytest.approx(2 / 3)
    assert symmetric_max_sim(long, short).item() == pytest.approx(2 / 3)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), extra=st.integers(1, 4), junk=st.sampled_from([0.0, 1e6, math.inf, math.nan]))
@pytest.mark.parametrize("function", ALL)
def test_padding_never_influences_the_result(function, seed, extra, junk):
    left, right, left_mask, right_mask = random_sides(seed)
    expected = function(left, right, left_mask, right_mask)
    left = torch.where(left_mask.unsqueeze(-1), left, junk)
    right = torch.where(right_mask.unsqueeze(-1), right, junk)
    right = torch.cat([right, torch.full((3, extra, WIDTH), junk, dtype=right.dtype)], dim=1)
    right_mask = torch.cat([right_mask, torch.zeros(3, extra, dtype=torch.bool)], dim=1)
    if function is align:  # its weights would change with the junk: give those of the valid part
        weights = torch.rand(3, 5, 7 + extra, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        clean = soft_alignment(*random_sides(seed)[:2], weights[..., :7], left_mask, right_mask[:, :7])
        assert torch.equal(soft_alignment(left, right, weights, left_mask, right_mask), clean)
    else:
        assert torch.allclose(function(left, right, left_mask, right_mask), expected, atol=1e-12)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3))
@pytest.mark.parametrize("function", ALL)
def test_stays_within_one_and_is_one_only_for_the_same_direction(function, seed, scale):
    left, right, left_mask, right_mask = random_sides(seed)
    assert function(left, right, left_mask, right_mask).abs().max() <= 1 + 1e-12
    if function is not align:
        assert torch.allclose(function(left, left * scale, left_mask, left_mask), torch.ones(3, dtype=left.dtype))


@pytest.mark.parametrize("function", ALL)
def test_an_empty_side_gives_zero_and_gradients_of_zero_at_padding(function):
    left, right, left_mask, right_mask = random_sides(1)
    left_mask[0] = False
    right_mask[1] = False
    left = torch.where(left_mask.unsqueeze(-1), left, math.nan).requires_grad_()
    right.requires_grad_()
    weights = torch.rand(3, 5, 7, dtype=torch.float64)
    masks = left_mask, right_mask
    result = soft_alignment(left, right, weights, *masks) if function is align else function(left, right, *masks)
    assert result[:2].tolist() == [0.0, 0.0]
    assert result[2] != 0
    result.sum().backward()
    for side, mask in ((left, left_mask), (right, right_mask)):
        assert side.grad.isfinite().all()
        assert side.grad[~mask].eq(0).all()
        assert side.grad[2][mask[2]].ne(0).any()


@pytest.mark.parametrize("function", ALL)
def test_zero_vectors_give_zero_and_finite_gradients(function):
    left = torch.zeros(2, 3, WIDTH, requires_grad=True)
    right = torch.randn(2, 3, WIDTH, generator=torch.Generator().manual_seed(0)).requires_grad_()
    result = function(left, right, None, None)
    assert result.tolist() == [0.0, 0.0]
    result.sum().backward()
    assert left.grad.isfinite().all()
    assert right.grad.isfinite().all()


@pytest.mark.parametrize("function", ALL)
def test_gradient_is_right(function):
    left, right, left_mask, right_mask = random_sides(5, 3, 4, (2,))
    sides = left.requires_grad_(), right.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: function(a, b, left_mask, right_mask), sides)


@pytest.mark.parametrize("function", TWO_SIDED)
def test_one_anchor_broadcasts_against_many(function):
    left, _, left_mask, _ = random_sides(7)
    _, right, _, right_mask = random_sides(8, lead=(3, 2))
    result = function(left.unsqueeze(1), right, left_mask.unsqueeze(1), right_mask)
    alone = [[function(left[b], right[b, n], left_mask[b], right_mask[b, n]).item() for n in (0, 1)] for b in range(3)]
    assert torch.allclose(result, torch.tensor(alone, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("function", ALL)
def test_masks_may_be_bool_integer_or_float(function):
    left, right, left_mask, right_mask = random_sides(9)
    expected = function(left, right, left_mask, right_mask)
    assert torch.equal(function(left, right, left_mask.long(), right_mask.float()), expected)


def test_half_precision_is_computed_in_float32_also_under_autocast():
    left, right, left_mask, right_mask = random_sides(11, dtype=torch.float32)
    left, right = left.bfloat16(), right.bfloat16()
    weights = torch.rand(3, 5, 7)
    for function in TWO_SIDED:
        expected = function(left.double(), right.double(), left_mask, right_mask)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            result = function(left, right, left_mask, right_mask)
        assert result.dtype == torch.float32
        assert result.tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    expected = soft_alignment(left.double(), right.double(), weights.double(), left_mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = soft_alignment(left, right, weights, left_mask)
    assert result.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


class AllSimilarities(torch.nn.Module):
    def forward(self, left, right, left_mask, right_mask, weights):
        masks = left_mask, right_mask
        return *(function(left, right, *masks) for function in TWO_SIDED), soft_alignment(left, right, weights, *masks)


def export_inputs(count, left, right):
    left, right, left_mask, right_mask = random_sides(left * right, left, right, (count,), torch.float32)
    left_mask[0] = False  # one graph also has to serve an empty side
    return left, right, left_mask.long(), right_mask.long(), torch.rand(count, left.shape[1], right.shape[1])


@pytest.mark.slow
def test_one_onnx_graph_serves_all_lengths():
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    names = ["left", "right", "left_mask", "right_mask", "weights"]
    count, left, right = (torch.export.Dim(name) for name in ("count", "left_length", "right_length"))
    shapes = ({0: count, 1: left}, {0: count, 1: right}) * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own use of torch
        program = torch.onnx.export(
            AllSimilarities().eval(),
            export_inputs(3, 5, 7),
            dynamo=True,
            verbose=False,
            input_names=names,
            dynamic_shapes=(*shapes, {0: count, 1: left, 2: right}),
        )
    session = runtime.InferenceSession(program.model_proto.SerializeToString())
    for sizes in [(3, 5, 7), (2, 9, 4), (1, 6, 6), (4, 1, 3), (4, 3, 1)]:
        inputs = export_inputs(*sizes)
        outputs = session.run(None, {name: x.numpy() for name, x in zip(names, inputs, strict=True)})
        for output, expected in zip(outputs, AllSimilarities()(*inputs), strict=True):
            assert output == pytest.approx(expected.numpy(), abs=1e-5)
