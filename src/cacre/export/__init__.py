"""Checkpoint to ONNX, with a parity check."""

from cacre.export.onnx import ExportReport, export_onnx

__all__ = ["ExportReport", "export_onnx"]
