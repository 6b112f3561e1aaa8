"""The three graphs of a model folder, as torch modules with flat inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cacre.modeling.folder import LoadedModel
from cacre.modeling.model import Cacre
from cacre.modeling.values import Pair
from cacre.preprocessing.featurizer import Featurizer


class EncoderGraph(nn.Module):
    """`input_ids, attention_mask [B, L] -> states [B, L, D]`."""

    def __init__(self, model: Cacre) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """E_T or E_R."""
        return self.model.encode(input_ids, attention_mask)


class PairGraph(nn.Module):
    """States of T texts, C pairs with them -> `text_score [C], triple_vectors [C, L_R, P], attention [C, L_R, L_T]`.

    A reader reads only the pairs that are to be judged; the others' score and attention are 0.
    """

    def __init__(self, model: Cacre) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        text_states: Tensor,
        text_mask: Tensor,
        text_row: Tensor,
        judged: Tensor,
        triple_states: Tensor,
        triple_mask: Tensor,
        role_ids: Tensor,
        marks: Tensor,
        values: Tensor,
        text_ids: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Equations (2)-(17)."""
        triple = (triple_states, triple_mask, role_ids)
        pair = Pair(text_states, text_mask, *triple, marks, values, text_row, judged, text_ids)
        projection = self.model(pair)
        score = self.model.text_similarity(projection).fuse(self.model.settings.local_weight)
        return score, projection.triple, projection.attention


class CompareGraph(nn.Module):
    """`left [C, L, P], left_mask, right [C, L', P], right_mask -> pair_score [C]`."""

    def __init__(self, model: Cacre) -> None:
        super().__init__()
        self.model = model

    def forward(self, left: Tensor, left_mask: Tensor, right: Tensor, right_mask: Tensor) -> Tensor:
        """S_tt."""
        return self.model.pair_similarity(left, left_mask, right, right_mask).fuse(self.model.settings.local_weight)


@dataclass(frozen=True)
class GraphSpec:
    """How to export one graph.

    Args:
        module: The graph.
        inputs: Example inputs by name, in the order of `forward`.
        outputs: Names of the outputs.
        dynamic: For each input, axis -> name of the dimension.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    dynamic: dict[str, dict[int, str]]


def graph_specs(loaded: LoadedModel) -> dict[str, GraphSpec]:
    """The three graphs by file name, without the suffix."""
    model, settings = loaded.model, loaded.settings.model
    width, size = model.width, model.projection_size
    l_t, l_r = (settings.max_text_length, settings.max_triple_length) if settings.pad_to_max else (11, 7)
    text, triple = {0: "texts", 1: "text_length"}, {0: "pairs", 1: "triple_length"}
    marked = {0: "pairs", 1: "text_length"}
    if settings.pad_to_max:  # equation (4) read literally needs L_T = L_R, so the lengths are part of the graph
        text, triple, marked = {0: "texts"}, {0: "pairs"}, {0: "pairs"}
    pair: dict[str, tuple[Any, dict[int, str]]] = {
        "text_states": (torch.randn(2, l_t, width), text),
        "text_mask": (_mask(2, l_t), text),
        "text_row": (torch.tensor([0, 1, 1]), {0: "pairs"}),
        "judged": (torch.tensor([0, 2]), {0: "judged"}),
        "triple_states": (torch.randn(3, l_r, width), triple),
        "triple_mask": (_mask(3, l_r), triple),
        "role_ids": (torch.randint(0, 4, (3, l_r)), triple),
        "marks": (torch.rand(3, l_t, Featurizer.mark_count), marked),
        "values": (torch.rand(3, Featurizer.value_count), {0: "pairs"}),
        "text_ids": (torch.randint(5, loaded.tokenizer.get_vocab_size(), (2, l_t)), text),
    }
    ids = torch.randint(5, loaded.tokenizer.get_vocab_size(), (3, 9))
    batch = {0: "sequences", 1: "length"}
    left, right = {0: "pairs", 1: "left_length"}, {0: "pairs", 1: "right_length"}
    return {
        "encoder": GraphSpec(
            EncoderGraph(model), {"input_ids": ids, "attention_mask": _mask(3, 9)}, ("states",),
            {"input_ids": batch, "attention_mask": batch},
        ),
        "pair": GraphSpec(
            PairGraph(model), {name: value for name, (value, _) in pair.items()},
            ("text_score", "triple_vectors", "attention"), {name: axes for name, (_, axes) in pair.items()},
        ),
        "compare": GraphSpec(
            CompareGraph(model),
            {
                "left": torch.randn(3, 6, size), "left_mask": _mask(3, 6),
                "right": torch.randn(3, 8, size), "right_mask": _mask(3, 8),
            },
            ("pair_score",), {"left": left, "left_mask": left, "right": right, "right_mask": right},
        ),
    }  # fmt: skip


def _mask(rows: int, length: int) -> Tensor:
    """A mask with padding in it, so that no exporter takes it for constant."""
    mask = torch.ones(rows, length, dtype=torch.int64)
    mask[0, length - 2 :] = 0
    return mask
