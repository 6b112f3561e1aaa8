"""The many names by which LLMs call the three lists and the parts of a triple."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from cacre.extraction.parsing.reading import ListName

Role = Literal["subject", "predicate", "object", "subject_type", "object_type"]

_LIST_WORDS: dict[ListName, str] = {
    "anchors": "anchors anchor 锚点 锚 锚例 锚样本 锚定",
    "positives": "positives positive pos 正例 正 正样例 正向 正面 正例子",
    "negatives": "negatives negative neg 负例 负 负样例 负向 负面 反例 负例子",
    "triples": """
        triples triple triplets triplet spo spos spolist relations relationships facts extractedtriples answer answers
        relationtriples candidates 三元组 三元组列表 关系三元组 实体关系三元组 关系列表 关系 抽取结果 结果 答案 事实
    """,
}
_ROLE_WORDS: dict[Role, str] = {
    "subject": """
        subject subj s head h e1 ent1 entity1 arg1 source headentity subjectentity subjectname
        实体1 实体一 主体 主语 头实体 头
    """,
    "predicate": """
        predicate pred p relation rel r relationship relationtype relationname property edge verb
        关系 谓词 谓语 关系类型 关系名称 关系名
    """,
    "object": """
        object obj o tail t e2 ent2 entity2 arg2 target tailentity objectentity objectname
        实体2 实体二 客体 宾语 尾实体 尾
    """,
    "subject_type": """
        subjecttype subjtype stype headtype headentitytype e1type entity1type
        主体类型 主语类型 头实体类型 实体1类型 实体类型1
    """,
    "object_type": """
        objecttype objtype otype tailtype tailentitytype e2type entity2type
        客体类型 宾语类型 尾实体类型 实体2类型 实体类型2
    """,
}
_LISTS = {word: name for name, words in _LIST_WORDS.items() for word in words.split()}
_ROLES = {word: role for role, words in _ROLE_WORDS.items() for word in words.split()}
_NOISE = re.compile(r"[\s_\-#.()（）:：*\"“”']+")
_SUFFIX = re.compile(r"(?:triples?|triplets?|samples?|examples?|lists?|三元组|样本|示例|例子|列表|集合?)+$")
_PREFIX = re.compile(r"^(?:错误的?|同义的?|正确的?|wrong|synonymous|correct|incorrect)")

_LABEL = re.compile(
    r"""[\[【(（「《]?\s*
    (?P<word>anchors?|positives?|negatives?|triples?|triplets?|锚点|锚例|正例|正样本|正样例|负例|负样本|负样例|反例
        |(?:实体)?(?:关系)?三元组)
    (?:[\s_-]*(?:triples?|triplets?|samples?|examples?|lists?|三元组|样本|示例|列表))*
    \s*(?:[#№]?\s*\d{1,3}|[①-⑳])?\s*[\]】)）」》]?\s*
    (?:[(（][^()（）,，]{0,40}[)）]\s*)?
    (?:[:：]|(?=$|[(（\[［【<＜〈]))""",
    re.I | re.X,
)
_LIST_WORD = re.compile(r"anchor|positive|negative|锚点|锚例|正例|正样本|负例|负样本|反例", re.I)


def list_called(key: str) -> ListName | None:
    """The list that a JSON key such as `anchor_1`, `正例三元组` or `spo_list` names; None if it names none."""
    if len(key) > 60:
        return None
    word = re.sub(r"\d+$", "", _NOISE.sub("", unicodedata.normalize("NFKC", key).casefold()))
    return _LISTS.get(word) or _LISTS.get(_SUFFIX.sub("", word))


def role_called(key: str) -> Role | None:
    """The part of a triple that a JSON key or a column heading names; None if it names none."""
    if len(key) > 60:
        return None
    word = _NOISE.sub("", unicodedata.normalize("NFKC", key).casefold())
    return _ROLES.get(word) or _ROLES.get(_PREFIX.sub("", word))


def label_at(text: str, start: int = 0) -> tuple[ListName, int] | None:
    """The list that a heading at `start`, such as `正例2：`, opens, and the offset after the heading."""
    found = _LABEL.match(text, start)
    name = list_called(found["word"]) if found else None
    return (name, found.end()) if found and name else None


def label_before(gap: str) -> ListName | None:
    """The list announced by the last line before a JSON block, such as `Here are the positives:`."""
    lines = gap.rstrip().rsplit("\n", 1)
    words = {list_called(word) for word in _LIST_WORD.findall(lines[-1][-80:])} - {None}
    return words.pop() if len(words) == 1 else None
