"""The table of the design search."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from cacre.config import Settings

spec = spec_from_file_location("design_search", Path(__file__).parents[2] / "benchmarks/design_search.py")
design_search = module_from_spec(spec)
sys.modules[spec.name] = design_search  # dataclasses look their module up
spec.loader.exec_module(design_search)


def measured(text_auc):
    history = [{"eval_text_auc": text_auc}]
    dev = {"text_auc": text_auc, "anchor_auc": 0.9}
    return {"dev": dev, "history": history, "seconds": 30.2, "parameters": 2_570_000, "also": {"llm": 0.5}}


def test_a_line_shows_auc_without_its_zero_and_points_whole():
    run = design_search.Run("similarity", "no string evidence", 13, Settings())
    line = design_search.row(run, measured(0.8744), measured(0.5711), ["llm", "other"])
    assert line == "| no string evidence | .5711 | -30.3 | .5000 |  | .9000 | .571 | 30 | 2.57 |"
    base = design_search.Run("similarity", "as it is", 13, Settings())
    assert "| as it is | .8744 |  |" in design_search.row(base, measured(0.8744), measured(0.8744), [])
