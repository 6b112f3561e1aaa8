"""Reading and writing rows, making negatives, splitting without leaks. No torch."""

from __future__ import annotations

from cacre.data.conversion import CandidateSet, modality_of, to_candidates, to_example, verdict_row
from cacre.data.corpus import load_examples
from cacre.data.errors_path import errors_path
from cacre.data.fields import Limits
from cacre.data.jsonl import ErrorsFile, SeenIds, check_some_usable, dump_row, read_rows, write_rows
from cacre.data.judge_record import bare, is_judge_record
from cacre.data.rows import Kind, Row, parse_row
from cacre.data.triple_labels import part_of, without_labels

__all__ = [
    "CandidateSet",
    "ErrorsFile",
    "Kind",
    "Limits",
    "Row",
    "SeenIds",
    "bare",
    "check_some_usable",
    "dump_row",
    "errors_path",
    "is_judge_record",
    "load_examples",
    "modality_of",
    "parse_row",
    "part_of",
    "read_rows",
    "to_candidates",
    "to_example",
    "verdict_row",
    "without_labels",
    "write_rows",
]
