import pytest
from listed_verifier import ListedVerifier

from cacre.errors import ConfigError

pytest.importorskip("openodke", reason="needs openodke: pip install 'cacre[openodke]'")

from openodke.run.build import build_stage
from openodke.run.config import StageSpec
from openodke.types import Document, Entity, Evidence, Fact, GroundingVerdict, Polarity, Span

from cacre.adapters.openodke import CacreGrounder

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
DOCUMENT = Document(id="d", text=TEXT)
FILM = Entity(key="film", type="film", label="Fog Ferry", aliases=("雾中渡",))
WHOLE = Span(doc_id="d", start=0, end=len(TEXT))
NAMES = {"predicates": {"directed_by": "导演", "released": "上映时间"}, "types": {"film": "影视作品"}}


def fact(predicate="directed_by", *, name="林知远", span=WHOLE, **more):
    if "object_value" not in more:
        more["object_entity"] = Entity(key=name, type="person", label=name)
    return Fact(subject=FILM, predicate=predicate, evidence=(Evidence(doc_id="d", span=span),), **more)


def test_facts_get_verdicts_in_order_and_nothing_else_changes():
    grounder = CacreGrounder(verifier=ListedVerifier(("雾中渡", "导演", "林知远")), **NAMES)
    facts = [fact(name="沈若汐"), fact(), fact(verdict=GroundingVerdict.CONTRADICTED)]
    grounded = grounder.ground_many(facts, DOCUMENT)
    assert [one.verdict.value for one in grounded] == ["not_found", "supported", "contradicted"]
    assert [
        one.model_copy(update={"verdict": before.verdict}) for one, before in zip(grounded, facts, strict=True)
    ] == facts
    stats = grounder.stats
    assert stats["reasons"] == {"text_score below threshold": 1}
    assert (stats["supported"], stats["not_found"], stats["skipped"]) == (1, 1, 1)


@pytest.mark.parametrize(("scope", "read"), [("span", "由林知远执导"), ("document", TEXT)])
def test_the_cited_span_is_read_or_the_whole_document(scope, read):
    verifier = ListedVerifier()
    cited = Span(doc_id="d", start=5, end=11)
    CacreGrounder(verifier=verifier, scope=scope, **NAMES).ground(fact(span=cited), DOCUMENT)
    assert verifier.asked[0][0] == read


def test_a_citation_that_says_something_else_is_not_read():
    verifier = ListedVerifier(("雾中渡", "导演", "林知远"))
    false = Span(doc_id="d", start=0, end=4, quote="云岫科技")
    grounded = CacreGrounder(verifier=verifier, **NAMES).ground(fact(span=false), DOCUMENT)
    assert (grounded.verdict, verifier.asked) == (GroundingVerdict.NOT_FOUND, [])


@pytest.mark.parametrize(
    "more",
    [{"polarity": Polarity.DENIED}, {"polarity": Polarity.PARTIAL}, {"object_value": True}, {"object_value": []}],
)
def test_what_cannot_be_judged_stays_unchecked(more):
    grounder = CacreGrounder(verifier=ListedVerifier(), **NAMES)
    assert grounder.ground(fact(**more), DOCUMENT).verdict is GroundingVerdict.UNCHECKED
    assert grounder.stats["unchecked"] == 1


def test_values_are_judged_as_they_are_written():
    grounder = CacreGrounder(verifier=ListedVerifier(("雾中渡", "上映时间", "2018")), **NAMES)
    assert grounder.ground(fact("released", object_value=2018), DOCUMENT).verdict is GroundingVerdict.SUPPORTED


def test_a_configuration_of_openodke_can_name_it(tiny_folder):
    options = {"model": str(tiny_folder), "schema": "open", "predicates": {"directed_by": "导演"}}
    spec = StageSpec.model_validate({"use": "cacre.adapters.openodke:CacreGrounder", **options})
    grounder = build_stage("grounder", spec, None, "stages.grounder")
    assert grounder.ground(fact(), DOCUMENT).verdict is GroundingVerdict.SUPPORTED


def test_an_unknown_scope_is_refused():
    with pytest.raises(ConfigError, match="sentence"):
        CacreGrounder(verifier=ListedVerifier(), scope="sentence")
