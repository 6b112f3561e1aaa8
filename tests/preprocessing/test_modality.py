"""Denied, rumoured, planned, over: one text for each kind of cue, and the traps beside them."""

import pytest
from modal_sentences import CHAIR, FILM, PAIR, found


@pytest.mark.parametrize(
    ("text", "triple", "word"),
    [
        ("林知远并不是《雾中渡》的导演。", FILM, "不是"),
        ("《雾中渡》并非林知远执导。", FILM, "并非"),
        ("《雾中渡》的导演是顾晚舟，不是林知远。", FILM, "不是"),
        ("《雾中渡》的导演是谁？不是大家以为的林知远！", FILM, "不是"),
        ("《雾中渡》今天开机，不是林知远导的。", FILM, "不是"),
        ("《雾中渡》的导演常被误写成林知远。", FILM, "误写成"),
        ("林知远只是来探班，并非《雾中渡》的导演。", FILM, "并非"),
        ("林知远从未执导《雾中渡》。", FILM, "从未"),
        ("林知远没有创办澄江药业。", ("澄江药业", "创始人", "林知远"), "没有"),
        ("顾晚舟否认与许青禾结婚。", PAIR, "否认"),
        ("林知远否认自己是《雾中渡》的导演。", FILM, "否认自己是"),
        ("林知远从未担任澄江药业董事长。", CHAIR, "从未"),
        ("网传顾晚舟已与许青禾结婚，双方经纪人均否认。", PAIR, "否认"),
        ("有传林知远将接任澄江药业董事长，公司辟谣。", CHAIR, "辟谣"),
    ],
)
def test_denied(text, triple, word):
    assert found(text, *triple) == ("denied", word)


@pytest.mark.parametrize(
    ("text", "triple", "kind", "word"),
    [
        ("网传顾晚舟已与许青禾秘密结婚。", PAIR, "rumoured", "网传"),
        ("据传《雾中渡》由林知远执导。", FILM, "rumoured", "据传"),
        ("林知远或将执导《雾中渡》。", FILM, "rumoured", "或"),
        ("林知远将出任澄江药业董事长。", CHAIR, "planned", "将"),
        ("林知远有望执导《雾中渡》。", FILM, "planned", "有望"),
        ("《雾中渡》拟由林知远执导。", FILM, "planned", "拟"),
        ("澄江药业计划收购白石化工。", ("澄江药业", "收购", "白石化工"), "planned", "计划"),
        ("林知远辞去澄江药业董事长职务。", CHAIR, "past", "辞去"),
        ("林知远不再担任澄江药业董事长。", CHAIR, "past", "不再担任"),
        ("林知远曾任澄江药业董事长。", CHAIR, "past", "曾任"),
        ("澄江药业前董事长林知远出席了典礼。", CHAIR, "past", "前"),
        ("澄江药业原董事长林知远出席了典礼。", CHAIR, "past", "原"),
        ("顾晚舟的前妻许青禾是编剧。", PAIR, "past", "前"),
        ("顾晚舟与许青禾离婚。", PAIR, "past", "离婚"),
    ],
)
def test_rumoured_planned_and_past(text, triple, kind, word):
    assert found(text, *triple) == (kind, word)


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("《雾中渡》由林知远执导。", FILM),
        ("林知远不仅执导了《雾中渡》，还写了剧本。", FILM),
        ("林知远不只是《雾中渡》的导演。", FILM),
        ("林知远不但是《雾中渡》的导演，也是编剧。", FILM),
        ("林知远不得不执导《雾中渡》。", FILM),
        ("看过《雾中渡》的无不称赞导演林知远。", FILM),
        ("林知远是不是《雾中渡》的导演？", FILM),
        ("《雾中渡》的编剧不是顾晚舟，而是导演林知远。", FILM),  # the other name is denied, and another role
        ("《雾中渡》的编剧不是导演林知远，是顾晚舟。", FILM),  # a title before the name is taken for granted
        ("《不是冬天》由林知远执导。", ("不是冬天", "导演", "林知远")),  # a title, no denial
        ("林知远将小说《晚潮》改编为电影《雾中渡》。", ("雾中渡", "改编自", "晚潮")),
        ("门将林知远效力于澄江队。", ("林知远", "效力球队", "澄江队")),
        ("澄江队前锋林知远今天出场。", ("林知远", "效力球队", "澄江队")),
        ("《雾中渡》原作者林知远出席了首映。", ("雾中渡", "作者", "林知远")),
        ("此前董事长林知远代表澄江药业签约。", CHAIR),
        ("网传演员许青禾要结婚。", ("许青禾", "职业", "演员")),  # what she is, is no rumour
        ("《雾中渡》由林知远执导，网传续集换人，片方否认。", FILM),
    ],
)
def test_asserted(text, triple):
    assert found(text, *triple) is None


def test_a_name_that_is_missing_or_overlaps_has_none():
    assert found("林知远并不是导演。", *FILM) is None
    assert found("林知远没有导演。", "林知远", "导演", "知远") is None
