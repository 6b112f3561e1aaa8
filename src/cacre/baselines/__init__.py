"""What CACRE has to beat: simpler ways of telling right candidates from wrong ones, behind one protocol.

Importing it loads neither torch nor scikit-learn: each baseline loads what it needs when it is first used.
"""

from cacre.baselines.protocol import Baseline, BaselineVerifier, Needs, squash, verbalise
from cacre.baselines.registry import BASELINES, make_baseline

__all__ = ["BASELINES", "Baseline", "BaselineVerifier", "Needs", "make_baseline", "squash", "verbalise"]
