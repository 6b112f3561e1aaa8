"""The CACRE network: equations (2)-(7) of the paper, top to bottom, and the two similarities taken on its outputs.

Shape legend
    B    distinct texts (or triples) to encode          C    candidates, i.e. (text, triple) pairs
    L_T  text tokens       L_R  triple tokens           D    encoder width        H  attention heads
    P    projection width  M    marks per text token    F    evidence values per pair
    L_q, L_k  the queries' and the keys' length: one of them is L_T, the other L_R

E_T, E_R: encoder states; V_T, V_R: cross-attended; W_T, W_R: head-averaged weights; X_T, X_R: projected.
Each place where the paper is open is a setting of `ModelSettings`; Annn are the numbers of docs/paper.md.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cacre.config import ModelSettings
from cacre.errors import ConfigError
from cacre.modeling.attention import Attention
from cacre.modeling.evidence_channel import EvidenceChannel
from cacre.modeling.pretrained import Encoder
from cacre.modeling.reader import Question, Reader
from cacre.modeling.values import Pair, Projection, Similarity
from cacre.similarity import global_cosine, max_sim, position_cosine, soft_alignment, symmetric_max_sim

LOGIT_SCALE = 4.0
"""text_score is tanh(logit / 4): nearly linear where it matters, and in the range of a cosine."""


class CrossAttention(nn.Module):
    """Both directions of cross-attention and the second hop: equations (2)-(4)."""

    def __init__(self, width: int, settings: ModelSettings) -> None:
        super().__init__()
        if settings.second_hop == "same_side" and settings.max_text_length != settings.max_triple_length:
            raise ConfigError(
                f"second_hop='same_side' needs L_T = L_R (A1): set max_text_length={settings.max_text_length} and "
                f"max_triple_length={settings.max_triple_length} to the same number"
            )
        self.settings = settings
        self.triple_to_text = Attention(width, settings.attention_heads, settings.dropout)
        if settings.attention_residual:
            self.norm_triple = nn.LayerNorm(width)
        if not settings.reader_layers:  # else nobody asks for V_T
            own = Attention(width, settings.attention_heads, settings.dropout)
            self.text_to_triple = self.triple_to_text if settings.share_attention else own
            if settings.attention_residual:
                self.norm_text = nn.LayerNorm(width)

    def forward(
        self, text: Tensor, text_mask: Tensor | None, triple: Tensor, triple_mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """V~_T `[C, L_T, D]`, V~_R `[C, L_R, D]` and W_R `[C, L_R, L_T]` from E_T and E_R."""
        v_text, w_text = self.text_to_triple(text, triple, triple_mask)  # V_T [C, L_T, D], W_T [C, L_T, L_R]
        v_triple, w_triple = self.triple_to_text(triple, text, text_mask)  # V_R [C, L_R, D], W_R [C, L_R, L_T]
        if self.settings.second_hop == "same_side":  # (4), literal: needs L_T = L_R (A1 a)
            v_text, v_triple = torch.bmm(w_text, v_text), torch.bmm(w_triple, v_triple)
        elif self.settings.second_hop == "crosswise":  # (4), A1 b
            v_text, v_triple = torch.bmm(w_text, v_triple), torch.bmm(w_triple, v_text)
        if self.settings.attention_residual:  # A6
            v_text, v_triple = self.norm_text(text + v_text), self.norm_triple(triple + v_triple)
        return v_text, v_triple, w_triple

    def triple_side(
        self, text: Tensor, text_mask: Tensor | None, triple: Tensor, text_row: Tensor | None = None
    ) -> Tensor:
        """V_R `[C, L_R, D]` alone, without a second hop; with `text_row` from the states of T texts."""
        v_triple: Tensor = self.triple_to_text(triple, text, text_mask, text_row)[0]
        return self.norm_triple(triple + v_triple) if self.settings.attention_residual else v_triple


class ProjectionNetwork(nn.Module):
    """Conv1D, affine layers and a residual with a learnable lambda: equations (5)-(7). Texts and triples share it."""

    def __init__(self, width: int, settings: ModelSettings) -> None:
        super().__init__()
        size = settings.projection_size
        self.convolution = nn.Conv1d(width, width, settings.conv_kernel, padding=settings.conv_kernel // 2)
        self.linear: nn.Module = nn.Linear(width, size)
        self.affine = nn.Sequential(*(nn.Linear(size, size) for _ in range(settings.affine_layers)))
        self.activation = nn.LeakyReLU(settings.leaky_slope)
        self.dropout = nn.Dropout(settings.dropout)
        self.norm = nn.LayerNorm(size)
        self.residual: nn.Module = nn.Identity() if width == size else nn.Linear(width, size)
        self.residual_weight = nn.Parameter(torch.tensor(settings.residual_init))

    @torch.no_grad()
    def fold(self) -> None:
        """Make one convolution of the convolution and the affine layers after it: the same function, in half the work.

        There is no non-linearity between them, and padding by zeros stands before all of them. For export only: what is
        folded has another parametrisation to train.
        """
        weight, bias = self.convolution.weight, self.convolution.bias  # [D, D, k], [D]
        assert bias is not None
        for layer in (self.linear, *self.affine):
            assert isinstance(layer, nn.Linear)
            weight = torch.einsum("pd,dik->pik", layer.weight, weight)
            bias = layer.weight @ bias + layer.bias
        size = self.convolution.kernel_size[0]
        self.convolution = nn.Conv1d(weight.shape[1], weight.shape[0], size, padding=size // 2)
        self.convolution.weight.copy_(weight)
        assert self.convolution.bias is not None
        self.convolution.bias.copy_(bias)
        self.linear, self.affine = nn.Identity(), nn.Sequential()

    @torch.no_grad()
    def unfold(self, weight: Tensor, bias: Tensor) -> None:
        """Take what `fold` gives, with affine layers that change nothing: the same function, to be trained on.

        Args:
            weight: `[P, D, k]`.
            bias: `[P]`.

        Raises:
            ValueError: P is greater than D, for which this has no place.
        """
        size, width = weight.shape[:2]
        if size > width:
            raise ValueError(f"its projection_size {size} is more than its width {width}")
        assert isinstance(self.linear, nn.Linear) and self.convolution.bias is not None
        for layer in (self.convolution, self.linear, *self.affine):
            layer.weight.zero_()
            layer.bias.zero_()
        self.convolution.weight[:size].copy_(weight)
        self.convolution.bias[:size].copy_(bias)
        for layer in (self.linear, *self.affine):
            layer.weight.fill_diagonal_(1.0)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """`[C, L, D] -> [C, L, P]`."""
        if mask is not None:  # a convolution must not see what stands in the padding
            x = x * mask[..., None].to(x.dtype)
        convolved = self.convolution(x.transpose(1, 2)).transpose(1, 2)  # [C, D, L] -> [C, L, D]
        projected = self.affine(self.linear(convolved))  # (5); inside F of (6): (W_p x + b_p) W_y + b_y
        projected = self.norm(self.dropout(self.activation(projected)))  # (6)
        return projected + self.residual_weight * self.residual(x)  # type: ignore[no-any-return]  # (7)


class Cacre(nn.Module):
    """The whole network.

    Args:
        encoder: E, shared by texts and triples.
        settings: The open places of the paper, named.
        marks: M, marks per text token.
        values: F, evidence values per pair.

    Raises:
        ConfigError: The settings do not fit the encoder or one another.
    """

    def __init__(self, encoder: Encoder, settings: ModelSettings, *, marks: int, values: int) -> None:
        super().__init__()
        longest, wanted = encoder.longest_input, max(settings.max_text_length, settings.max_triple_length)
        if longest is not None and wanted > longest:
            raise ConfigError(
                f"the encoder takes {longest} tokens: max_text_length, max_triple_length={wanted} is more"
            )
        width = settings.pair_width or encoder.hidden_size
        projected = settings.projection == "conv"
        self.settings = settings
        self.projection_size = settings.projection_size if projected else width
        self.encoder = encoder
        self.width = width
        self.narrow: nn.Module = nn.Linear(encoder.hidden_size, width) if settings.pair_width else nn.Identity()
        self.role = nn.Embedding(4, width) if settings.role_embedding else None
        self.evidence = (
            EvidenceChannel(width, self.projection_size, marks, values, settings) if settings.evidence else None
        )
        self.reader = None
        if settings.reader_layers:
            heads, dropout = settings.attention_heads, settings.dropout
            sizes = {"layers": settings.reader_layers, "heads": heads, "marks": marks, "values": values}
            self.reader = Reader(
                width, dropout=dropout, evidence_head=settings.evidence_head, pattern_head=settings.pattern_head,
                vocabulary=encoder.vocabulary if settings.pattern_head else 0, **sizes,
            )  # fmt: skip
        self.cross_attention = CrossAttention(width, settings) if settings.attention == "cross" else None
        self.projection = ProjectionNetwork(width, settings) if projected else None

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """E_T or E_R: `[B, L] -> [B, L, D]`, D being `pair_width` where that is set."""
        return self.narrow(self.encoder(input_ids, attention_mask))  # type: ignore[no-any-return]

    def encode_triples(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """E_R, as `encode` gives it; without `triple_gradient` the encoder runs as at inference and learns nothing."""
        if self.settings.triple_gradient:
            return self.encode(input_ids, attention_mask)
        was_training = self.encoder.training
        self.encoder.eval()
        with torch.no_grad():
            states = self.encoder(input_ids, attention_mask)
        self.encoder.train(was_training)
        return self.narrow(states)  # type: ignore[no-any-return]

    def forward(self, pair: Pair) -> Projection:
        """X_T and X_R of C pairs: equations (2)-(7)."""
        if self.reader is not None:
            return self._read(pair)
        pair = pair.spread
        text, text_mask, triple, triple_mask = pair[:4]
        seen_text, seen_triple = (text_mask, triple_mask) if self.settings.mask_padding else (None, None)  # A3
        if self.role is not None:
            triple = triple + self.role(pair.role_ids)
            pair = pair._replace(triple_states=triple)
        if self.evidence is not None:
            text = self.evidence.mark_text(pair, seen_text)
        if self.cross_attention is None:  # CACRE-att
            attention = text.new_zeros(text.shape[0], triple.shape[1], text.shape[1])
        else:
            text, triple, attention = self.cross_attention(text, seen_text, triple, seen_triple)
        if self.projection is not None:
            text, triple = self.projection(text, seen_text), self.projection(triple, seen_triple)
        if self.evidence is not None:
            text_shift, triple_shift = self.evidence.shift(pair)
            text, triple = text + text_shift, triple + triple_shift
        if not self.settings.mask_padding:
            text_mask, triple_mask = torch.ones_like(text_mask), torch.ones_like(triple_mask)
        return Projection(text, text_mask, triple, triple_mask, attention)

    def _read(self, pair: Pair) -> Projection:
        """X_R and the reader's logits; of X_T nothing but its length."""
        assert self.reader is not None and self.evidence is not None and self.cross_attention is not None
        wide = pair.spread
        text, text_mask, triple, triple_mask = wide[:4]
        if self.role is not None:
            triple = triple + self.role(pair.role_ids)
        question = Question(
            pair.text_states,
            pair.text_mask,
            pair.text_row,
            triple,
            pair.role_ids,
            pair.marks,
            self.evidence.standardise(pair.values),
            pair.text_ids,
        )
        logit, looks = self.reader(question if pair.judged is None else question.take(pair.judged))
        if pair.judged is not None:
            count = triple.shape[0]  # not len(triple), which an exporter takes for a constant
            logit, looks = (
                part.new_zeros(count, *part.shape[1:]).index_put((pair.judged,), part) for part in (logit, looks)
            )
        # What decided is shown, not W_R: each token of the triple looks where the query of its role does.
        attention = looks.gather(1, pair.role_ids[..., None].expand(-1, -1, text.shape[1]))
        projected = self.cross_attention.triple_side(pair.text_states, text_mask, triple, pair.text_row)
        if self.projection is not None:
            projected = self.projection(projected, triple_mask)
        nothing, shift = self.evidence.shift(pair._replace(triple_states=triple))
        return Projection(
            nothing.expand(-1, text.shape[1], -1), text_mask, projected + shift, triple_mask, attention, logit
        )

    def text_similarity(self, projection: Projection) -> Similarity:
        """S_st: each X_T against its own X_R, `[C]` twice; with a reader, its logit brought to (-1, 1)."""
        if projection.logit is not None:
            score = torch.tanh(projection.logit / LOGIT_SCALE)
            return Similarity(score, score)
        x_t, t_mask, x_r, r_mask, attention = projection[:5]
        if self.settings.local_similarity == "position":
            local = position_cosine(x_r, x_t, r_mask, t_mask)
        elif self.settings.local_similarity == "soft_alignment":
            local = soft_alignment(x_r, x_t, attention, r_mask, t_mask)
        else:
            local = max_sim(x_r, x_t, r_mask, t_mask)
        return Similarity(local, global_cosine(x_t, x_r, t_mask, r_mask))

    def pair_similarity(self, left: Tensor, left_mask: Tensor, right: Tensor, right_mask: Tensor) -> Similarity:
        """S_tt: two triples' X_R against each other, `[C, L, P]` and `[C, L', P]` -> `[C]` twice."""
        if self.settings.pair_similarity == "position":
            local = position_cosine(left, right, left_mask, right_mask)
        else:
            local = symmetric_max_sim(left, right, left_mask, right_mask)
        return Similarity(local, global_cosine(left, right, left_mask, right_mask))
