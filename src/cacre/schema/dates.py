"""What cannot be a date by its characters: names of people, firms, places and works.

How dates are said has no end (北宋, 清光绪, 抗战, 暑假): no list of words could hold them all. What looks like another
thing is refused, and of the rest nothing is said.
"""

from __future__ import annotations

import re

_CHINESE = "〇零一二三四五六七八九十百千万亿两廿卅"
_YEAR = r"(?:公元前?)?(?:\d{1,4}|[〇零一二三四五六七八九]{4})年"
_DAY = rf"(?:\d{{1,2}}|[{_CHINESE}]{{1,3}})月(?:(?:\d{{1,2}}|[{_CHINESE}]{{1,3}})[日号])?"
_DATE = re.compile(rf"{_YEAR}(?:{_DAY})?|\d{{1,2}}月\d{{1,2}}[日号]|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}")
_TIME_WORDS = frozenset(
    "年月日天今昨明春夏秋冬季节期代世纪时初末朝周旬晨夜晚旦夕午诞庆档近即将昏晓黎前后号元间战假"
    "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"  # 光绪壬寅
)
# Frequent surnames, but for those that eras and other times begin with too: 洪武, 康熙, 唐贞观, 江户, 高考, 于民国.
_SURNAMES = (
    "王李张刘陈杨赵徐孙朱林何郭马罗郑谢韩冯董程曹袁邓傅沈彭吕苏卢蒋蔡贾薛叶阎余潘杜戴钟汪田姜范石"
    "姚谭廖邹郝孔邱顾侯邵孟段雷钱汤尹黎易乔赖龚庞樊施陶翟颜倪严牛胡阿"
)
_DYNASTY = "[唐宋汉晋魏吴梁隋楚]"  # 李唐, 刘宋, 孙吴
_OTHER = re.compile(
    rf"《[^《》]+》|[{_SURNAMES}](?!{_DYNASTY}$)[㐀-鿿]{{1,2}}|.*[㐀-鿿]·[㐀-鿿].*"
    r"|.{2,}(?:公司|集团|工厂|大学|学院|学校|中学|小学|银行|医院|研究院|研究所|协会|委员会|出版社|电视台|乐队|俱乐部|影业|传媒|工作室)"
    r"|.{2,}(?:省|(?<!上)市|县|区|镇|(?<!下)乡|村)"
)


def is_date(value: str) -> bool:
    """Whether an NFKC-normalised value is a date, plainly and from end to end."""
    return _DATE.fullmatch(value) is not None


def says_when(value: str) -> bool:
    """Whether an NFKC-normalised value in simplified characters has a numeral or a word of time."""
    return any(character.isnumeric() or character in _TIME_WORDS for character in value)


def may_be_date(value: str) -> bool:
    """Whether an NFKC-normalised value in simplified characters looks like nothing but a date."""
    return says_when(value) or _OTHER.fullmatch(value) is None
