"""Static int8 for the matrix products of the encoder: scales are fixed once, so that no score depends on the batch.

Dynamic quantisation takes the scale of a layer's inputs from the whole batch; here it is taken from sample texts when
the model is exported. Sums are those of integers, exact whatever stands beside a row. Embeddings, attention, norms and
the pair graph, which is made of small operations, stay as they are.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from cacre.errors import DataError, ModelError
from cacre.evaluation import roc_auc
from cacre.evaluation.fitting import write_thresholds
from cacre.evaluation.labelled_scores import LabelledText
from cacre.export.halves import halve
from cacre.inference import OnnxVerifier
from cacre.inference.folder import read_folder
from cacre.inference.scoring import encoder_batches
from cacre.inference.thresholds import OFF, Thresholds
from cacre.preprocessing.featurizer import Featurizer

MAX_AUC_LOSS = 0.005
"""Loss of AUC of the text score, against the same folder before, from which quantising is refused."""
SAMPLE_TEXTS = 200
"""The first texts, from which the scales are taken."""
_PRODUCTS = ("MatMul", "Gemm")


def labels_to_measure(rows: Sequence[LabelledText]) -> NDArray[np.bool_]:
    """The labels of all candidates.

    Raises:
        DataError: They are not of two kinds.
    """
    labels = np.asarray([bool(label) for row in rows for label in row.labels], bool)
    if labels.all() or not labels.any():
        raise DataError(
            f"{len(labels)} candidates, {int(labels.sum())} of them right: both kinds are needed to see what int8 costs"
        )
    return labels


def quantise(folder: Path, rows: Sequence[LabelledText]) -> float:
    """Replace `encoder.onnx` of an exported folder by one with int8 products.

    Args:
        folder: An exported model folder.
        rows: Labelled candidates. The first texts give the scales, all of them the loss.

    Returns:
        By how much the AUC of the text score is lower than before; below 0 where it is higher.

    Raises:
        DataError: The candidates are not of two kinds.
        ModelError: The loss is more than .005: the folder stays as it was.
    """
    labels = labels_to_measure(rows)
    with tempfile.TemporaryDirectory() as name:
        trial = Path(name) / "model"
        shutil.copytree(folder, trial, ignore=shutil.ignore_patterns("checkpoints", "*.safetensors"))
        if not (trial / "thresholds.json").is_file():  # none decides here, and a folder cannot be read without
            write_thresholds(trial, Thresholds(text_threshold=OFF))
        before = _auc(trial, rows, labels)
        _quantise_encoder(folder / "encoder.onnx", trial / "encoder.onnx", list(_samples(trial, rows)))
        loss = before - _auc(trial, rows, labels)
        if not loss <= MAX_AUC_LOSS:
            raise ModelError(
                f"int8 lowers the AUC on {len(labels)} candidates from {before:.4f} by {loss:.4f}, at most "
                f"{MAX_AUC_LOSS} is allowed: nothing was exported, use --precision float16"
            )
        partial = folder / ".encoder.onnx.part"
        shutil.copyfile(trial / "encoder.onnx", partial)
        partial.replace(folder / "encoder.onnx")
    return loss


def _auc(folder: Path, rows: Sequence[LabelledText], labels: NDArray[np.bool_]) -> float:
    scores = OnnxVerifier(folder).score_many([(row.text, row.candidates) for row in rows])
    return float(roc_auc(labels, np.asarray([score.text_score for found in scores for score in found])))


def _samples(folder: Path, rows: Sequence[LabelledText]) -> Iterator[dict[str, NDArray[Any]]]:
    """What the encoder is given for the first texts and their triples, as at inference."""
    model = read_folder(folder)
    featurizer = Featurizer(model.tokenizer, model.schema, model.settings)
    chosen = rows[:SAMPLE_TEXTS]
    ids = [window.ids for row in chosen for window in featurizer.windows(row.text)]
    ids += [piece for row in chosen for c in row.candidates for piece in featurizer.triple(c.triple).pieces]
    for _, inputs in encoder_batches(ids, model.settings):
        yield inputs


def _quantise_encoder(source: Path, target: Path, samples: Sequence[dict[str, NDArray[Any]]]) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Samples(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(samples)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            return next(self._left, None)

    silenced = logging.root.manager.disable
    logging.disable(logging.WARNING)  # advice about image models, given to the root logger
    try:
        quantize_static(
            str(source),
            str(target),
            Samples(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_PRODUCTS),
            per_channel=True,
            # Not int8 weights: without the newest instructions their sums saturate, and another processor would judge
            # otherwise.
            weight_type=QuantType.QUInt8,
            activation_type=QuantType.QUInt8,
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        logging.disable(silenced)
    proto = onnx.load(target)
    halve(proto.graph)  # the embeddings, which are the larger part of the file
    onnx.save(proto, target)
