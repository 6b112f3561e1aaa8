"""Checks without a text: loud on what cannot be, silent on what is merely unusual."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.schema import NOT_IN_SCHEMA, SAME_NAME, TYPE_VIOLATION, RelationType, Schema, load_schema
from cacre.schema.checks import may_stand, types_agree
from cacre.types import Triple

OPEN = load_schema("open")
ORDINARY = """
秦岭往事 主演 何青禾|潮汐之外 导演 陆九渊|1984 作者 奥威尔|一九四二 上映时间 2012年|归途 上映时间 同年暑期
归途 票房 数亿元|归途 票房 4.2亿|归途 票房 过亿|青禾集团 注册资本 五百万元|青禾集团 成立日期 九十年代末
三亚 面积 1921平方公里|六安 人口数量 四十余万|万里 父亲 万山|三毛 丈夫 荷西|五月天 获奖 最佳乐团奖
360 创始人 周鸿祎|九江 邮政编码 332000|七月 主题曲 七月|新加坡 首都 新加坡|夜航 所属专辑 夜航
小城 改编自 小城|黄小川 饰演 黄小川|香奈儿 创始人 香奈儿|白川 号 半山居士|十一郎 饰演 萧十一郎
李白 朝代 唐|北京大学 简称 北大|千里 出生地 百色|百里 祖籍 四平|万象城 成立日期 端午
莫愁湖 海拔 十余米|临床医学 修业年限 五年|临床医学 专业代码 100201K|36氪 总部地点 北京|九一八事变 发生时间 1931年9月18日
开元书院 成立日期 光绪壬寅|青藤屋 占地面积 不到两亩|许大有 效力球队 76人|798 所在城市 北京|人民日报 创始人 某甲
归途 上映时间 马年春节|归途 上映时间 贺岁档|归途 上映时间 抗戰勝利后|归途 上映时间 Easter
东方快车 改编自 《东方快车》|《灯塔》 导演 阿宁|阿宁 获奖 第三届金梭奖|大报 总部地点 1号大街|布丁 主要原料 牛奶
"""
WRONG = """
1998年3月 创始人 阿宁|3000万元 注册资本 青禾集团|青禾集团 注册资本 阿宁|青禾集团 成立日期 阿康
320平方公里 面积 临水县|临水县 面积 临水|青禾集团 创始人 2003年
阿宁 出生地 1998年3月5日|阿宁 妻子 《灯塔》|《灯塔》 国籍 法国|归途 票房 阿宁|阿宁 祖籍 1972-03-05
阿宁 毕业院校 2001年|归途 上映时间 林青禾|归途 上映时间 約翰·青禾|归途 上映时间 《灯塔》|归途 上映时间 长风影业
青禾书院 成立日期 临水县|2003年 成立日期 青禾书院|2003年5月1日 上映时间 归途
"""
PERIODS = """
北宋 南宋 东汉 西汉 东晋 北魏 隋 唐 宋 民国 先秦 战国 暑假 寒假 抗战 抗戰 解放 文革 二战 韩战 白垩纪 江户 重阳 国庆 盛唐
清光绪 清康熙 清乾隆 清乾隆間 唐贞观 宋熙宁 金大定 洪武 嘉靖 康熙 万历 隆庆 景泰 黄初 武德 龙朔 李唐 刘宋 赵宋 曹魏 孙吴
大年初一 开放 上市 高三 高考 安史之乱 文艺复兴 上山下乡 Ramadan
"""
SAME = """
阿宁 父亲 阿宁|阿宁 老婆 阿宁|阿宁 儿子 阿宁|北大 简称 北大|青禾集团 收购 青禾集团|白川 号 白川|阿宁 出生地 阿宁
阿宁 毕业院校 阿宁|临水中学 校长 临水中学|阿宁 获奖 阿宁|阿宁 职业 阿宁|阿宁 国籍 阿宁|青禾集团 子公司 青禾集团
"""


def triples(block):
    return [Triple(*row.split()) for row in block.replace("\n", "|").split("|") if row]


@pytest.mark.parametrize("triple", triples(ORDINARY))
def test_ordinary_triples_pass(triple):
    assert OPEN.check(triple) is None


@pytest.mark.parametrize("period", PERIODS.split())
def test_a_date_need_not_have_a_word_of_time(period):
    assert OPEN.check(Triple("青禾书院", "成立日期", period)) is None


@pytest.mark.parametrize("triple", triples(WRONG))
def test_impossible_triples_do_not(triple):
    assert OPEN.check(triple) == TYPE_VIOLATION


@pytest.mark.parametrize("triple", triples(SAME))
def test_one_thing_cannot_be_two(triple):
    assert OPEN.check(triple) == SAME_NAME


@pytest.mark.parametrize(
    ("triple", "told"),
    [
        (Triple("黄小川", "饰演", "黄小川"), True),
        (Triple("灯塔", "导演", "《灯塔》"), True),
        (Triple("灯塔", "执导", "灯塔"), True),
        (Triple("新加坡", "首都", "新加坡"), True),
        (Triple("灯塔", "导演", "阿宁"), False),
        (Triple("灯塔", "改编自", "灯塔"), False),
        (Triple("灯塔", "气味", "灯塔"), False),
    ],
)
def test_two_things_of_one_name_but_a_work_and_its_work_need_two_mentions(triple, told):
    assert OPEN.is_told_by_two_mentions(triple) == told


def test_of_types_that_nobody_knows_nothing_is_known():
    own = Schema.of("own", [RelationType("绕行", "彗星", "恒星"), RelationType("结拜", "人物", "人物", symmetric=True)])
    assert own.check(Triple("甲", "绕行", "甲")) is None
    assert not own.is_told_by_two_mentions(Triple("甲", "绕行", "甲"))
    assert own.check(Triple("甲", "结拜", "甲")) == SAME_NAME


def test_reasons_are_worded_as_documented():
    assert OPEN.check(Triple("阿宁", "邻居", "阿木")) == NOT_IN_SCHEMA == "predicate not in schema"
    assert TYPE_VIOLATION == "type or direction violates schema"
    assert SAME_NAME == "subject and object are the same"


@pytest.mark.parametrize(
    ("triple", "subject_type", "object_type"),
    [
        (Triple("灯塔", "主演", "阿宁"), "影视作品", "人物"),
        (Triple("灯塔", "主演", "阿宁"), "电影", "娱乐人物"),
        (Triple("灯塔", "主演", "阿宁"), "作品", "演员"),
        (Triple("灯塔", "主演", "阿宁"), "work", "PERSON"),
        (Triple("灯塔", "主演", "阿宁"), "某种没听过的类型", None),
        (Triple("灯塔", "演员", "阿宁"), "影视作品", "人物"),
        (Triple("青禾", "代言人", "阿宁"), "企业", "人物"),
        (Triple("青禾", "代言人", "阿宁"), "品牌", "人物"),
        (Triple("临水", "面积", "320平方公里"), "城市", "Number"),
        (Triple("临水", "面积", "320平方公里"), "国家", "Text"),
        (Triple("临水中学", "占地面积", "三十亩"), "学校", "Number"),
        (Triple("临水公园", "占地面积", "三十亩"), "景点", "Number"),
        (Triple("临水县", "成立日期", "1952年"), "行政区", "Date"),
        (Triple("临水中学", "修业年限", "三年"), "学科专业", "Date"),
        (Triple("灯塔", "作者", "阿宁"), "文学作品", "人物"),
        (Triple("唐临水", "朝代", "唐"), "历史人物", "朝代"),
        # What taggers and LLMs call by a rough label.
        (Triple("山谷", "歌手", "七日"), "歌曲", "组织"),
        (Triple("山谷", "作词", "七日"), "歌曲", "ORG"),
        (Triple("七日", "获奖", "金梭奖"), "机构", "事件"),
        (Triple("七日", "成立日期", "1999年"), "歌手", "Date"),
        (Triple("青禾晚会", "主持人", "阿宁"), "事件", "人物"),
        (Triple("金梭奖", "主持人", "阿宁"), "奖项", "人物"),
        (Triple("青禾聊天", "开发语言", "某语"), "组织", "语言"),
        (Triple("临水饭店", "创始人", "阿宁"), "地点", "人物"),
        (Triple("临水中学", "创始人", "阿宁"), "学校", "人物"),
        (Triple("青禾可乐", "创始人", "阿宁"), "Product", "人物"),
        (Triple("1999", "作者", "阿宁"), "Date", "人物"),
        (Triple("九一八", "发生地点", "临水"), "时间", "地点"),
        (Triple("青禾书院", "成立日期", "北宋"), "机构", "国家"),
        (Triple("归途", "上映时间", "春节"), "电影", "事件"),
        (Triple("阿宁", "效力球队", "临水国"), "运动员", "国家"),
        (Triple("山海", "作者", "阿宁"), "动漫", "人物"),
        (Triple("山海", "主角", "阿宁"), "游戏", "人物"),
    ],
)
def test_given_types_are_taken_leniently(triple, subject_type, object_type):
    assert OPEN.check(triple, subject_type, object_type) is None


@pytest.mark.parametrize(
    ("triple", "subject_type", "object_type"),
    [
        (Triple("阿宁", "主演", "灯塔"), "人物", "影视作品"),
        (Triple("阿宁", "主演", "灯塔"), "娱乐人物", None),
        (Triple("山谷", "主演", "阿宁"), "歌曲", "人物"),
        (Triple("临水", "总部地点", "青禾"), "城市", "企业"),
        (Triple("灯塔", "导演", "临水"), "影视作品", "地点"),
        (Triple("青禾", "创始人", "2003"), "企业", "Date"),
        (Triple("布洛芬", "治疗药物", "偏头痛"), "药物", "疾病"),
        (Triple("山谷", "歌手", "青禾公司"), "歌曲", "公司"),
        (Triple("阿宁", "成立日期", "1999年"), "人物", "Date"),
        (Triple("阿宁", "主持人", "青禾晚会"), "人物", "事件"),
        (Triple("归途", "导演", "九一八"), "电影", "事件"),
        (Triple("临水", "总部地点", "青禾"), "地点", "企业"),
    ],
)
def test_types_that_share_nothing_violate(triple, subject_type, object_type):
    assert OPEN.check(triple, subject_type, object_type) == TYPE_VIOLATION


@given(st.sampled_from(list(OPEN)))
def test_a_relations_own_types_never_violate(relation):
    value = {"Number": "300", "Date": "2001年", "Text": "某某"}.get(relation.object_type, "某物")
    triple = Triple("某甲", relation.name, value)
    assert OPEN.check(triple, relation.subject_type, relation.object_type) is None


def test_a_rough_label_stands_for_more_only_where_an_extractor_gives_it():
    # Relations between the same things are told by their own types, which mean what they say.
    assert may_stand("组织", "人物") and not may_stand("人物", "组织") and not types_agree("组织", "人物")
