"""What may follow the names behind a denial, and what there shows that another matter is denied."""

import pytest
from modal_sentences import ACTOR, CHAIR, FILM, FOUNDER, PAIR, TAKEOVER, TEAM, kind_of

SCHOOL = ("林知远", "毕业院校", "澄江大学")


@pytest.mark.parametrize(
    "tail",
    [
        "这部电影", "这部院线片", "这部片子的消息", "电影", "（他只是监制）", "[1]", "……", "——片方误传",
        " ，他只是监制", "　他只是监制", "吧", "~",
        "和《山海谣》", "与《山海谣》", "或《山海谣》", "及其续集", "、《山海谣》等影片", "只是监制", "但担任监制",
        "而是担任监制", "也没有写剧本",
        " 最后由苏婉执导", "的经历", "的打算",
    ],
)  # fmt: skip
def test_what_may_follow_a_denial(tail):
    assert kind_of(f"林知远没有执导《雾中渡》{tail}。", *FILM) == "denied"


@pytest.mark.parametrize(
    "tail",
    [
        "的续集", "番外", "这部电影的续集", "电影的番外", "第二季", "的电影版", "最后一集", "的全部剧集", "里的打戏",
        "时超支", "前休息", "以外的长片",
        "和《山海谣》的续集", "获奖", "的票房纪录片", " 的番外",
    ],
)  # fmt: skip
def test_what_shows_that_another_matter_is_denied(tail):
    assert kind_of(f"林知远没有执导《雾中渡》{tail}。", *FILM) is None


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("澄江药业没有收购白石化工公司。", TAKEOVER),
        ("澄江药业没有收购白石化工集团。", TAKEOVER),
        ("澄江药业否认收购白石化工股份。", TAKEOVER),
        ("林知远没有创办澄江药业这家公司。", FOUNDER),
        ("林知远没有创办澄江药业和白石化工。", FOUNDER),
        ("林知远从未担任澄江药业董事长或总经理。", CHAIR),
        ("林知远没有担任澄江药业董事长和首席执行官。", CHAIR),
        ("林知远没有毕业于澄江大学中文系。", SCHOOL),
        ("林知远没有就读于澄江大学和白石大学。", SCHOOL),
        ("林知远没有加盟澄江队（CJ）。", TEAM),
        ("林知远否认执导《雾中渡》这部电影。", FILM),
        ("林知远婉拒执导《雾中渡》的邀请。", FILM),
        ("顾晚舟否认与许青禾结婚的可能。", PAIR),
        ("许青禾没有出演《雾中渡》中的任何角色。", ACTOR),
        # An ordinary adverb, another post or 首席 does not narrow what is denied.
        ("林知远并非澄江药业的董事长兼首席执行官。", CHAIR),
        ("林知远不是澄江药业的董事长和最大股东。", CHAIR),
        ("林知远不是最近的《雾中渡》的导演。", FILM),
        ("林知远不是《雾中渡》的导演或独立制片人。", FILM),
        # 若, 如果 and 莫 in a name, 曾 in 未曾, 吗 in a title.
        ("郭沫若没有执导《雾中渡》。", ("雾中渡", "导演", "郭沫若")),
        ("郭沫若不是《雾中渡》的作者。", ("雾中渡", "作者", "郭沫若")),
        ("沈如果没有执导《雾中渡》。", ("雾中渡", "导演", "沈如果")),
        ("苏莫不是《雾中渡》的导演。", ("雾中渡", "导演", "苏莫")),
        ("安若未曾执导《雾中渡》。", ("雾中渡", "导演", "安若")),
        ("林知远没有执导《雾散了吗》。", ("雾散了吗", "导演", "林知远")),
        # What was made public is something else.
        ("顾晚舟否认与许青禾结婚，拒绝将感情生活对外公开。", PAIR),
        ("顾晚舟否认与许青禾结婚，起诉造谣者的判决书已公开。", PAIR),
    ],
)
def test_denied_in_spite_of_words_around(text, triple):
    assert kind_of(text, *triple) == "denied"


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("澄江药业没有收购白石化工剩余股权。", TAKEOVER),
        ("澄江药业没有收购白石化工公司的剩余股权。", TAKEOVER),
        ("澄江药业没有收购白石化工旗下公司。", TAKEOVER),
        ("澄江药业否认收购白石化工涉及内幕交易。", TAKEOVER),
        ("林知远没有毕业于澄江大学附属中学。", SCHOOL),
        ("林知远没有为执导《雾中渡》辞职。", FILM),
        ("林知远否认执导《雾中渡》与许青禾有关。", FILM),
        ("许青禾没有出演《雾中渡》里的反派。", ACTOR),
        ("林知远不是澄江药业最后一任董事长。", CHAIR),
        ("林知远不是澄江药业最大的创始人。", FOUNDER),
        ("如果没有执导《雾中渡》，林知远不会出名。", FILM),
        ("林知远若没有执导《雾中渡》，不会出名。", FILM),
        ("顾晚舟否认与许青禾结婚，后来公开了恋情。", PAIR),
        ("顾晚舟否认与许青禾结婚，不久后公开承认。", PAIR),
    ],
)
def test_not_denied_either(text, triple):
    assert kind_of(text, *triple) is None
