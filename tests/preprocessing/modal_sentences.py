"""What the modality tests share: triples of invented names, and what the rules find of one in a text."""

from cacre.preprocessing.evidence import make_context
from cacre.preprocessing.modality import find_modality
from cacre.preprocessing.scan import CueIndex, scan_text
from cacre.schema import load_schema
from cacre.types import Triple

SCHEMA = load_schema("open")
CUES = CueIndex(SCHEMA)

FILM = ("雾中渡", "导演", "林知远")
PAIR = ("顾晚舟", "妻子", "许青禾")
CHAIR = ("澄江药业", "董事长", "林知远")
FOUNDER = ("澄江药业", "创始人", "林知远")
ACTOR = ("雾中渡", "主演", "许青禾")
FATHER = ("林知远", "父亲", "林怀仁")
AUTHOR = ("雾中渡", "作者", "许青禾")
TEAM = ("林知远", "效力球队", "澄江队")
COACH = ("澄江队", "主教练", "林知远")
TAKEOVER = ("澄江药业", "收购", "白石化工")


def found(text, *triple):
    """The kind and the word, or None."""
    context = make_context(scan_text(text, CUES), Triple(*triple), CUES.words[triple[1]], frozenset(), ("", ""))
    modality = find_modality(context)
    return None if modality is None else (modality.kind, text[slice(*modality.cue)])


def kind_of(text, *triple):
    """The kind, or None."""
    modality = found(text, *triple)
    return modality and modality[0]
