"""What characters and short strings look like: folding, classes at a border, shapes of names, numbers and dates."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from cacre.simplified import simplify

OPENING, CLOSING = '《“「『（([【〈‘"', '》”」』）)]】〉’"'
_FUNCTION = frozenset("的是在和与及为由于从被将把了也都并等对向以至到有中上下")
_NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿两")

BORDER_CLASSES = ("edge", "opening", "closing", "punctuation", "digit", "latin", "function", "other")


@lru_cache(maxsize=1 << 16)
def _fold(character: str) -> str:
    folded = simplify(unicodedata.normalize("NFKC", character).lower())
    return folded if len(folded) == 1 else character


def fold(text: str) -> str:
    """Fold case, width and script (顧 to 顾) character by character, so that offsets stay those of the original."""
    return "".join(map(_fold, text))


def strip_title_marks(name: str) -> str:
    """Remove outer white space and one pair of enclosing 《 》."""
    name = name.strip()
    return name[1:-1] if len(name) > 2 and name[0] == "《" and name[-1] == "》" else name


@lru_cache(maxsize=1 << 16)
def border_class(character: str) -> int:
    """Index into `BORDER_CLASSES` of what stands beside a mention; the empty string is the edge of the text."""
    if not character:
        return 0
    if character in OPENING:
        return 1
    if character in CLOSING:
        return 2
    if simplify(character) in _FUNCTION:
        return 6
    category = unicodedata.category(character)
    if category[0] in "PSZC":
        return 3
    if category == "Nd" or character in _NUMERALS:
        return 4
    return 5 if character.isascii() or category in ("Ll", "Lu") else 7


# The hundred or so most frequent surnames cover most Chinese names in running text.
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟"
    "汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温"
)
_DATE = re.compile(r"\d{2,4}年|\d{1,2}月|[零〇一二三四五六七八九十]{2,4}年|\d{4}[-./]\d{1,2}|^\d{4}$|世纪|年代")
_NUMBER = re.compile(r"\d|[一二三四五六七八九十百千万亿两]+[多余]?[万亿人元米年亩]")
_ORGANISATION = re.compile(
    r"(公司|集团|大学|学院|学校|中学|小学|银行|医院|研究[院所]|协会|委员会|出版社|电视台|乐队|俱乐部|影业|传媒|工作室|厂|局|部|社|队)$"
)
_PLACE = re.compile(r"(省|市|县|区|镇|乡|村|州|岛|山|河|湖|江|路|街|国|洲|盟|旗|屯|沟|寨)$")

SHAPES = ("date", "number", "organisation", "place", "person", "latin", "long")


@lru_cache(maxsize=1 << 14)
def shape(name: str) -> tuple[float, ...]:
    """Which of `SHAPES` a string has, as 0 or 1 each."""
    folded = fold(name)
    name, foreign = simplify(name), "·" in name
    person = foreign or (2 <= len(name) <= 4 and name[0] in _SURNAMES and not _ORGANISATION.search(name))
    return tuple(
        map(
            float,
            (
                bool(_DATE.search(folded)),
                bool(_NUMBER.search(folded)),
                bool(_ORGANISATION.search(name)),
                bool(_PLACE.search(name)),
                person,
                bool(re.search(r"[a-z]", folded)),
                len(name) > 8,
            ),
        )
    )


# Type names are the user's own; these words in them tell what kind of string to expect.
_TYPE_GROUPS = (
    ("Date", "日期", "时间"),
    ("Number", "数", "面积"),
    ("人物", "运动员", "演员", "导演", "歌手"),
    ("企业", "机构", "学校", "品牌", "球队", "公司", "组织"),
    ("地点", "城市", "国家", "行政区", "景点", "河流", "省"),
    ("作品", "图书", "影视", "歌曲", "专辑", "综艺", "软件", "游戏"),
    ("Text", "text", "其他"),
)


@lru_cache(maxsize=1 << 12)
def type_group(type_name: str) -> tuple[float, ...]:
    """One-hot of the group a type name belongs to, all zero when it belongs to none of them."""
    return tuple(float(any(word in type_name for word in group)) for group in _TYPE_GROUPS)


TYPE_GROUPS = ("date", "number", "person", "organisation", "place", "work", "text")
