"""The words on the figures, in English and Chinese."""

from __future__ import annotations

from cacre.evaluation.figure_style import Language

WORDS: dict[str, tuple[str, str]] = {
    "anchor_roc": ("anchor ROC", "锚点 ROC"),
    "text_roc": ("text ROC", "文本 ROC"),
    "auc": ("{name}: AUC {auc:.3f}", "{name}：AUC {auc:.3f}"),
    "removed": ("removes {share:.0%} of wrong at TPR {tpr}", "真正率 {tpr} 处去除 {share:.0%} 的错误"),
    "fpr": ("false positive rate (wrong, kept)", "假正率（错误而保留）"),
    "tpr": ("true positive rate (right, kept)", "真正率（正确而保留）"),
    "anchor_positive": ("anchor–positive", "锚点–正例"),
    "anchor_negative": ("anchor–negative", "锚点–负例"),
    "text_positive": ("text–positive", "文本–正例"),
    "text_negative": ("text–negative", "文本–负例"),
    "count": ("n = {count}", "n = {count}"),
    "count_mean": ("n = {count}, mean {mean:.2f}", "n = {count}，均值 {mean:.2f}"),
    "cosine": ("cosine similarity", "余弦相似度"),
    "pairs": ("pairs", "对数"),
    "threshold": ("threshold {value:.3f}", "阈值 {value:.3f}"),
    "text_threshold": ("threshold of the text score τ₁, spaced by rank", "文本得分阈值 τ₁（按名次等距）"),
    "pair_threshold": ("threshold of the pair score τ₂, spaced by rank", "三元组对得分阈值 τ₂（按名次等距）"),
    "surface": ("F1; keeping everything: {f1:.3f}", "F1；全部保留时为 {f1:.3f}"),
    "best": ("best here: F1 {f1:.3f}", "此处最优：F1 {f1:.3f}"),
    "coverage": ("coverage (share of candidates kept)", "覆盖率（候选保留比例）"),
    "risk": ("risk (share of the kept that is wrong)", "风险（保留中的错误比例）"),
    "unfiltered": ("keeping everything: {risk:.3f}", "全部保留：{risk:.3f}"),
    "probability": ("predicted probability", "预测概率"),
    "observed": ("share that is right", "实际正确比例"),
    "perfect": ("perfect calibration", "理想校准"),
    "candidates": ("candidates", "候选数"),
    "step": ("training step", "训练步数"),
    "loss": ("training loss", "训练损失"),
    "dev_auc": ("AUC on dev", "开发集 AUC"),
    "text_auc": ("text", "文本"),
    "anchor_auc": ("anchor", "锚点"),
    "mean_auc": ("mean", "平均"),
}


def word(language: Language, key: str, **values: object) -> str:
    """A label in a language, with values filled in."""
    return WORDS[key][language == "zh"].format(**values)
