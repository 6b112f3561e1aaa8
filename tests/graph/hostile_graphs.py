"""Graphs with the names that break exports: quotes, formulas, control characters, marks, 5,000 characters."""

from collections import Counter

from hypothesis import strategies as st

from cacre.graph.metadata import metadata_of
from cacre.graph.values import Edge, Entity, Graph, Source
from cacre.schema import load_schema

NAMES = (
    *('"', "'", "`", "\\", '\n\\"', 'a\n"""', "a,b;c", "两\n行", "\r", "\r\n末", "\t制表", " 空格 ", "🀄👩\u200d🔬"),
    *(
        '=HYPERLINK("http://x.invalid","点")',
        "+1",
        "@x",
        "-2",
        "＝1+1",
        "'=1",
        "''-",
        "<script>alert(1)</script>",
        "]]>",
    ),
    *(
        "\u202e右至左\u200f",
        "》",
        "《书》",
        "ＡＢＣ１２",
        "繁體中文",
        "_x0008_",
        "_x_x000d_",
        "\x08",
        "\x0b\x1f",
        "\ufffe\uffff",
    ),
    *(
        ".",
        "..",
        "%E7",
        "a/b#c?d",
        "{}",
        "$x",
        "value:Date:2019年",
        ":value:",
        "#",
        "~",
        "[]",
        "null",
        "true",
        "\x85\u2028",
    ),
    *(
        "长" * 5000,
        "ひらがな漢字",
        "한글",
        "007",
        "2019年7月16日",
        "@prefix x: <y> .",
        "a\n@prefix x: <y> .",
        "\ufeff标",
    ),
)
CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\x00")
TEXT = st.text(CHARACTERS, min_size=1, max_size=12) | st.sampled_from(NAMES)
SCORE = st.none() | st.floats(-1, 1) | st.floats(0, 1).map(lambda score: round(score, 6))
# Strings of single surrogates, which UTF-8 cannot carry but JSON can; numbers, nesting, empty names and empty values.
JSON = st.recursive(
    TEXT
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.just("\ud800x"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
RELATIONS = [relation.name for relation in load_schema("open")]
TYPES = ("", "人物", "Date", "Number", "Text", "企业/机构")


def metadata(keys):
    """Further keys as a source holds them."""
    return metadata_of(keys, (), Counter(), "")


METADATA = st.just("") | st.dictionaries(st.just("") | TEXT, JSON, max_size=3).map(metadata)


@st.composite
def sources(draw) -> Source:
    text = draw(TEXT)
    cut = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(lambda pair: (min(pair), max(pair)))
    return Source(
        text=text,
        row=draw(st.none() | TEXT),
        evidence=tuple(draw(st.lists(cut, max_size=3))),
        subject=draw(st.just("") | TEXT),
        object=draw(st.just("") | TEXT),
        text_score=draw(SCORE),
        pair_score=draw(SCORE),
        probability=draw(st.none() | st.floats(0, 1)),
        row_metadata=draw(METADATA),
        triple_metadata=draw(METADATA),
    )


@st.composite
def graphs(draw) -> Graph:
    keys = draw(st.lists(TEXT, unique=True, min_size=1, max_size=5))
    names = st.lists(TEXT, unique=True, max_size=3).map(tuple)
    entities = {key: Entity(key, draw(TEXT), draw(names), draw(names)) for key in keys}
    edges: dict[tuple[object, ...], Edge] = {}
    for _ in range(draw(st.integers(0, 5))):
        is_value = draw(st.booleans())
        edge = Edge(
            subject=draw(st.sampled_from(keys)),
            predicate=draw(st.sampled_from(RELATIONS) | TEXT),
            object=draw(TEXT if is_value else st.sampled_from(keys)),
            is_value=is_value,
            object_type=draw(st.sampled_from(TYPES)),
            qualifiers=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
            sources=tuple(draw(st.lists(sources(), min_size=1, max_size=3, unique=True))),
        )
        same = (edge.subject, edge.predicate, edge.object, is_value, tuple(sorted(edge.qualifiers.items())))
        edges.setdefault(same, edge)
    return Graph(entities, tuple(edges.values()))


def every_name() -> Graph:
    """Each hostile name as an entity, each relation of the open schema, a value and a qualifier."""
    entities = {name: Entity(name, name, (name,), (name,)) for name in NAMES}
    named = metadata({name: name for name in NAMES if len(name) < 100})
    scores = (0.25, -0.5, 0.875)
    source = Source(
        "甲\r\n乙", "行1", ((0, 1), (2, 4)), "甲", "乙", *scores, named, metadata({"表": [{"子": NAMES[0]}]})
    )
    edges = [
        Edge(NAMES[index % len(NAMES)], relation, NAMES[-1 - index % len(NAMES)], sources=(source,))
        for index, relation in enumerate(RELATIONS)
    ]
    edges += [Edge(name, "成立日期", name, True, "Text", {name: name}, (source,)) for name in NAMES]
    return Graph(entities, tuple(edges))
