"""What can be said against a triple without reading the text: types, shapes of values, direction.

Every rule is meant to be silent on ordinary triples. Types name sets of *kinds*, and two types clash only when their
sets share nothing: an extractor may say 城市 where the schema says 行政区, but not 人物 where it says 影视作品.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

from cacre.schema.dates import is_date, may_be_date, says_when
from cacre.schema.relation import RelationType
from cacre.simplified import simplify
from cacre.types import Triple

NOT_IN_SCHEMA = "predicate not in schema"
TYPE_VIOLATION = "type or direction violates schema"
SAME_NAME = "subject and object are the same"

Sharing = Literal["never", "twice", "always"]

_WORK = "screen book song album stage game"
_PLACE = "region site school river"
_KINDS: dict[str, str] = {
    "person": "人物 历史人物 娱乐人物 虚构人物 角色 运动员 人 人名 演员 歌手 作家 person people per",
    _WORK: "作品 work creative_work",
    "screen": "电视综艺 电影 电视剧 综艺 动漫 film movie",
    "screen stage game": "影视作品",
    "book": "图书作品 图书 小说 书籍 book",
    "book stage screen": "文学作品",
    "song album": "歌曲 音乐 音乐作品 音乐专辑 专辑 song album",
    "company product": "品牌 企业/品牌 brand",
    "company": "企业 公司 company",
    "school": "学校 大学 高校 school",
    f"company team org {_PLACE}": "机构 组织 organization organisation org",
    "team company org": "球队 俱乐部 team",
    _PLACE: "地点 位置 location loc place",
    "region site": "行政区 地区",
    "region": "城市 国家 city country",
    "site school org": "景点",
    "river region": "河流",
    "event": "事件 赛事 event",
    "disease symptom": "疾病 症状 disease",
    "drug product": "药物 药品 drug",
    "product software drug food": "产品 商品 product",
    "software product game": "软件 游戏 software",
    "programming software": "编程语言",
    "food product": "食品 食材 食物 菜品",
    "award": "奖项 award",
    "language": "语言 language",
    "climate": "气候",
    "major": "学科专业 专业",
    "job": "职业",
    # Extractors rarely agree on what is a date, a number and a mere string; the shape of the value decides instead.
    "literal": "number date time int float 数值 数字 数量 日期 时间",
}
# What else an extractor may mean by a label: taggers know few of them, and LLMs choose roughly.
_ALSO: dict[str, str] = {
    "person product software": "机构 组织 organization organisation org",  # bands, committees, apps
    "team org": "歌手",  # a band was founded
    "company": "地点 位置 景点 学校 location loc place school 大学 高校",  # hotels, parks and schools have founders
    "screen stage award disease literal": "事件 赛事 event",  # galas, prizes, epidemics; 抗战 says when
    "screen event": "奖项 award",  # a prize stands for its ceremony
    "product software award": "作品 work creative_work",
    "company game": "产品 商品 product",  # a firm is called by what it makes
    "book": "动漫",  # comics
    "screen": "游戏",
    "programming": "语言 language",
    "team literal": "国家 country",  # national teams; 北宋 says when
    f"{_WORK} event product software": "number date time int float 数值 数字 数量 日期 时间",  # 《1984》, 九一八
}


def _by_name(table: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {name.lower(): frozenset(kinds.split()) for kinds, names in table.items() for name in names.split()}


_KIND_OF = _by_name(_KINDS)
_ALSO_OF = _by_name(_ALSO)
_ANYTHING = frozenset({"text", "string", "str", "文本"})
# Things of these kinds are never called by a date or an amount; works, products and events are (《1984》, 九一八).
_NEVER_LITERAL = frozenset(["person", "company", "team", "org", "region", "site", "school", "river", "major"])
_NO_BOOK_TITLE = frozenset(["person", "region"])
_SHARES_NO_NAME = (frozenset({"person"}), frozenset({"company"}))
# Works, firms, products and teams are named after people, and teams may be firms.
_NEVER_CALLED_LIKE_PEOPLE = frozenset(
    ["region", "site", "school", "river", "org", "award", "job", "language", "major", "literal"]
)
_WORKS = frozenset(_WORK.split())

_CHINESE = "〇零一二三四五六七八九十百千万亿两廿卅"
_AREA_OR_MONEY = "平方公里|平方千米|平方米|公顷|亩|美元|港元|欧元|日元|元|人民币|万人|亿人|米|公里|千米"
_QUANTITY = re.compile(
    rf"[约近逾超]?(?:\d[\d,.]*[百千万亿]*?[多余]?(?:{_AREA_OR_MONEY})"
    rf"|[{_CHINESE}]+[多余]?(?:平方公里|平方千米|平方米|公顷|[万亿](?:元|美元|港元|人)))"
)
_COMMON_NOUNS = frozenset(["literal", "job", "climate", "major", "language"])
_BOOK_TITLE = re.compile(r"《[^《》]+》")


def fault_of(relation: RelationType, triple: Triple, subject_type: str | None, object_type: str | None) -> str | None:
    """Say what in a triple contradicts its relation.

    Args:
        relation: The relation that the predicate means.
        triple: What was proposed.
        subject_type: Type given by the extractor, if any.
        object_type: Type given by the extractor, if any.

    Returns:
        The fault in a few words, None where there is none.
    """
    if not may_stand(subject_type, relation.subject_type):
        return f"subject is a {subject_type}, not a {relation.subject_type}"
    if not may_stand(object_type, relation.object_type):
        return f"object is a {object_type}, not a {relation.object_type}"
    subject, object_ = (simplify(unicodedata.normalize("NFKC", value)).strip() for value in triple[::2])
    for role, value, kind in (("subject", subject, relation.subject_type), ("object", object_, relation.object_type)):
        if not _shape_fits(value, kind):
            return f"{role} {value!r} does not look like a {kind}"
    if _is_date_type(relation.object_type) and is_date(subject) and not says_when(object_):
        return f"subject {subject!r} is the date, not object {object_!r}"
    return SAME_NAME if same_name(triple) and sharing(relation) == "never" else None


def same_name(triple: Triple) -> bool:
    """Whether subject and object are one name, but for width, case and 《》."""
    return _bare(triple.subject) == _bare(triple.object)


def sharing(relation: RelationType) -> Sharing:
    """Whether subject and object can be two things of one name, by their types.

    `never`: nobody is his own father, born in himself, or his own date. `always`: a film has the name of its novel, a
    song that of its album, and one mention stands for both. `twice`: a firm has the name of its founder, a novel that
    of its hero, a state that of its capital, an actor plays himself (a relation with slots); a text that says so
    writes the name twice, or says that it is the same. Of types that nobody knows nothing is known.
    """
    if relation.object_type.lower() in (*_ANYTHING, "number", "date"):
        return "never"
    left, right = _kinds(relation.subject_type), _kinds(relation.object_type)
    if not left or not right:
        return "always"
    if left == right and left in _SHARES_NO_NAME:
        return "twice" if relation.slots else "never"
    for one, other in ((left, right), (right, left)):
        if one == {"person"} and other <= _NEVER_CALLED_LIKE_PEOPLE:
            return "never"
    return "always" if left | right <= _WORKS else "twice"


def types_agree(given: str | None, expected: str) -> bool:
    """Whether a thing of type `given` may stand where `expected` is wanted; a type nobody knows may stand anywhere."""
    if given is None or given.strip().lower() == expected.lower():
        return True
    left, right = _kinds(given), _kinds(expected)
    return not left or not right or bool(left & right)


def may_stand(given: str | None, expected: str) -> bool:
    """Whether a thing that an extractor calls a `given` may stand where a schema wants an `expected`.

    As `types_agree`, but for the rough labels of taggers and LLMs, which cover more than their name says.
    """
    if given is None or types_agree(given, expected):
        return True
    return bool(_ALSO_OF.get(given.strip().lower(), frozenset()) & _kinds(expected))


def is_named(kind: str) -> bool:
    """Whether things of a type have proper names, as people and works have; not so dates, trades, and unknown types."""
    kinds = _kinds(kind)
    return bool(kinds) and not kinds & _COMMON_NOUNS


def _kinds(name: str) -> frozenset[str]:
    """The kinds of things of a type; empty for an unknown type and for text, which may be anything."""
    parts = [name.strip().lower()] if name.strip().lower() in _KIND_OF else name.strip().lower().split("/")
    sets = [_KIND_OF.get(part.strip(), frozenset()) for part in parts]
    return frozenset().union(*sets) if all(sets) else frozenset()


def _is_date_type(kind: str) -> bool:
    return kind.lower() in ("date", "日期")


def _shape_fits(value: str, expected: str) -> bool:
    """Whether an NFKC-normalised value can be of the type by its characters alone."""
    kind = expected.lower()
    if kind in ("number", "数值", "数字"):
        return _has_numeral(value)
    if _is_date_type(expected):
        return may_be_date(value)
    kinds = _kinds(expected)
    if kinds and kinds <= _NEVER_LITERAL and (_QUANTITY.fullmatch(value) or is_date(value)):
        return False
    return not (kinds and kinds <= _NO_BOOK_TITLE and _BOOK_TITLE.fullmatch(value))


def _has_numeral(value: str) -> bool:
    # Chinese numerals count as numeric in Unicode; half, both, some and several do not all.
    return any(character.isnumeric() or character in "半数几多两俩仨双" for character in value)


def _bare(value: str) -> str:
    value = unicodedata.normalize("NFKC", value).strip().lower()
    return value[1:-1] if _BOOK_TITLE.fullmatch(value) else value
