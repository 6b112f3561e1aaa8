"""What stands around an answer: thinking, code fences, refusals, and the words for nothing found."""

from __future__ import annotations

import re

from cacre.errors import AnswerError
from cacre.types import Span

_TAG = re.compile(
    r"""<\s{0,3}(?P<closing>/)?\s{0,3}(?:think|thinking|thought|reasoning|reflection)\s{0,3}>
    |<\|(?:begin|(?P<closing_bar>end))_of_thought\|>|◁(?P<closing_kimi>/)?think▷""",
    re.I | re.X,
)
_FENCE = re.compile(r"(?:```+|~~~+)[ \t]*(?:(?:json\w*|python|text|plaintext|markdown|md|txt|javascript|js)\b)?", re.I)

_NOTHING = re.compile(
    r"""[\s"'“”`*#\[【(（]*(?:
        无|没有|暂无|空|不存在|未发现|无结果|没有遗漏|无遗漏|无三元组|无关系
        |none(?:\s+found)?|nothing(?:\s+(?:found|missed|to\s+extract))?|null|nil|n/?a|empty|no|\[\s*\]|\{\s*\}
    )[\s"'“”`*。.!！\]】)）]*""",
    re.I | re.X,
)
_FOUND_NOTHING = re.compile(
    r"""(?:没有|并无|不存在|不包含|不含|未能?(?:找到|发现|提及|包含|抽取|提取|识别|涉及)|无法(?:找到|发现|识别到|抽取到|提取到)|无)
        [^。\n]{0,40}?(?:三元组|关系|实体对|事实|遗漏)
        |\b(?:no|not\s+any|without\s+any)\b[^.\n]{0,60}?\b(?:triples?|triplets?|relations?|relationships?|facts?)\b
        |\b(?:could|can|did|does|do)\s?n[o']t\s+(?:find|contain|see|identify|mention)\s+any\b
        |\bnothing\s+(?:more|else|further|was|is|to)\b""",
    re.I | re.X,
)
_REFUSAL = re.compile(
    r"""(?:我|本人|作为[^，,。]{0,20})(?:[^。\n]{0,12})(?:无法|不能|不便|没有办法|没办法|拒绝)
        |(?:抱歉|对不起|很遗憾|不好意思)[^。\n]{0,30}(?:无法|不能|不便|没有办法|没办法|不予|拒绝)
        |(?:^|[，,。\s])(?:无法|不能|不予)(?:提供|回答|协助|处理|完成|满足|执行|继续|响应)
        |内容安全|敏感内容|不当内容|违反[^。\n]{0,20}(?:政策|规定|规范|法律|法规)|换个话题
        |\bI(?:\s+am|['’]m)\s+(?:sorry|unable|afraid|not\s+able)|\bI\s+(?:cannot|can\s?not|can['’]t|won['’]t|must\s+decline|decline)
        |\b(?:sorry|apologi[sz]e|unfortunately)\b[^.\n]{0,60}\b(?:cannot|can['’]t|unable|not\s+able)
        |\bas\s+an\s+AI\b|content[\s_-]*(?:filter|policy|management)|\bsafety\s+(?:policy|guidelines?)|usage\s+polic""",
    re.I | re.X,
)
_SHORT = 300
_BEGINNING = 200


def answer_spans(content: str) -> tuple[list[Span], int]:
    """The stretches of an answer that are no thinking, and how many thoughts were left out.

    A closing tag without an opening one ends a thought that the prompt opened: all before it is thinking.

    Raises:
        AnswerError: A thought never closes, and nothing stands before it.
    """
    spans: list[Span] = []
    thoughts, at, inside = 0, 0, False
    for tag in _TAG.finditer(content):
        if tag["closing"] or tag["closing_bar"] or tag["closing_kimi"]:
            spans = spans if inside else []
            thoughts, at, inside = thoughts + 1, tag.end(), False
        elif not inside:
            spans.append((at, tag.start()))
            inside = True
    if not inside:
        return [*spans, (at, len(content))], thoughts
    if any(content[start:end].strip() for start, end in spans):
        return spans, thoughts + 1
    raise AnswerError("cut off while thinking", content)


def split_at_fences(content: str, span: Span) -> list[Span]:
    """A stretch of the answer cut at its code fences, the fences left out."""
    spans, start = [], span[0]
    for fence in _FENCE.finditer(content, *span):
        spans.append((start, fence.start()))
        start = fence.end()
    return [*spans, (start, span[1])]


def without_fences(text: str) -> str:
    """A text without its code fences."""
    return _FENCE.sub("", text)


def says_nothing(text: str) -> bool:
    """Whether a text is nothing but a word for nothing, such as 无, None or `[]`."""
    return bool(_NOTHING.fullmatch(text[:_SHORT].strip()))


def reports_nothing(text: str) -> bool:
    """Whether a short answer says in words that nothing was found."""
    text = text.strip()
    return len(text) <= _SHORT and bool(says_nothing(text) or _FOUND_NOTHING.search(text))


def is_refusal(text: str) -> bool:
    """Whether an answer begins as a refusal or a content filter's message."""
    return bool(_REFUSAL.search(text.strip()[:_BEGINNING]))
