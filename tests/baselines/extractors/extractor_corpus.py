"""Twenty invented texts that a tiny network memorises, a schema for them, and settings for such a network."""

from cacre.baselines.extractors.settings import ExtractorSettings, parse
from cacre.data.duie import DuieFact, DuieText
from cacre.schema import RelationType, Schema
from cacre.types import Triple

SCHEMA = Schema.of(
    "films",
    [
        RelationType("导演", "影视作品", "人物"),
        RelationType("编剧", "影视作品", "人物"),
        RelationType("饰演", "人物", "角色", slots={"inWork": "影视作品"}),
        RelationType("总部", "企业/品牌", "地点", synonyms=("总部所在地",)),
    ],
)
_TITLES = ("雾渡", "寒露", "盐田", "潮汐", "纸鸢", "山雪", "海信", "灯塔")
_PEOPLE = ("林知远", "顾青禾", "沈若汐", "贺一鸣", "陆闻笙", "许望舒", "周景舟", "秦砚秋")
_FIRMS = ("恒澜船业", "碧泉食品")
_PLACES = ("望亭", "沧浦")


def fact(subject, predicate, object_, **slots):
    return DuieFact(Triple(subject, predicate, object_), slots=slots)


def _film(number):
    """One person directs and writes (two relations of one pair), a second person also writes (one subject, many)."""
    title, person, other = _TITLES[number], _PEOPLE[number], _PEOPLE[number - 1]
    facts = (fact(title, "导演", person), fact(title, "编剧", person), fact(title, "编剧", other))
    return DuieText(f"《{title}》由{person}自编自导，{other}联合编剧。", facts)


def _double(number):
    """Two subjects."""
    (left, right), (first, second) = _TITLES[number : number + 2], _PEOPLE[number + 1 : number + 3]
    facts = (fact(left, "导演", first), fact(right, "导演", second))
    return DuieText(f"{first}执导了《{left}》，{second}执导了《{right}》。", facts)


def _role(number):
    """An object with a slot; the object of one fact is the subject of none."""
    title, actor, role = _TITLES[number], _PEOPLE[number], _PEOPLE[number - 3]
    return DuieText(f"{actor}在《{title}》里扮作{role}。", (fact(actor, "饰演", role, inWork=title),))


TEXTS = [
    *map(_film, range(6)),
    *map(_double, range(5)),
    *map(_role, range(4)),
    *(DuieText(f"{f}把总部设在{p}。", (fact(f, "总部", p),)) for f, p in zip(_FIRMS, _PLACES, strict=True)),
    *(DuieText(text, ()) for text in ("今晚有雨，记得带伞。", "灯塔下的潮汐来得很早。", "林知远没有拍过电影。")),
]
TINY = {
    "encoder": {
        "architecture": "bert", "hidden_size": 32, "num_layers": 1, "num_heads": 4, "intermediate_size": 64,
        "max_positions": 64, "dropout": 0.0,
    },
    "data": {"max_length": 48, "overlap": 16},
    "training": {
        "learning_rate": 5e-3, "encoder_learning_rate": 2e-3, "batch_size": 10, "epochs": 60, "warmup_ratio": 0.1,
        "weight_decay": 0.0, "evaluations_per_epoch": 1, "seed": 3,
    },
}  # fmt: skip


def settings(**tables):
    """Tiny settings, with some of them replaced."""
    names = {*TINY, *tables}
    return parse(ExtractorSettings, {name: {**TINY.get(name, {}), **tables.get(name, {})} for name in names}, "tiny")


def gold(text):
    """What a perfect extractor finds: triples with their slots."""
    return {(fact.triple, tuple(fact.slots.items())) for fact in text.facts}


def said(candidates):
    """What one found, in the same form."""
    return {(c.triple, tuple(c.extra.get("qualifiers", {}).items())) for c in candidates}
