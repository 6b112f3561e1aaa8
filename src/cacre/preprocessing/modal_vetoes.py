"""Where a modal word stands as the rules of `modality.py` ask, and yet speaks of something else than the triple."""

from __future__ import annotations

import re

from cacre.preprocessing.mentions import gap
from cacre.preprocessing.modal_reading import NEAR, Reading
from cacre.types import Span

_ORDINAL = re.compile("唯一|首[任位个次部届]|第[一二三四五六七八九十两0-9]")
_NARROWED = re.compile(
    f"{_ORDINAL.pattern}|首[选创]|最(?![近后终])|最后一[任位个次部届]|[长次独幼嫡庶][子女]|处女作|代表作|成名作|生涯|巅峰|独自|单独|独立|独家|一手|"
    "一线|一个?人|挂名|名义|随手|一时|一贯|合格|称职|理想|完美|典型|普通|一般的|好(?=[丈夫妻父母爸妈导老校])"
)
"""The only, the first, the eldest, a good X: who is not that may well be X."""
_ELSE = re.compile("[和与及或跟兼、而但却只 ()（）—…]")
_QUALIFIES = 6
"""Characters behind the cue word that may say which one is denied, as in 导演的第一部, up to what is joined to it."""
_BY_THE_WAY = re.compile("[以因靠凭在从想要说来去怕嫌不没]|为了|由于|故意|特意|有意")
_WHEN_OR_HOW = re.compile("[在于用因年月日]|为了|期间|时候?")
_HALF = re.compile("[好完活透全愈]")
_SOMETIMES = re.compile(
    "部分|有些|有的|少数|个别|多数|大多|一些|[早初中晚后]期|轻[症度]|[若如]|倘|要是|除非|即使|哪怕|一旦|只要|没有?人|无人|[谁何怎]|"
    "为什么|儿童|小儿|孕妇|婴|幼|老人|一般|通常|往往|时(?!装)|期间|[可常多或]$"
)
_DISBELIEF = re.compile("以为|误认为|误传|谎称|不信|不相信|(?:谁[敢能会]?|别[再总]?|怎么[能会]?)说")
_UNTRUE = re.compile("(?:说法|传[闻言]|消息|报道)(?:并?不|失实|有误|系|是[假误])")
_ATTRIBUTE = re.compile('的(?:(?!有(?!声)|包[括含])[^,，。;；:：、是为系叫]){0,5}[《“"]?$')
_NOT_YET = re.compile("将|要|拟|有意|[或可]能")
_APPOSED = re.compile('[》”"’」)）]?[的与和跟同携带及]?')
_CAUSE = re.compile("(?:[因凭靠]|凭借|为了|由于|通过|(?<![成作任认称名改])为)$")
_WHEN = re.compile(
    '[》”"’」]?[了的]?(?:[之以]?(?:时(?![间任代长])|后(?![来期续传人代卫妈母])|前(?![传任妻夫锋期]))|期间|以来|[当那][年天日])'
)
_OF_IT = re.compile('[》”"’」]?[的里中](?!消息|传[闻言]|说法|报道|新闻|计划|可能|事)')
_OPENLY = (
    "(?<![^，。；！？：,;!?:\n])(?:[去今前]年|[昨今前][天日]|近日|日前|后来|随后|终于|最终|才|已经?|正式|对外|主动|"
    "双方|两人|二人|夫妻|又|也)*公开"
)
"""A clause that says nothing but that they made it public."""
_CONFIRMED = re.compile(
    f"(?:证实|属实|官宣|坐实|确有其事|是真的|承认|公开(?=了?(?:恋情|婚讯|关系))|(?:恋情|婚讯|关系)[^,，。;；:]{{0,6}}公开|{_OPENLY})"
    "了?(?:此事|属实|恋情|婚讯|关系|传闻|这?一?消息)?(?:[。；;！!”]|$)"
)
_UNCONFIRMED = re.compile(
    "未(?![来婚])|没(?!多久|过多久|几[天日月])|无(?![奈疑]|意中)|不(?![久料日过]|得不|[仅但]|再否认)|(?<![接对款招看])待(?!遇)|(?<![时高和崇])尚|"
    "否|非(?![常要])|拒|只|仅|所谓|等着|[静坐等]候|坐等|[需须难]|希望|要求|呼吁|盼|如果|若|一旦|除非|将|可能|或许|预计"
)
"""From the start of the clause on: it waits to be confirmed, will be, or is not."""
_HEARSAY = re.compile(
    "[称说指问吗谁误错谎假若?？想盼]|以为|认为|如果|希望|是否|更正|勘误|原定|邀|请|考虑|建议|期待|可能|也许|似乎|或许|针对|关于|一事|的照片"
)
_REPORTED = re.compile("网友|网传|媒体|报道|发帖|消息|传闻|流传|热传|热搜|爆料|坊间")
_SOMEONE = re.compile(
    "(?:有(?:些|的|不少)?人|[很许][多少]人|不少人|观众|网友|媒体|文章|帖子?|外界)们?[^,，。;；:：]{0,3}(?:[说称传写]|认为|以为|爆料|发帖|报道|指出)"
)
"""Who denies it is no one in particular."""
_INDEED = re.compile("的确|确实|其实|事实上|实际上|正是|就是|实为")


def ordinal(r: Reading, word: Span, name: Span) -> bool:
    """不是第一任乙: between word and name, so that the other one is of the same kind."""
    return bool(_ORDINAL.search(r.text, word[1], name[0]))


def narrowed(r: Reading, word: Span, cue: Span) -> bool:
    """不是唯一的导演, 不是长子, 不是独自创办, 不是甲导演的第一部: between word and cue, or said of it right behind."""
    said = max(cue[1], r.second[1])
    end = min(said + _QUALIFIES, r.clause_end(said))
    other = _ELSE.search(r.unnamed, said, end)
    return bool(_NARROWED.search(r.unnamed, word[1], other.start() if other else end))


def other_point(r: Reading, word: Span, cue: Span) -> bool:
    """不是以乙妻子的身份…, 不是乙去年创办的: "is not" denies how, when or why."""
    why = word[1] < r.second[0] and _BY_THE_WAY.match(r.text, word[1])
    return bool(why or _WHEN_OR_HOW.search(r.text, r.second[1], cue[0]))


def half_done(r: Reading, word: Span, cue: Span) -> bool:
    """没有演好, 没能拍完, 拒绝再演: it was done, but not well, not to the end or not again."""
    return r.text.startswith("再", word[1]) or bool(_HALF.match(r.text, cue[1]))


def heard(r: Reading, word: Span) -> bool:
    """观众听说甲执导乙: they heard it, and what they heard may be so."""
    return r.text.startswith("听说", word[0]) and bool(r.text[r.clause_start(word[0]) : word[0]].strip("“\"'「『"))


def sometimes(r: Reading, word: Span) -> bool:
    """部分甲患者无乙症状, 甲早期不…, 若甲不…: denied of some, at times or on a condition."""
    return bool(_SOMETIMES.search(r.unnamed, r.clause_start(r.first[0]), word[0]))


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
    return any(not _UNCONFIRMED.search(r.unnamed, r.clause_start(m.start()), m.start()) for m in found)


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
    """Whether another clause has names and relation, with no modal word or hearsay before it in its sentence.

    A text that denies something mostly says first what was reported. So another clause lifts a denial only if it
    insists (确实, 其实), or if the denial is what someone says.
    """
    used = {r.clause(at) for at in (r.first[0], r.second[0], word[0])}
    pairs = ((s, o) for s in r.context.subject.spans for o in r.context.object.spans if gap(s, o) >= 0)
    others = (pair for pair in pairs if r.clause(pair[0][0]) == r.clause(pair[1][0]) not in used)
    return any(_asserted(r, word, min(pair), max(pair)) for pair in others)


def _asserted(r: Reading, word: Span, first: Span, second: Span) -> bool:
    start, end = r.clause_start(first[0]), r.clause_end(second[1])
    said = any(first[1] <= a and b <= end and a - second[1] <= NEAR for a, b in r.cues)
    insists = _INDEED.search(r.unnamed, start, end)
    if not said or not (insists or _hearsay(r, word)) or r.text[end : end + 1] in ("?", "？"):
        return False
    begin = _sentence(r, first[0])[0]
    if r.sentence(first[0]) != r.sentence(word[0]) and _REPORTED.search(r.unnamed, begin, end):
        return False
    start = start if insists else begin
    kinds = ("is not", "did not", "rumour", "taken back", "plan", "will")
    doubted_too = any(next(r.words(kind, start, end), None) for kind in kinds)
    return not doubted_too and not _HEARSAY.search(r.unnamed, start, end)


def _hearsay(r: Reading, word: Span) -> bool:
    """Whether the sentence of the word is itself a rumour, or what someone says."""
    start, end = _sentence(r, word[0])
    return bool(_SOMEONE.search(r.unnamed, start, end)) or next(r.words("rumour", start, end), None) is not None


def _sentence(r: Reading, at: int) -> Span:
    """First character of the sentence of a character, and the one behind it."""
    number = r.sentence(at)
    start = next((i for i in range(at, 0, -1) if r.sentence(i - 1) < number), 0)
    return start, next((i for i in range(at, len(r.text)) if r.sentence(i) > number), len(r.text))
