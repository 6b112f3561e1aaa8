"""Whether a text asserts a triple, or denies it, reports it as rumour, only plans it, or says that it is over.

Rules over the string evidence, no model. A word of `MODAL_WORDS` counts only where it governs what the text says of
this triple; each rule's docstring says where that is. What no rule sees is taken as asserted: a flag is seldom wrong
and often missing. `benchmarks/modality.py` counts both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cacre.preprocessing.evidence import PairContext
from cacre.preprocessing.mentions import gap
from cacre.preprocessing.scan import CLAUSE_ENDS
from cacre.types import Modality, ModalityKind, Span

_POSTS = "董事|总裁|主席|掌门|校长|主教练|主帅|教练|队员|球员|队长|首都|代言|主持"
MODAL_WORDS: Mapping[str, str] = {
    "is not": "否认(?:自己|其|[他她])?曾?[是系为]|"
    "不是|并非|绝非|而非|误(?:传|认|作|写|当|标|称|以)(?:是|为|成|作)?|错(?:写|标|当|认|印|记)(?:成|作|为)",
    "did not": "否认|婉拒|拒绝|谢绝|没有|没能|未曾|从未|并未|未能|尚未|未|从不|不曾",
    "rumour": "传闻|据传|网传|盛传|有传|曾传|误传|谣传|风传|传言|疑似|据说|听说|爆料|坊间|或(?=将|由|成为|出任)",
    "taken back": "否认|辟谣|不实|不属实|谣言|子虚乌有|失实|系误|误传|是假的|没有的事|纯属",
    "plan": "有望|即将|行将|打算|计划|预计|原定|筹备|准备|有意|(?<![虚模])拟(?![音人态声真])",
    "will": "(?<![门名小老女悍大武健宿骁虎猛部败降良上中少麻])将(?![军领士帅校才门])",
    "was": "曾经|曾任|曾(?![祖孙])|卸任|离任|辞去|辞任|不再担任|不再是|不再",
    "former": f"(?<![之以此生目从先日当跟面眼年月天])前任?(?=[妻夫]|{_POSTS})|(?<![草高平中太])原任?(?={_POSTS})",
    "divorced": "离婚",
}
"""Regular expressions of the words that change what a text says of a triple, by what they say."""

_NO_DENIAL = re.compile(
    "不[仅只但光单]|[无莫]不|[不没]得不|不得[不已]|不能不|不会不|没有?不|未[尝必]不|是不是|有没有|"
    "未(?:来|必|婚|名|央|完|满|知|免)"
)
"""What looks like a denial and is none: "not only", a double negation, a question, another word."""
_QUESTION = re.compile("吗|难道|是不是|是否|有没有")
_TAKES = re.compile(
    "将[^,。;:]{1,20}?(?:颁给|颁予|授予|改编|搬上|迁|并入|交给|出售|卖给|转让|收入|列为|作为|称为|写成)"
)
"""将 as "take", which names what something is done to, not what is to come."""
_FILLER = re.compile(
    "(?:已|曾|将|被|与|和|跟|同|为|给|由|再|能|会|要|当上|当过|担任|出任|做|请|让|找|邀请|正式|亲自|真|过|[《“”\"'「『])*"
)
"""What may stand between a modal word and what it governs."""
_CARRIES_FAR = frozenset("由于与被会和任在为是请获担")
"""Behind 将 or 曾 these show that a whole predicate follows; without one, both govern the next word alone."""
_TURN = re.compile("[、而是《》]")
_AFTER_NAME = re.compile(r"[”\"’」》]?(?:$|[，。；！？：,;!?:\n、）)啦呀哦啊而])")
_PATTERNS = {name: re.compile(words) for name, words in MODAL_WORDS.items()}
_NEAR, _REACH, _LEAD = 4, 8, 2
"""Characters that may lie between a modal word and a name, as in 其实并 and 大家都以为的; before it in its clause."""


@dataclass(frozen=True)
class _Reading:
    """A triple in its text as the rules look at it; of the mentions nearest to each other, which comes first."""

    context: PairContext
    first: Span
    second: Span

    @property
    def text(self) -> str:
        return self.context.scan.folded

    @cached_property
    def masked(self) -> list[Span]:
        """Names and titles: a modal word inside them is none."""
        c = self.context
        return [*c.subject.any, *c.object.any, *c.scan.titles]

    @cached_property
    def one_clause(self) -> bool:
        return self.clause(self.first[0]) == self.clause(self.second[0])

    def clause(self, at: int) -> int:
        return self.context.scan.clause[at]

    def sentence(self, at: int) -> int:
        return self.context.scan.sentence[at]

    def clause_start(self, at: int) -> int:
        return next((i for i in range(at, 0, -1) if self.text[i - 1] in CLAUSE_ENDS), 0)

    def clause_end(self, at: int) -> int:
        return next((i for i in range(at, len(self.text)) if self.text[i] in CLAUSE_ENDS), len(self.text))

    def words(self, kind: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
        """Modal words of a kind, those in names left out, and denials in questions and double negations."""
        is_denial = kind in ("is not", "did not")
        none = [m.span() for m in _NO_DENIAL.finditer(self.text)] if is_denial else []
        for match in _PATTERNS[kind].finditer(self.text, start, len(self.text) if end is None else end):
            word = match.span()
            hidden = any(gap(word, other) < 0 for other in (*self.masked, *none))
            if not hidden and not (is_denial and self._asked(word[0])):
                yield word

    def _asked(self, at: int) -> bool:
        start, end = self.clause_start(at), self.clause_end(at)
        return self.text[end : end + 1] == "?" or bool(_QUESTION.search(self.text, start, end))

    def cue_at(self, start: int, reach: int = 0) -> Span | None:
        """The relation's cue word that begins at most `reach` characters behind `start`, in its clause."""
        cues = (c for c in self.context.cues if 0 <= c[0] - start <= reach)
        return min((c for c in cues if self.clause(c[0]) == self.clause(start)), default=None)

    def ends_with_cue(self, name: Span) -> bool:
        """Whether nothing but a cue word of the relation, and 的, stands between the name and the end of its clause."""
        cue = self.cue_at(name[1], 1)
        return cue is not None and self.text[cue[1] : self.clause_end(cue[1])] in ("", "的")

    def subject_left_out(self, word: Span) -> bool:
        """Whether the word begins the clause of the second name, and the first is in the one before: 甲…，并非乙的…."""
        alone = self.clause(word[0]) == self.clause(self.second[0]) == self.clause(self.first[0]) + 1
        begins = word[0] - self.clause_start(word[0]) <= _LEAD
        return alone and begins and self.sentence(self.first[0]) == self.sentence(word[0])

    def acts_on(self, word: Span) -> bool:
        """Whether the relation follows the word directly: 没有创办乙, 否认与乙结婚."""
        filled = _FILLER.match(self.text, word[1])
        at = filled.end() if filled else word[1]
        cue = self.cue_at(at) or self.cue_at(word[1])
        if cue is not None and self.second[0] - cue[1] <= _NEAR:
            return True
        return any(name[0] == at and self.cue_at(name[1], _NEAR) for name in (self.first, self.second))

    def governs_clause(self, word: Span) -> bool:
        """Whether the word stands before the second name in the clause of both, and before a free cue of the relation.

        A cue word directly before a name is an apposition (网传导演乙…), which is taken for granted and not governed,
        unless the word stands between the names and acts on it (甲有望执导乙).
        """
        if not self.one_clause or self.clause(word[0]) != self.clause(self.second[0]):
            return False
        if self.first[1] <= word[0] and word[1] <= self.second[0] and self.acts_on(word):
            return True
        starts = {start for start, _ in self.masked}
        starts |= {start - 1 for start in starts if self.text[start - 1 : start] in ("《", "“", '"')}
        end = self.clause_end(word[1])
        free = any(word[1] <= a and b <= end and b not in starts for a, b in self.context.cues)
        return free and word[1] <= self.second[0] and gap(self.first, self.second) > 1

    def carries(self, word: Span) -> bool:
        """Whether a word such as 将 or 曾 acts on the relation, or on a clause that says it."""
        if word[1] > self.second[0] or not self.one_clause or self.clause(word[0]) != self.clause(self.second[0]):
            return False
        far = self.text[word[1] : word[1] + 1] in _CARRIES_FAR
        return self.acts_on(word) or (far and self.governs_clause(word))


def _denied_name(r: _Reading) -> Iterator[Span]:
    """导演是甲，不是乙: the word before a name, behind the other name in its sentence or the one before.

    The name ends its clause, and the last cue word of any relation before the word is this relation's; or the relation
    follows (不是乙唱的). No cue word of the relation stands between word and name: 不是编剧乙 says that 乙 is one.
    """
    c = r.context
    for word in r.words("is not"):
        for name, other in ((r.first, r.second), (r.second, r.first)):
            near = 0 <= name[0] - word[1] <= _REACH and r.clause(word[0]) == r.clause(name[0])
            known = other[1] <= word[0] and r.sentence(word[0]) - r.sentence(other[0]) <= 1
            between = any(word[1] <= a and b <= name[0] for a, b in c.cues)
            if near and known and not between and not _TURN.search(r.text, word[1], name[0]):
                before = [x for x in (*c.cues, *c.other_cues) if other[0] <= x[0] and x[1] <= word[0]]
                said = bool(before) and max(before, key=lambda cue: (cue[1], -cue[0])) in c.cues
                if (said and _AFTER_NAME.match(r.text, name[1])) or (not r.one_clause and r.ends_with_cue(name)):
                    yield word


def _denied_role(r: _Reading) -> Iterator[Span]:
    """甲不是乙的导演: the word between the names, near both, and the relation's cue word right behind them."""
    for word in r.words("is not", r.first[1], r.second[0]):
        begun = (r.one_clause and word[0] - r.first[1] <= _NEAR) or r.subject_left_out(word)
        if begun and r.second[0] - word[1] <= _NEAR and r.cue_at(r.second[1], _NEAR):
            yield word


def _denied_verb(r: _Reading) -> Iterator[Span]:
    """甲没有创办乙, 甲否认与乙结婚: the word between the names of one clause, and it acts on the relation."""
    for word in r.words("did not", r.first[1], r.second[0]):
        if r.one_clause and word[0] - r.first[1] <= _REACH and r.acts_on(word):
            yield word


def _rumoured(r: _Reading) -> Iterator[Span]:
    """网传甲与乙结婚: the word governs the clause of both names."""
    return (word for word in r.words("rumour") if r.governs_clause(word))


def _taken_back(r: _Reading) -> Iterator[Span]:
    """网传甲与乙结婚，双方否认: a rumour that the same sentence takes back behind both names."""
    if next(_rumoured(r), None):
        yield from (w for w in r.words("taken back", r.second[1]) if r.sentence(w[0]) == r.sentence(r.second[0]))


def _planned(r: _Reading) -> Iterator[Span]:
    """甲有望执导乙, 甲将出任乙董事长: 将 only before the relation or a preposition, and never as "take"."""
    yield from (word for word in r.words("plan") if r.governs_clause(word))
    yield from (word for word in r.words("will") if not _TAKES.match(r.text, word[0]) and r.carries(word))


def _past(r: _Reading) -> Iterator[Span]:
    """前妻, 前董事长 beside a name; 甲曾任乙校长, 甲辞去乙董事长; 离婚 where it is the relation's cue word."""
    for word in r.words("former"):
        cue = r.cue_at(word[1]) or r.cue_at(word[0])
        if cue and any(0 <= gap(cue, name) <= 1 for name in (r.first, r.second)):
            yield word
    yield from (word for word in r.words("was") if r.carries(word))
    if r.one_clause:
        ends = (w for w in r.words("divorced") if w in r.context.cues)
        yield from (w for w in ends if r.clause(w[0]) == r.clause(r.second[0]))


_RULES: tuple[tuple[ModalityKind, Callable[[_Reading], Iterator[Span]]], ...] = (
    ("denied", _denied_name),
    ("denied", _denied_role),
    ("denied", _denied_verb),
    ("denied", _taken_back),
    ("rumoured", _rumoured),
    ("planned", _planned),
    ("past", _past),
)
"""The first that finds a word decides."""


def find_modality(context: PairContext) -> Modality | None:
    """What the text does with the triple instead of asserting it, by the mentions that stand nearest to each other.

    Args:
        context: The triple, looked up in its text.

    Returns:
        The kind, and where the word stands that says so; None where no rule finds one, so that it counts as asserted.
    """
    if context.pair is None or gap(*context.pair) < 0:
        return None
    first, second = sorted(context.pair)
    reading = _Reading(context, first, second)
    found = (Modality(kind, word) for kind, rule in _RULES for word in rule(reading))
    return next(found, None)
