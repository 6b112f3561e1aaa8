import pytest
from listed_verifier import ListedVerifier

from cacre.adapters.judging import judge, stranded, with_verdict
from cacre.adapters.names import Names, first_said, names_for
from cacre.errors import ConfigError, DataError
from cacre.inference import DecisionRules, OnnxVerifier
from cacre.schema import RelationType, Schema, load_schema
from cacre.types import Candidate, Modality, Triple, Verdict

ENGLISH = Schema.of("films", [RelationType("directed by", "film", "person", inverses=("director of",))])


@pytest.mark.parametrize(
    ("names", "said", "judged"),
    [
        (Names({"WROTE": "^编剧"}), ("顾青禾", "WROTE", "雾中渡"), ("雾中渡", "编剧", "顾青禾")),
        (Names(schema=ENGLISH), ("Fog", "DIRECTED_BY", "Lin"), ("Fog", "directed by", "Lin")),
        (Names(schema=ENGLISH), ("Lin", "Director_Of", "Fog"), ("Fog", "directed by", "Lin")),
        (Names(schema=load_schema()), ("雾中渡", "执导者", "林知远"), ("雾中渡", "执导者", "林知远")),
        (Names(schema=load_schema()), ("雾中渡", "气味", "林知远"), ("雾中渡", "气味", "林知远")),
        # Both 父亲 and 母亲 are read backwards as 儿子, so that neither may be chosen.
        (Names(schema=load_schema()), ("程以南", "儿子", "程小满"), ("程以南", "儿子", "程小满")),
    ],
)
def test_relations_become_predicates_of_the_schema(names, said, judged):
    assert names.candidate(Triple(*said)).triple == judged


def test_types_are_mapped_and_turn_with_their_ends():
    names = Names({"WROTE": "^编剧"}, types={"Film": "影视作品"})
    candidate = names.candidate(Triple("顾青禾", "WROTE", "雾中渡"), "Person", "Film")
    assert (candidate.subject_type, candidate.object_type) == ("影视作品", "Person")


def test_names_take_the_schema_that_the_verifier_checks_against(tiny_folder):
    rules = DecisionRules(schema=ENGLISH)
    assert names_for(OnnxVerifier(tiny_folder, rules=rules), Names({"A": "B"})) == Names({"A": "B"}, schema=ENGLISH)
    assert names_for(OnnxVerifier(tiny_folder), None).schema.name == "duie"
    assert names_for(ListedVerifier(), None).schema is None


def test_an_empty_predicate_is_refused_when_it_is_named():
    with pytest.raises(ConfigError, match="WROTE"):
        Names({"WROTE": "^"})


def test_the_name_that_the_text_has_is_judged():
    assert first_said("《雾中渡》由林知远执导。", ["Fog", "雾 中渡"]) == "雾 中渡"
    assert first_said("《雾中渡》由林知远执导。", ["Fog", "《》"]) == "Fog"


def test_an_unknown_relation_is_handled_as_filter_does(tiny_folder):
    said = Candidate(Triple("雾中渡", "气味", "林知远"))
    text = "《雾中渡》由林知远执导。"
    assert judge(OnnxVerifier(tiny_folder), [(text, [said])])[0][0].reason == "predicate not in schema"
    unchecked = OnnxVerifier(tiny_folder, rules=DecisionRules(schema_checks=False))
    assert judge(unchecked, [(text, [said])])[0][0].supported


def test_an_empty_name_is_rejected_and_the_rest_judged_in_order():
    good, empty = Triple("雾中渡", "导演", "林知远"), Triple("雾中渡", "导演", " ")
    verifier = ListedVerifier(good)
    rows = [("", []), ("文", [Candidate(empty), Candidate(good)]), ("", [Candidate(empty)])]
    verdicts = judge(verifier, rows)
    assert [[v.reason for v in row] for row in verdicts] == [[], ["object is empty", None], ["object is empty"]]
    assert verifier.asked == [("文", [Candidate(good)])]


def test_a_text_that_cannot_be_judged_is_an_error(tiny_folder):
    with pytest.raises(DataError, match="text"):
        judge(OnnxVerifier(tiny_folder), [(" ", [Candidate(Triple("雾中渡", "导演", "林知远"))])])


def test_a_relation_says_that_the_text_only_plans_it():
    said = Triple("雾中渡", "导演", "林知远")
    verdict = Verdict(Candidate(said), "supported", modality=Modality("planned", (3, 4)))
    assert with_verdict({}, verdict, "林知远将执导《雾中渡》", said, None) == {"modality": "planned"}


def test_what_was_said_of_a_relation_before_goes():
    said = Triple("雾中渡", "DIRECTED_BY", "林知远")
    verdict = Verdict(Candidate(said._replace(predicate="导演")), "supported", 0.5, evidence=((1, 4),))
    assert with_verdict({"since": 1, "reason": "old", "probability": 1.0}, verdict, "《雾中渡》", said, None) == {
        "since": 1,
        "text_score": 0.5,
        "evidence": ["雾中渡"],
        "evidence_start": [1],
        "evidence_end": [4],
        "judged_as": "雾中渡 导演 林知远",
    }


@pytest.mark.parametrize(
    ("said", "types", "judged", "written"),
    [
        (("林知远", "执导作品", "雾中渡"), (), ("雾中渡", "导演", "林知远"), "雾中渡 导演 林知远"),
        (("林知远", "执导作品 ", "雾中渡"), (), ("雾中渡", "导演", "林知远"), "雾中渡 导演 林知远"),
        (("林知远", "执导", "雾中渡"), ("人物", "电影"), ("雾中渡", "导演", "林知远"), "雾中渡 导演 林知远"),
        (("林知远", "执导", "雾中渡"), (), ("雾中渡", "导演", "林知远"), None),
        (("顾青禾", "配偶", "林知远"), (), ("顾青禾", "妻子", "林知远"), None),
        (("顾青禾", "配偶", "林知远"), ("电影", "电影"), ("顾青禾", "妻子", "林知远"), None),
        (("顾青禾", "儿子", "顾小舟"), (), ("顾小舟", "父亲", "顾青禾"), None),
        (("顾小舟", "父亲", "顾青禾"), (), None, None),
    ],
)
def test_of_several_readings_none_is_written_into_a_graph(said, types, judged, written):
    said, schema = Triple(*said), load_schema()
    verdict = Verdict(Candidate(said, *types), "supported", judged_as=judged and Triple(*judged))
    assert with_verdict({}, verdict, "文", said, schema).get("judged_as") == written
    assert "judged_as" not in with_verdict({"judged_as": "old"}, verdict, "文", said, None)


def test_a_relation_of_several_readings_is_kept_as_it_was_said(tiny_folder):
    verifier = OnnxVerifier(tiny_folder, rules=DecisionRules(schema_checks=False, text_threshold=-1.0))
    said = Triple("顾青禾", "配偶", "林知远")
    [[verdict]] = judge(verifier, [("顾青禾与林知远结为连理。", [Candidate(said)])])
    assert verdict.judged_as.predicate in ("妻子", "丈夫")
    assert "judged_as" not in with_verdict({}, verdict, "文", said, names_for(verifier, None).schema)


def test_only_nodes_that_lost_every_relation_are_stranded():
    assert stranded([("a", "b")], [("b", "c"), ("d", "a")]) == {"c", "d"}
