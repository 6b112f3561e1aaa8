"""What follows names and relation behind a denial, where it shows that something else is denied: 没有拍乙的续集."""

from __future__ import annotations

import re

from cacre.preprocessing.modal_reading import NEAR, Reading
from cacre.types import Span

_CLOSING = "[》”\"'’」』]*"
_PARTS = (
    "续|番外|前传|外传|后传|前身|终章|大?结局|花絮|预告|宣传|主题曲|插曲|片[头尾]|海报|幕后|特别篇|[裸吻床打]戏|戏份|下半?[部集季]|"
    "第[一二三四五六七八九十百两0-9]|最[后终][一几的版]|[^,。;:!?、的]{0,3}版(?!权)|剩余|其余|余下|部分|少数|全部|所有|更多|另[一外]|附属|附[中小]|分[校店]|子公司|"
    "分公司|旗下|下属|[之以]?(?:时(?!装)|前|后(?!来))|期间|以来|[当那][年天日时]|[以之]?外(?!语|国)"
)
"""A part of the thing, what belongs to it, or a time: the thing itself is not denied."""
_PART = re.compile(f"{_CLOSING}(?:(?: *的)?(?:{_PARTS})|(?:里|中(?![文国医学心西专药等]))(?!的?任何))")
_KIND = re.compile(
    f"{_CLOSING}(?:[这那该此][一两几]?[部本首家支个片座所款档篇]?)?"
    "(?:电影|影片|片子|电视剧|连续剧|网剧|小说|公司|集团|企业|球队|俱乐部)|"
    f"{_CLOSING}[这那该此][一两几]?[部本首家支个片座所款档篇]"
    "(?:[^,。;:!?、的]{0,4}[片剧集戏书歌曲队]|曲子|游戏|漫画|节目|学校|大学|作品)?|"
)
"""《雾中渡》这部电影: says again what the thing is. Matches nothing too."""
_STOP = re.compile(
    f"{_CLOSING}的?[了过]?(?:[的一]?(?:[职事角片剧书说]|职务|角色|说法|传[闻言]|消息|报道|股[份权票]?|[男女][一二三四]号|"
    "经历|事实|打算|计划|想法|意思|意向|邀[请约]|提议|机会|可能性?|猜测|谣言|绯闻))?(?:[里中]的?任何[^,。;:!?]*)?[啦呀哦啊呢吧嘛]{0,2}"
    "(?:$|[，。；！？：,;!?:\n、\\s()（）\\[【—–~～…⋯.-])"
)
"""The clause ends, or speaks of the report."""
_JOINED = re.compile(
    f"{_CLOSING}的?(?:和(?![解好平谐睦])|与(?!会)|及(?![时格])|以及|或|跟(?![进踪拍随])|兼(?![并顾])|并(?![购入列])|等|、|"
    "但|却|而|只(?:是|做|当|任|担任)|仅[是做任]|不过|反而|倒是|也(?=[没未不])|更(?=[没未不]))"
)
"""The clause goes on with another thing that is denied too, or with what is so instead."""
_SHARED = re.compile(f"的(?:{_PARTS})|[有无]关|冲突|矛盾|不和|闹翻")
"""没有拍《雾中渡》和《山海谣》的续集, 否认拍《雾中渡》与此有关: and yet another matter."""
_FURTHER = re.compile(
    f"{_CLOSING}(?:的|[是被让令使把到至在因以用靠从对向得获夺赢拿]|来(?!源)|去(?!年)|成[为名功]|取得|受[到伤]|出[线圈道局席]|上[映市场线]|下线|进[入军]|"
    "打[进入破出]|晋级|保级|走红|播出|过审|杀青|开机|盈利|破产|赚|赔|亏|超支|退[役出]|离开|辞职|参加|违规|涉|存在)"
)
"""A further verb, or the 的 of an attribute: what is denied is said there."""
_LEADS = re.compile("[带率]领?|领|指挥")
"""Behind these cue words the thing goes on to do something: 没能带领乙出线."""
_TOWARDS = re.compile("[为让请找被使给]$")


def goes_on(r: Reading, word: Span, cue: Span) -> bool:
    """没有拍乙的续集, 否认拍乙时超支, 没能带领乙出线, 没有为乙拍番外: denied is what follows names and relation.

    Where the second name is the object of the relation's word, only what shows that counts, so that 没有毕业于乙中文系
    is a denial. Where that word stands behind the name, or a clause follows, any further word may be what is denied.
    """
    at, more = _tail(r, max(cue[1], r.second[1]))
    if more is not None:
        return more
    others = any(at <= a < r.clause_end(at) for a, _ in r.context.other_cues)
    return others or not _takes_object(r, word, cue) or bool(_PART.match(r.text, at) or _FURTHER.match(r.text, at))


def stops(r: Reading) -> bool:
    """Whether nothing that is another matter follows the second name in its clause."""
    return _tail(r, r.second[1])[1] is False


def _tail(r: Reading, at: int) -> tuple[int, bool | None]:
    """Read on behind names and relation: up to where, and whether another matter follows; None where any word does."""
    while True:
        kind = _KIND.match(r.text, at)
        before, at = at, kind.end() if kind else at
        if _PART.match(r.text, before) or _PART.match(r.text, at):
            return at, True
        if _STOP.match(r.text, at):
            return at, False
        if _JOINED.match(r.text, at):
            return at, bool(_SHARED.search(r.unnamed, at, r.clause_end(at)))
        behind = r.cue_at(at, NEAR)
        if behind is None:
            return at, None
        at = behind[1]


def _takes_object(r: Reading, word: Span, cue: Span) -> bool:
    """Whether the second name is what the cue word acts on, and the denial denies just that."""
    led = _LEADS.fullmatch(r.text, *cue) or _TOWARDS.search(r.text[word[1] : cue[0]])
    return cue[1] <= r.second[0] and not led and not r.text.startswith("否认", word[0])
