"""Whether a server refuses one text, or all that comes with a key: they say it with the same status."""

from __future__ import annotations

import re

_ABOUT_THE_TEXT = re.compile(
    r"""content[\s_-]?(?:filter|polic|moderat|safety|risk|exists\srisk|violat|management)|moderation|\bflagged\b
    |data_inspection|context[_\s]length|inappropriate|high\srisk
    |(?:unsafe|harmful|sensitive|prohibited|illegal)\s(?:content|input|text|prompt|information|words?)
    |敏感(?:词|内容|信息|话题|文本)|(?:违规|不当|不安全)(?:或|的|内容|信息|文本|词)
    |(?:内容|输入|文本|提示)[^，。；\s]{0,8}(?:违规|违法|敏感|不合规|不安全|不当)
    |(?:内容|文本|安全)(?:安全|审核|风险|风控|过滤|存在)|审核[不未]通过|(?:[未没]|没有|不能|无法)通过[^，。；\s]{0,8}审核""",
    re.I | re.X,
)
_ABOUT_THE_KEY = re.compile(
    r"account|\bkeys?\b|organi[sz]ation|credential|permission|region|country|[账帐][号户]|密钥|权限|实名|地区", re.I
)


def about_the_text(said: str) -> bool:
    """Whether a refusal speaks of what the text says or how long it is: neither leaving out features nor waiting helps.

    Args:
        said: What the server said.
    """
    return bool(_ABOUT_THE_TEXT.search(said))


def about_the_key(said: str) -> bool:
    """Whether a refusal speaks of key, account or place, and so of all requests, whatever else it speaks of.

    Args:
        said: What the server said.
    """
    return bool(_ABOUT_THE_KEY.search(said))
