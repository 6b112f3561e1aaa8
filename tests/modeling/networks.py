"""Tiny networks with random weights, and pairs for them."""

import torch

from cacre.config import EncoderSettings, ModelSettings
from cacre.modeling.model import Cacre
from cacre.modeling.pretrained import build_encoder
from cacre.modeling.values import Pair
from cacre.preprocessing.evidence import MARKS as EVIDENCE_MARKS

WIDTH, MARKS, VALUES = 8, len(EVIDENCE_MARKS), 4
TINY = {"pair_width": 0, "attention_heads": 2, "projection_size": 6, "dropout": 0.0, "max_text_length": 16}
TINY |= {"max_triple_length": 16}
READER = {"reader_layers": 2, "evidence_layers": 0, "second_hop": "none"}
LITERAL = {
    "attention_residual": False,
    "second_hop": "same_side",
    "pad_to_max": True,
    "mask_padding": False,
    "local_similarity": "position",
    "pair_similarity": "position",
    "role_embedding": False,
    "evidence": False,
    "evidence_layers": 0,
}


def encoder(**values):
    sizes = {"architecture": "bert", "hidden_size": WIDTH, "num_layers": 1, "num_heads": 2, "intermediate_size": 16}
    return build_encoder(EncoderSettings(**{**sizes, "max_positions": 32, "dropout": 0.0, **values}), vocab_size=30)


def network(**settings):
    model = Cacre(encoder(), ModelSettings(**{**TINY, **settings}), marks=MARKS, values=VALUES).eval()
    with torch.no_grad():  # away from what initialisation makes special: zero biases, norms of one, lambda of one
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def pairs(text_lengths=(9, 5, 7), triple_lengths=(6, 7, 4), text_size=None, triple_size=None):
    """Random pairs; what stands in the padding is random too."""
    count, l_t, l_r = len(text_lengths), text_size or max(text_lengths), triple_size or max(triple_lengths)
    return Pair(
        text_states=torch.randn(count, l_t, WIDTH),
        text_mask=_mask(text_lengths, l_t),
        triple_states=torch.randn(count, l_r, WIDTH),
        triple_mask=_mask(triple_lengths, l_r),
        role_ids=torch.randint(0, 4, (count, l_r)) * _mask(triple_lengths, l_r),
        marks=torch.randint(0, 2, (count, l_t, MARKS)).float(),
        values=torch.randn(count, VALUES),
    )


def score(model, pair):
    with torch.no_grad():
        return model.text_similarity(model(pair)).fuse(model.settings.local_weight)


def _mask(lengths, size):
    return (torch.arange(size)[None] < torch.tensor(lengths)[:, None]).long()
