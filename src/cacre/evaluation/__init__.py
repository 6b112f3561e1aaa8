"""What verdicts are worth: scores against gold, curves, intervals, comparisons, thresholds, guarantees, reports.

numpy; scikit-learn only to calibrate, matplotlib only to draw, each imported when it is first needed.
"""

from cacre.evaluation.bootstrap import Intervals, bootstrap_intervals, bootstrap_scores
from cacre.evaluation.calibration import CalibrationSettings, CandidateColumns, fit_calibration, probabilities
from cacre.evaluation.certificate import ASSUMPTIONS, Certificate, GuaranteeSettings
from cacre.evaluation.curves import (
    RocCurve,
    average_precision,
    brier_score,
    expected_calibration_error,
    false_positives_removed_at_tpr,
    roc_auc,
    roc_curve,
    true_positive_rate_at,
)
from cacre.evaluation.duie_scorer import Scores, Spo, count_texts, score, score_by_relation
from cacre.evaluation.fitting import Requirements, certify_verifier, fit_verifier, write_thresholds
from cacre.evaluation.guarantee import certify
from cacre.evaluation.labelled_scores import LabelledText
from cacre.evaluation.labelling import label_by_gold, label_by_lists, label_by_support, label_candidates
from cacre.evaluation.paired import Difference, paired_auc, paired_scores
from cacre.evaluation.report import Report, ReportSource, make_report
from cacre.evaluation.score_table import LabelSource, ScoreTable
from cacre.evaluation.scored_rows import read_aliases, read_scored_rows
from cacre.evaluation.table_reading import Reading, read_labelled_scores, read_score_table
from cacre.evaluation.thresholds import FittedThresholds, fit_thresholds, keep
from cacre.evaluation.verifier_metrics import measure

__all__ = [
    "ASSUMPTIONS",
    "CalibrationSettings",
    "CandidateColumns",
    "Certificate",
    "Difference",
    "FittedThresholds",
    "GuaranteeSettings",
    "Intervals",
    "LabelSource",
    "LabelledText",
    "Reading",
    "Report",
    "ReportSource",
    "Requirements",
    "RocCurve",
    "ScoreTable",
    "Scores",
    "Spo",
    "average_precision",
    "bootstrap_intervals",
    "bootstrap_scores",
    "brier_score",
    "certify",
    "certify_verifier",
    "count_texts",
    "expected_calibration_error",
    "false_positives_removed_at_tpr",
    "fit_calibration",
    "fit_thresholds",
    "fit_verifier",
    "keep",
    "label_by_gold",
    "label_by_lists",
    "label_by_support",
    "label_candidates",
    "make_report",
    "measure",
    "paired_auc",
    "paired_scores",
    "probabilities",
    "read_aliases",
    "read_labelled_scores",
    "read_score_table",
    "read_scored_rows",
    "roc_auc",
    "roc_curve",
    "score",
    "score_by_relation",
    "true_positive_rate_at",
    "write_thresholds",
]
