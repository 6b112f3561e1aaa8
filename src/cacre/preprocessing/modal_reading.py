"""A triple in its text as the rules of `modality.py` look at it: the modal words, and what they govern."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cacre.preprocessing.evidence import PairContext
from cacre.preprocessing.mentions import gap
from cacre.preprocessing.scan import CLAUSE_ENDS
from cacre.types import Span

_POSTS = "董事|总裁|主席|掌门|校长|主教练|主帅|教练|队员|球员|队长|首都|代言|主持"
MODAL_WORDS: Mapping[str, str] = {
    "is not": "否认(?:自己|其|[他她])?曾?[是系为]|"
    "不是|并非|绝非|而非|误(?:传|认|作|写|当|标|称|以)(?:是|为|成|作)?|错(?:写|标|当|认|印|记)(?:成|作|为)",
    "did not": "否认|婉拒|拒绝|谢绝|没有|没能|未曾|从未|并未|未能|尚未|未|从不|不曾",
    "not": "并非|绝非|不是|"
    "(?<![不无莫何岂要好可得能敢会想肯是])[并绝决]?不(?:能够?|可以?|会|宜|得)?(?![不再能可会过同了])|"
    "无[缘法]|(?<!有)[并均]?无",
    "includes not": "不包[括含]|不含|不在",
    "belongs not": "不属于|不算是?|不能算(?:是|作)?",
    "told": "(?<![^，。；！？：,;!?:\n])传",
    "rumour": "传闻|据传|网传|盛传|有传|曾传|误传|谣传|风传|传言|疑似|据说|听说|爆料|坊间|或(?=将|由|成为|出任)",
    "taken back": "否认|辟谣|不实|不属实|谣言|子虚乌有|失实|系误|误传|是假的|没有的事|纯属",
    "plan": "有望|即将|行将|打算|计划|预计|原定|筹备|准备|有意|(?<![虚模])拟(?![音人态声真])",
    "will": "(?<![门名小老女悍大武健宿骁虎猛部败降良上中少麻])将(?![军领士帅校才门])",
    "was": "(?<![未不])曾(?![祖孙])[经任]?|卸任|离任|辞去|辞任|不再担任|不再是|不再",
    "former": f"(?<![之以此生目从先日当跟面眼年月天])前任?(?=[妻夫]|{_POSTS})|(?<![草高平中太])原任?(?={_POSTS})",
    "divorced": "离婚",
}
"""Regular expressions of the words that change what a text says of a triple, by what they say."""

_NO_DENIAL = re.compile(
    "不[仅只但光单]|[无莫]不|[不没]得不|不得[不已]|不能不|不会不|没有?不|未[尝必]不|是不是|有没有|"
    "未(?:来|必|婚|名|央|完|满|知|免)|(?:不是|并非|绝非)(?:[只仅光单]|谣[言传]|误传|假|子虚乌有)|[何岂莫要]不是|"
    "(?:差点儿?|险些|几乎|如果|若|假如|倘若|要是|幸亏)(?:当[初年])?(?:没有|没能|未能|未|不是|并非)|"
    "(?P<verb>.)不(?P=verb)|(?:[不没未难无]|没有|无[法可人]|不[能可会容]|从[未不]|并[未不]|没有?人|毋庸)否认"
)
"""What looks like a denial and is none: "not only", "if not", a double negation, a question, another word."""
_DENIALS = frozenset(("is not", "did not", "not", "includes not", "belongs not"))
_QUESTION = re.compile("吗|难道|是不是|是否|有没有|还能是|还会是")
_FILLER = re.compile(
    "(?:已|曾|将|被|与|和|跟|同|为|给|由|再|能|会|要|当上|当过|担任|出任|做|请|让|找|邀请|正式|亲自|真|过|[《“”\"'「『])*"
)
"""What may stand between a modal word and what it governs."""
_LEADS_TO = re.compile('用于|担任|出任|[由与和跟同被为任做当用了过《“"「『]')
"""What may stand between 不 or 无 and the second name, beside the relation: 不由乙执导, 不担任乙的导演."""
_LISTED = re.compile("[^,，。;；:：]{1,12}[、或和及与]")
"""Items before the second name: 不包括咳嗽、发热."""
_PREPOSITIONS = frozenset("由被与和跟同")
_VERB = re.compile(
    "(?:执导|导演|自编自导|拍摄?|创[办立建作]|成立|开办|设立|出演|主演|参演|客串|领衔|饰演?|扮演|演唱?|唱|[献翻首]唱|[撰编]?写|著|作[词曲]|谱[写曲]|编剧|"
    "[收并]购|买下|兼并|入主|接手|拿下|加盟|效力|签约|转投|执教|执掌|毕业于|考[入上]|就读于?|[出接担]任|迎娶|娶|嫁给|下嫁|获得|荣获|夺得|"
    "代言|主持|监?制作?|出品|开发|生产|配音|改编自|治疗)[了过]?"
)
"""Cue words that are verbs before a name, where a noun would be an apposition."""
_CARRIES_FAR = frozenset("由于与被会和任在为是请获担")
"""Behind 将 or 曾 these show that a whole predicate follows; without one, both govern the next word alone."""
_OTHER_MATTER = re.compile("离婚|续约|下课|婚后|婚姻")
"""Cue words that presuppose the relation: who denies a divorce, or does not renew a contract, is in it."""
_ROLE = re.compile(
    "[者人长员师手父母妻夫子女爸妈爹娘帅]$|太太|夫人|老公|老婆|导演|编剧|主演|主角|主播|作家|教练|总裁|嘉宾"
)
_KIN = re.compile("[父母妻夫子女爸妈爹娘]$|太太|夫人|老公|老婆")
_PATTERNS = {name: re.compile(words) for name, words in MODAL_WORDS.items()}
NEAR, REACH, _LEAD = 4, 8, 2
"""Characters that may lie between a modal word and a name, as in 其实并 and 大家都以为的; before it in its clause."""


@dataclass(frozen=True)
class Reading:
    """A triple in its text as the rules look at it; of the mentions nearest to each other, which comes first."""

    context: PairContext
    first: Span
    second: Span

    @property
    def text(self) -> str:
        """The text, folded."""
        return self.context.scan.folded

    @cached_property
    def masked(self) -> list[Span]:
        """Names and titles: a modal word inside them is none."""
        c = self.context
        return [*c.subject.any, *c.object.any, *c.scan.titles]

    @cached_property
    def unnamed(self) -> str:
        """The text with a blank for each character of names and titles: 若 in 郭沫若没有 is no "if"."""
        characters = list(self.text)
        for start, end in self.masked:
            characters[start:end] = " " * (end - start)
        return "".join(characters)

    @cached_property
    def no_denials(self) -> list[Span]:
        """What looks like a denial and is none."""
        return [match.span() for match in _NO_DENIAL.finditer(self.unnamed)]

    @cached_property
    def cues(self) -> list[Span]:
        """Cue words of the relation that can be denied, reported or planned."""
        return [cue for cue in self.context.cues if not _OTHER_MATTER.match(self.text, *cue)]

    @cached_property
    def one_clause(self) -> bool:
        """Whether both names stand in one clause."""
        return self.clause(self.first[0]) == self.clause(self.second[0])

    def clause(self, at: int) -> int:
        """Number of the clause of a character."""
        return self.context.scan.clause[at]

    def sentence(self, at: int) -> int:
        """Number of the sentence of a character."""
        return self.context.scan.sentence[at]

    def clause_start(self, at: int) -> int:
        """First character of the clause of a character."""
        return next((i for i in range(at, 0, -1) if self.text[i - 1] in CLAUSE_ENDS), 0)

    def clause_end(self, at: int) -> int:
        """The character behind the clause of a character."""
        return next((i for i in range(at, len(self.text)) if self.text[i] in CLAUSE_ENDS), len(self.text))

    def words(self, kind: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
        """Modal words of a kind, those in names left out, and denials in questions and double negations."""
        is_denial = kind in _DENIALS or kind == "taken back"
        for match in _PATTERNS[kind].finditer(self.text, start, len(self.text) if end is None else end):
            word = match.span()
            none = self.no_denials if is_denial else []
            hidden = any(gap(word, other) < 0 for other in (*self.masked, *none))
            if not hidden and not (kind in _DENIALS and self.asked(word[0])):
                yield word

    def asked(self, at: int) -> bool:
        """Whether the clause asks."""
        start, end = self.clause_start(at), self.clause_end(at)
        return self.text[end : end + 1] == "?" or bool(_QUESTION.search(self.unnamed, start, end))

    def cue_at(self, start: int, reach: int = 0) -> Span | None:
        """The relation's cue word that begins at most `reach` characters behind `start`, in its clause."""
        cues = (c for c in self.cues if 0 <= c[0] - start <= reach)
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

    def is_role(self, cue: Span) -> bool:
        """Whether the cue stands before the second name as its title: 创始人乙, 妻子乙, but not 执导乙."""
        if not 0 <= self.second[0] - cue[1] <= 1 or self.text[cue[1] : self.second[0]] not in ("", "“", '"', "《"):
            return False
        pattern = _ROLE if self.context.pair and self.context.pair[0] == self.first else _KIN
        return bool(pattern.search(self.text, cue[0], cue[1]))

    def governed(self, word: Span) -> Span | None:
        """The relation's cue word if it follows the word directly: 没有创办乙, 否认与乙结婚."""
        filled = _FILLER.match(self.text, word[1])
        at = filled.end() if filled else word[1]
        cue = self.cue_at(at) or self.cue_at(word[1])
        if cue is not None and self.second[0] - cue[1] <= NEAR:
            return cue
        names = (name for name in (self.first, self.second) if name[0] == at)
        return next((cue for name in names if (cue := self.cue_at(name[1], NEAR))), None)

    def leads_to(self, word: Span) -> Span | None:
        """The relation's cue word if nothing else stands between word and second name: 不用于治疗乙, 无乙症状."""
        at, cue = word[1], None
        if self.text.endswith("无", *word) and (listed := _LISTED.match(self.text, at, self.second[0])):
            at = listed.end()
        while at < self.second[0]:
            own = max((c for c in self.cues if c[0] == at and c[1] <= self.second[0]), default=None)
            filled = None if own else _LEADS_TO.match(self.text, at)
            if not own and not filled:
                return None
            at, cue = (own[1], own) if own else (filled.end() if filled else at, cue)
        return cue or self.cue_at(self.second[1], NEAR if self.text.endswith("无", *word) else 1)

    def lists(self, word: Span) -> bool:
        """Whether the relation's cue word leads to the word, and it to the second name: 乙的症状不包括咳嗽、发热."""
        led = any(self.first[1] <= a and 0 <= word[0] - b <= _LEAD for a, b in self.cues)
        listed = _LISTED.match(self.text, word[1], self.second[0])
        between = self.text[listed.end() if listed else word[1] : self.second[0]]
        return led and self.one_clause and between in ("", "《", "“", '"')

    def heads(self, word: Span) -> Span | None:
        """The word as it leads the clause of both names: 网传甲…; of 据传，甲…, the start of that clause.

        Not where it belongs to an attribute: 疑似起火的甲.
        """
        start = self.clause_start(self.first[0])
        if not self.one_clause or word[1] > self.first[0] or word[0] - self.clause_start(word[0]) > NEAR:
            return None
        if word[0] >= start:
            return None if self.text[word[1] : self.first[0]].rstrip('《“"').endswith("的") else word
        return (start, start) if word[1] + 1 == start and self.text[word[1]] in ",，:：" else None

    def predicates(self) -> bool:
        """Whether the relation is the predicate: 甲创办乙, 甲由乙创办, 甲与乙结婚, but not 甲创始人乙, 甲没创办乙."""
        if any(True for kind in _DENIALS for _ in self.words(kind, self.first[1], self.second[0])):
            return False
        cues = (c for c in self.cues if self.first[1] <= c[0] and not self.is_role(c))
        end = self.second[0]
        if self.text[self.first[1] : end] in _PREPOSITIONS:
            return self.cue_at(self.second[1], NEAR) is not None
        return any(
            self.text[b:end].strip('《“"了过') == "" and _VERB.fullmatch(self.text, a, b) for a, b in cues if b <= end
        )

    def governs_clause(self, word: Span) -> bool:
        """Whether the word stands before the second name in the clause of both, and before a free cue of the relation.

        A cue word directly before a name is an apposition (网传导演乙…), which is taken for granted and not governed,
        unless the word stands between the names and acts on it (甲有望执导乙).
        """
        if not self.one_clause or self.clause(word[0]) != self.clause(self.second[0]):
            return False
        if self.first[1] <= word[0] and word[1] <= self.second[0] and self.governed(word):
            return True
        starts = {start for start, _ in self.masked}
        starts |= {start - 1 for start in starts if self.text[start - 1 : start] in ("《", "“", '"')}
        end = self.clause_end(word[1])
        free = any(word[1] <= a and b <= end and b not in starts for a, b in self.cues)
        return free and word[1] <= self.second[0] and gap(self.first, self.second) > 1

    def carries(self, word: Span) -> bool:
        """Whether a word such as 将 or 曾 acts on the relation, or on a clause that says it."""
        if word[1] > self.second[0] or not self.one_clause or self.clause(word[0]) != self.clause(self.second[0]):
            return False
        far = self.text[word[1] : word[1] + 1] in _CARRIES_FAR
        return bool(self.governed(word)) or (far and self.governs_clause(word))
