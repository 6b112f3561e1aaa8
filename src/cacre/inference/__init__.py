"""Judging candidates: the verifier protocol, the ONNX verifier, the two-threshold decision, evidence. No torch."""

from cacre.inference.decision import DecisionRules, Scores
from cacre.inference.filtering import FilterSummary, filter_rows
from cacre.inference.folder import bundled_models
from cacre.inference.onnx_verifier import OnnxVerifier, load_verifier
from cacre.inference.thresholds import Calibration, Thresholds
from cacre.inference.verifier import Verifier

__all__ = [
    "Calibration",
    "DecisionRules",
    "FilterSummary",
    "OnnxVerifier",
    "Scores",
    "Thresholds",
    "Verifier",
    "bundled_models",
    "filter_rows",
    "load_verifier",
]
