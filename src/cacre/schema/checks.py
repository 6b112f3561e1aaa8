"""What can be said against a triple without reading the text: types, shapes of values, direction.

Every rule is meant to be silent on ordinary triples. Types name sets of *kinds*, and two types clash only when their
sets share nothing: an extractor may say 城市 where the schema says 行政区, but not 人物 where it says 影视作品.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from cacre.schema.relation import RelationType
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
_KIND_OF: dict[str, frozenset[str]] = {
    name.lower(): frozenset(kinds.split()) for kinds, names in _KINDS.items() for name in names.split()
}
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
_DATE_WORDS = frozenset(
    "年月日天今昨明春夏秋冬季节期代世纪时初末朝周旬晨夜晚旦夕午诞庆档近即将昏晓黎前后号元间"
    "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"  # 光绪壬寅
)
_AREA_OR_MONEY = "平方公里|平方千米|平方米|公顷|亩|美元|港元|欧元|日元|元|人民币|万人|亿人|米|公里|千米"
_QUANTITY = re.compile(
    rf"[约近逾超]?(?:\d[\d,.]*[百千万亿]*?[多余]?(?:{_AREA_OR_MONEY})"
    rf"|[{_CHINESE}]+[多余]?(?:平方公里|平方千米|平方米|公顷|[万亿](?:元|美元|港元|人)))"
)
_YEAR = r"(?:公元前?)?(?:\d{1,4}|[〇零一二三四五六七八九]{4})年"
_DAY = rf"(?:\d{{1,2}}|[{_CHINESE}]{{1,3}})月(?:(?:\d{{1,2}}|[{_CHINESE}]{{1,3}})[日号])?"
_DATE = re.compile(rf"{_YEAR}(?:{_DAY})?|\d{{1,2}}月\d{{1,2}}[日号]|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}")
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
    if not types_agree(subject_type, relation.subject_type):
        return f"subject is a {subject_type}, not a {relation.subject_type}"
    if not types_agree(object_type, relation.object_type):
        return f"object is a {object_type}, not a {relation.object_type}"
    for role, value, kind in (
        ("subject", triple.subject, relation.subject_type),
        ("object", triple.object, relation.object_type),
    ):
        if not _shape_fits(unicodedata.normalize("NFKC", value).strip(), kind):
            return f"{role} {value!r} does not look like a {kind}"
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


def is_named(kind: str) -> bool:
    """Whether things of a type have proper names, as people and works have; not so dates, trades, and unknown types."""
    kinds = _kinds(kind)
    return bool(kinds) and not kinds & _COMMON_NOUNS


def _kinds(name: str) -> frozenset[str]:
    """The kinds of things of a type; empty for an unknown type and for text, which may be anything."""
    parts = [name.strip().lower()] if name.strip().lower() in _KIND_OF else name.strip().lower().split("/")
    sets = [_KIND_OF.get(part.strip(), frozenset()) for part in parts]
    return frozenset().union(*sets) if all(sets) else frozenset()


def _shape_fits(value: str, expected: str) -> bool:
    """Whether an NFKC-normalised value can be of the type by its characters alone."""
    kind = expected.lower()
    if kind in ("number", "数值", "数字"):
        return _has_numeral(value)
    if kind in ("date", "日期"):
        return _has_numeral(value) or any(character in _DATE_WORDS for character in value)
    kinds = _kinds(expected)
    if kinds and kinds <= _NEVER_LITERAL and (_QUANTITY.fullmatch(value) or _DATE.fullmatch(value)):
        return False
    return not (kinds and kinds <= _NO_BOOK_TITLE and _BOOK_TITLE.fullmatch(value))


def _has_numeral(value: str) -> bool:
    # Chinese numerals count as numeric in Unicode; half, both, some and several do not all.
    return any(character.isnumeric() or character in "半数几多两俩仨双" for character in value)


def _bare(value: str) -> str:
    value = unicodedata.normalize("NFKC", value).strip().lower()
    return value[1:-1] if _BOOK_TITLE.fullmatch(value) else value
