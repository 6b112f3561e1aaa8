"""Where a modal word stands as the rules of `modality.py` ask, and yet speaks of something else than the triple."""

from __future__ import annotations

import re

from cacre.preprocessing.mentions import gap
from cacre.preprocessing.modal_reading import NEAR, Reading
from cacre.types import Span

_ORDINAL = re.compile("唯一|首[任位个次部届]|第[一二三四五六七八九十两0-9]")
_NARROWED = re.compile(
    f"{_ORDINAL.pattern}|首[选席创]|最|[长次独幼嫡庶][子女]|处女作|代表作|成名作|生涯|巅峰|独自|单独|独立|独家|一手|"
    "一个?人|挂名|名义|随手|一时|一贯|合格|称职|理想|完美|典型|普通|一般的|好(?=[丈夫妻父母爸妈导老校])"
)
"""The only, the first, the eldest, a good X: who is not that may well be X."""
_BY_THE_WAY = re.compile("[以因靠凭在从想要说来去怕嫌不没]|为了|由于|故意|特意|有意")
_WHEN_OR_HOW = re.compile("[在于用因年月日]|为了|期间|时候?")
_HALF = re.compile("[好完活透全]")
_DISBELIEF = re.compile("以为|误认为|误传|谎称|不信|不相信|(?:谁[敢能会]?|别[再总]?|怎么[能会]?)说")
_UNTRUE = re.compile("(?:说法|传[闻言]|消息|报道)(?:并?不|失实|有误|系|是[假误])")
_ATTRIBUTE = re.compile('的[^,，。;；:：、是为系叫]{0,5}[《“"]?$')
_NOT_YET = re.compile("将|要|拟|有意|[或可]能")
_APPOSED = re.compile('[》”"’」)）]?[的与和跟同携带及]?')
_CAUSE = re.compile("(?:[因凭靠]|凭借|为了|由于|通过|(?<![成作任认称名改])为)$")
_WHEN = re.compile(
    '[》”"’」]?[了的]?(?:[之以]?(?:时(?![间任代长])|后(?![来期续传人代卫妈母])|前(?![传任妻夫锋期]))|期间|以来|[当那][年天日])'
)
_OF_IT = re.compile('[》”"’」]?[的里中](?!消息|传[闻言]|说法|报道|新闻|计划|可能|事)')
_CONFIRMED = re.compile(
    "(?:证实|属实|官宣|坐实|确有其事|是真的|承认|公开)了?(?:此事|属实|恋情|婚讯|传闻|这?一?消息)?(?:[。；;！!”]|$)"
)
_UNCONFIRMED = re.compile("(?:[未没无不待尚否非拒只仅]|所谓)[^,，]{0,4}$")
_HEARSAY = re.compile("[称说指问吗谁误错谎假若?？]|以为|认为|如果|希望|是否|更正|勘误|原定")
_INDEED = re.compile("的确|确实|其实|事实上|实际上|正是|就是|实为")


def ordinal(r: Reading, word: Span, name: Span) -> bool:
    """不是第一任乙: between word and name, so that the other one is of the same kind."""
    return bool(_ORDINAL.search(r.text, word[1], name[0]))


def narrowed(r: Reading, word: Span) -> bool:
    """不是唯一的导演, 不是长子, 不是独自创办: behind the word in the clause of the second name, names left out."""
    end = r.clause_end(r.second[1])
    hidden = {i for a, b in r.masked for i in range(a, b)}
    return bool(_NARROWED.search("".join(" " if i in hidden else r.text[i] for i in range(word[1], end))))


def other_point(r: Reading, word: Span, cue: Span) -> bool:
    """不是以乙妻子的身份…, 不是乙去年创办的: "is not" denies how, when or why."""
    why = word[1] < r.second[0] and _BY_THE_WAY.match(r.text, word[1])
    return bool(why or _WHEN_OR_HOW.search(r.text, r.second[1], cue[0]))


def half_done(r: Reading, word: Span, cue: Span) -> bool:
    """没有演好, 没能拍完, 拒绝再演: it was done, but not well, not to the end or not again."""
    return r.text.startswith("再", word[1]) or bool(_HALF.match(r.text, cue[1]))


def disbelieved(r: Reading, word: Span) -> bool:
    """误以为甲没有创办乙; 网传甲没有创办乙，系谣言; 甲否认与乙结婚，后来承认: a denial taken back."""
    start = r.clause_start(r.first[0])
    if _DISBELIEF.search(r.text, start, word[0]):
        return True
    if r.text.startswith("否认", word[0]):
        return confirmed(r)
    if not next(r.words("rumour", start, word[0]), None):
        return bool(_UNTRUE.search(r.text, word[1], r.clause_end(word[1])))
    return any(r.sentence(w[0]) == r.sentence(word[0]) for w in r.words("taken back", r.second[1]))


def doubted(r: Reading, word: Span) -> bool:
    """否认与乙离婚, 拒绝辞去: what would be over is denied or rumour itself."""
    start = r.clause_start(word[0])
    return any(next(r.words(kind, start, word[0]), None) for kind in ("did not", "rumour"))


def confirmed(r: Reading) -> bool:
    """网传甲与乙结婚，双方证实: in the same sentence, and nothing there takes it back."""
    end = next((i for i in range(r.second[1], len(r.text)) if r.sentence(i) > r.sentence(r.second[1])), len(r.text))
    if next(r.words("taken back", r.second[1], end), None):
        return False
    found = _CONFIRMED.finditer(r.text, r.second[1], end)
    return any(not _UNCONFIRMED.search(r.text, max(0, m.start() - 6), m.start()) for m in found)


def presupposed(r: Reading, word: Span) -> bool:
    """据说甲执导的乙…, 网传乙导演甲…, 据说甲执导乙时…, 据说甲因执导乙…, 据说甲执导乙的片酬…: rumoured is the rest."""
    inner = [cue for cue in r.cues if word[1] <= cue[0] and cue[1] <= r.second[0]]
    for cue in inner:
        if _ATTRIBUTE.match(r.text[cue[1] : r.second[0]]) and not _NOT_YET.search(r.text, word[1], cue[0]):
            return True
        if r.is_role(cue) and _APPOSED.fullmatch(r.text, r.first[1], cue[0]):
            return True
        if _CAUSE.search(r.text[max(0, cue[0] - 3) : cue[0]]) and r.clause(cue[0]) == r.clause(r.second[0]):
            return True
    ends = {cue[1] for cue in r.cues if word[1] <= cue[0] and r.clause(cue[0]) == r.clause(r.second[0])}
    if inner:
        ends.add(r.second[1])
        if _OF_IT.match(r.text, r.second[1]) and not r.cue_at(r.second[1], NEAR):
            return True
    return any(_WHEN.match(r.text, at) for at in ends)


def asserted_elsewhere(r: Reading, word: Span) -> bool:
    """Whether another clause has names and relation, with no modal word or hearsay before it in its sentence."""
    used = {r.clause(at) for at in (r.first[0], r.second[0], word[0])}
    pairs = ((s, o) for s in r.context.subject.spans for o in r.context.object.spans if gap(s, o) >= 0)
    others = (pair for pair in pairs if r.clause(pair[0][0]) == r.clause(pair[1][0]) not in used)
    return any(_asserted(r, min(pair), max(pair)) for pair in others)


def _asserted(r: Reading, first: Span, second: Span) -> bool:
    start, end = r.clause_start(first[0]), r.clause_end(second[1])
    said = any(first[1] <= a and b <= end and a - second[1] <= NEAR for a, b in r.cues)
    if not said or r.text[end : end + 1] in ("?", "？"):
        return False
    if not _INDEED.search(r.text, start, end):
        start = next((i for i in range(start, 0, -1) if r.sentence(i) < r.sentence(first[0])), 0)
    doubts = any(
        next(r.words(kind, start, end), None) for kind in ("is not", "did not", "rumour", "taken back", "plan", "will")
    )
    return not doubts and not _HEARSAY.search(r.text, start, end)
