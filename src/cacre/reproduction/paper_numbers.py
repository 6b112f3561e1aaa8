"""The numbers of the paper, as printed, and what is wrong with some of them."""

from __future__ import annotations

from typing import NamedTuple


class PaperScores(NamedTuple):
    """Precision, recall and F1 in per cent, as printed; None where the paper has none."""

    precision: float | None
    recall: float | None
    f1: float | None


TABLE_1 = {
    "Original train": (171293, 310709, 48),
    "Original validation": (20674, 37825, 48),
    "Experiment train": (18618, 128823, 48),
    "Experiment validation": (3499, 24468, 48),
    "Experiment test": (20674, 37825, 48),
}
"""Sentences, triples, relations. The triples of the experiment's train and validation are anchors, positives and
negatives together: both numbers are three times a whole one."""

TABLE_2 = {
    "encoder": ("RoBERTa-Chinese-base", "encoder", "name_or_path"),
    "max-sequence length": (128, "model", "max_text_length"),
    "learning rate": (1e-4, "training", "learning_rate"),
    "batch size": (32, "training", "batch_size"),
    "projection dim": (512, "model", "projection_size"),
    "epochs": (70, "training", "epochs"),
    "temperature": (0.07, "loss", "temperature"),
    "dropout": (0.2, "model", "dropout"),
    "base margin": (0.08, "loss", "base_margin"),
    "top_k": (0.8, "loss", "top_k"),
    "weight w": (0.7, "model", "local_weight"),
}
"""Hyper-parameter: the paper's value, and where it stands in `cacre.config.Settings`."""

TABLE_3 = {
    "LLaMA 3:70b": (PaperScores(45.6, 41.4, 43.4), PaperScores(57.9, 40.7, 47.8)),
    "Qwen-Plus": (PaperScores(61.0, 69.0, 65.0), PaperScores(70.9, 68.6, 69.7)),
    "ERNIE 4.0": (PaperScores(64.1, 74.4, 69.0), PaperScores(78.9, 72.3, 75.5)),
    "DeepSeek V3": (PaperScores(65.2, 80.1, 71.9), PaperScores(76.6, 78.0, 77.4)),
}
"""LLM alone, LLM and CACRE; test split, 37,825 gold triples."""

TABLE_3_SUPERVISED = {
    "DERP (printed: DEPR)": PaperScores(71.1, 65.4, 68.1),
    "CasRelBLCF": PaperScores(74.0, 68.6, 71.2),
    "CECRel": PaperScores(76.8, 79.7, 74.1),
    "Electra-based joint model": PaperScores(78.9, 71.2, 74.8),
    "Chen & Liu 2024 (zero-shot)": PaperScores(None, None, 73.4),
}

TABLE_4 = {
    "LLM alone": PaperScores(65.2, 80.1, 71.9),
    "CACRE-att": PaperScores(67.0, 70.0, 68.5),
    "CACRE-pro": PaperScores(73.2, 74.9, 74.0),
    "CACRE": PaperScores(76.6, 78.0, 77.4),
}

TABLE_5 = (
    {"anchor-negative": 0.6720, "positive-anchor": 0.8497, "positive-text": 0.8767, "negative-text": 0.7112},
    {"anchor-negative": 0.5691, "positive-anchor": 0.8273, "positive-text": 0.9272, "negative-text": 0.6488},
)
"""Similarities of the two cases: mother and son with an inverse positive; an actor with the director as negative."""

OPERATING_POINT = (0.974, 0.557)
"""TPR and FPR on DeepSeek V3's candidates that the rows of Table 3 imply: 44.3 % of the false positives removed."""

FOOTNOTES_3 = (
    "CECRel: P 76.8, R 79.7 and F1 74.1 cannot go together (F1 would be 78.2); its own abstract gives P 79.71, "
    "R 74.14, F1 76.82, so the columns are rotated.",
    "Qwen-Plus: P 61.0 and R 69.0 give F1 64.7 to 64.8, not 65.0. ERNIE 4.0: 68.9, not 69.0. DeepSeek V3 + CACRE: "
    "77.3, not 77.4. Electra: 74.9 by ordinary rounding.",
    "DeepSeek V3's precision gain is 11.4, printed as 11.3. The '5.3 % recall' of the text is the mean gain of F1; "
    "recall falls in every row, by 1.3 on average, not 1.1.",
    "The '2.6 % and 0.7 % higher recall' than the Electra model are differences of F1; those of recall are 6.8 and "
    "1.1.",
    "Chen & Liu: an F1 alone, which no public text confirms; '4 % over Chen' is 3.9 with 77.3. Recomputed gains of F1: "
    "LLaMA 4.4, Qwen-Plus 4.9, ERNIE 6.6, DeepSeek V3 5.4.",
)
FOOTNOTES_4 = ("CACRE-pro is 5.5 points of F1 above CACRE-att, printed as 6.5.",)
FOOTNOTES_1 = ("10 % and 2 % of the training data, as the text has it, would be 17,129 and 3,426 sentences.",)
