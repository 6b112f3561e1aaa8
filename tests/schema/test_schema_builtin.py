"""The two built-in schemas: what DuIE fixes, and the words that we added."""

from importlib import resources

import pytest

from cacre.schema import load_schema
from cacre.schema.checks import types_agree

OFFICIAL_ORDER = """
毕业院校 嘉宾 配音 主题曲 代言人 所属专辑 父亲 作者 上映时间 母亲 专业代码 占地面积 邮政编码 票房 注册资本 主角
妻子 编剧 气候 歌手 获奖 校长 创始人 首都 丈夫 朝代 饰演 面积 总部地点 祖籍 人口数量 制片人 修业年限 所在城市
董事长 作词 改编自 出品公司 导演 作曲 主演 主持人 成立日期 简称 海拔 号 国籍 官方语言
"""
EXTRA = """出生地 职业 收购 子公司 制造商 开发语言 效力球队 主教练 流经 症状 治疗药物 发生地点 发生时间 主要原料"""


def test_duie_has_the_official_relations_in_the_official_order():
    assert [relation.name for relation in load_schema()] == OFFICIAL_ORDER.split()


def test_open_is_duie_and_fourteen_more():
    assert [relation.name for relation in load_schema("open")] == [*OFFICIAL_ORDER.split(), *EXTRA.split()]


def test_slots_are_those_of_the_five_complex_relations():
    slots = {relation.name: relation.slots for relation in load_schema() if relation.slots}
    assert slots == {
        "配音": {"inWork": "影视作品"},
        "上映时间": {"inArea": "地点"},
        "票房": {"inArea": "地点"},
        "获奖": {"inWork": "作品", "onDate": "Date", "period": "Number"},
        "饰演": {"inWork": "影视作品"},
    }


@pytest.mark.parametrize("name", ["duie", "open"])
def test_every_relation_is_described_and_has_words(name):
    for relation in load_schema(name):
        assert relation.description.startswith("主语") and relation.description.endswith("。"), relation.name
        assert len(relation.synonyms) >= 3, relation.name
        assert relation.inverses, relation.name
        assert len(relation.cues) >= 5, relation.name
        assert all(cue == cue.strip() for cue in relation.cues), relation.name


@pytest.mark.parametrize("name", ["duie", "open"])
def test_phrases_are_not_relations_in_the_wrong_direction(name):
    schema = load_schema(name)
    for relation in schema:
        both_ways = set(relation.synonyms) & set(relation.inverses)  # 执导: who is the film and who the man, types tell
        assert not (both_ways and types_agree(relation.subject_type, relation.object_type)), relation.name
        assert not [phrase for phrase in relation.synonyms if phrase in schema], relation.name
        for phrase in relation.inverses:  # 丈夫 is rightly said in reverse by 妻子
            assert phrase not in schema or phrase == relation.inverse_relation, (relation.name, phrase)


@pytest.mark.parametrize(
    ("phrase", "turned"),
    [
        ("执导电影", {"导演"}),
        ("参演", {"主演"}),
        ("创作", {"作者", "作词", "作曲"}),
        ("长子", {"父亲", "母亲"}),
        ("总公司", {"子公司"}),
        ("执教于", {"主教练"}),
        ("本名", set()),
        ("开发的软件", set()),
    ],
)
def test_phrases_of_llms_are_read_backwards(phrase, turned):
    readings = load_schema("open").readings(phrase)
    assert (
        {reading.relation.name for reading in readings if reading.turned}
        == turned
        == {reading.relation.name for reading in readings}
    )


@pytest.mark.parametrize("folder", ["models", "extractors"])
def test_the_bundled_models_know_the_words_of_the_schema(folder):
    path = resources.files("cacre.resources") / folder / "mini-zh" / "schema.json"
    bundled, open_ = (load_schema(str(path)), load_schema("open"))
    for relation in open_:
        assert (relation.synonyms, relation.inverses) == (
            bundled[relation.name].synonyms,
            bundled[relation.name].inverses,
        )
        assert set(relation.cues) == set(bundled[relation.name].cues)


@pytest.mark.parametrize("name", ["duie", "open"])
def test_confusion_and_co_holding_are_mutual(name):
    schema = load_schema(name)
    for relation in schema:
        assert relation.name not in relation.co_holds and relation.name not in relation.near_misses
        assert all(relation.name in schema[other].co_holds for other in relation.co_holds)
        assert all(relation.name in schema[other].near_misses for other in relation.near_misses)


def test_relations_that_often_hold_together_are_known_to():
    schema = load_schema()
    for first, second in [("作词", "作曲"), ("作曲", "歌手"), ("导演", "编剧"), ("作者", "编剧"), ("创始人", "董事长")]:
        assert second in schema[first].co_holds
    for first, second in [("父亲", "母亲"), ("丈夫", "妻子"), ("祖籍", "总部地点")]:
        assert second not in schema[first].co_holds and second in schema[first].near_misses


@pytest.mark.parametrize(
    ("predicate", "text"),
    [
        ("主演", "这部公路片由两位新人领衔"),
        ("饰演", "她在剧中饰一位老校工"),
        ("妻子", "他四十岁才娶了邻村的姑娘"),
        ("创始人", "厂子是他一手办起来的，当年靠两台缝纫机白手起家"),
        ("作曲", "曲子由合唱团的指挥谱写"),
        ("成立日期", "书院始建于1702年"),
    ],
)
def test_cues_are_found_in_running_text(predicate, text):
    assert any(cue in text for cue in load_schema().cues(predicate))


def test_spouses_are_the_only_inverse_pair():
    pairs = {
        (relation.name, relation.inverse_relation) for relation in load_schema("open") if relation.inverse_relation
    }
    assert pairs == {("丈夫", "妻子"), ("妻子", "丈夫")}
