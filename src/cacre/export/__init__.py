"""Checkpoint to ONNX, with a parity check."""

from cacre.export.onnx import ExportReport, export_onnx
from cacre.export.restoring import load_trainable, restore_model

__all__ = ["ExportReport", "export_onnx", "load_trainable", "restore_model"]
