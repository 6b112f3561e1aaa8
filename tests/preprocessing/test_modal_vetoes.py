"""Words of denial and rumour that speak of something else than the triple, and true ones in the same form."""

import pytest
from modal_sentences import ACTOR, AUTHOR, CHAIR, COACH, FATHER, FILM, FOUNDER, PAIR, TAKEOVER, TEAM, kind_of


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        # A title before the second name, which is taken for granted.
        ("澄江药业否认创始人林知远减持。", FOUNDER),
        ("林知远没有被父亲林怀仁送出国。", FATHER),
        ("《雾中渡》没有请导演林知远到场。", FILM),
        ("顾晚舟没能与妻子许青禾团聚。", PAIR),
        # The clause goes on behind the second name, and denies that.
        ("导演林知远否认《雾中渡》拍摄时超支。", FILM),
        ("林知远拒绝为《雾中渡》拍摄番外。", FILM),
        ("林知远没有为《雾中渡》拍续作的打算。", FILM),
        ("作者许青禾否认《雾中渡》出版前被删改。", AUTHOR),
        ("林知远未能带领澄江队出线。", COACH),
        ("许青禾没有写出《雾中渡》的第二部。", AUTHOR),
        ("许青禾没有演好《雾中渡》里的反派。", ACTOR),
        ("林知远从未执导过除《雾中渡》以外的长片。", FILM),
        # Not the only one, not the first, not alone, not a good one, not there and then, not so.
        ("林知远不是澄江药业唯一的创始人。", FOUNDER),
        ("林知远并非澄江药业首任董事长。", CHAIR),
        ("林知远不是林怀仁的长子。", FATHER),
        ("许青禾不是顾晚舟的第一任妻子。", PAIR),
        ("许青禾不是顾晚舟的好妻子。", PAIR),
        ("《雾中渡》不是林知远导演的第一部长片。", FILM),
        ("《雾中渡》不是林知远导演生涯的起点。", FILM),
        ("《雾中渡》的导演不是只有林知远。", FILM),
        ("澄江药业并非林知远独自创办。", FOUNDER),
        ("澄江药业不是林知远去年创办的。", FOUNDER),
        ("《雾中渡》不是林知远在棚里拍的。", FILM),
        ("许青禾不是以顾晚舟妻子的身份出席。", PAIR),
        ("顾晚舟的妻子是许青禾，不是第一任苏婉。", ("顾晚舟", "妻子", "苏婉")),
        # Not well, not to the end, not again.
        ("许青禾没有演好《雾中渡》。", ACTOR),
        ("许青禾拒绝再演《雾中渡》。", ACTOR),
        # Two denials, "if not", "nearly not", a denial that is taken back.
        ("林知远从未否认执导《雾中渡》。", FILM),
        ("《雾中渡》要不是林知远执导，不会这样好看。", FILM),
        ("林知远如果没有创办澄江药业，会是一名教师。", FOUNDER),
        ("许青禾差点没能出演《雾中渡》。", ACTOR),
        ("不少人误以为林知远没有执导《雾中渡》。", FILM),
        ("网传林知远没有执导《雾中渡》，系谣言。", FILM),
        ("澄江药业不是林知远创办的说法不实。", FOUNDER),
        ("顾晚舟起初否认与许青禾结婚，去年终于公开。", PAIR),
        # Who denies a divorce is married, and a contract that is not renewed is one.
        ("顾晚舟没有与许青禾离婚。", PAIR),
        ("顾晚舟否认已与妻子许青禾离婚。", PAIR),
        ("网传顾晚舟已与许青禾离婚，双方否认。", PAIR),
        ("网传顾晚舟已经与许青禾婚姻破裂。", PAIR),
        ("林知远拒绝与澄江队续约。", TEAM),
    ],
)
def test_not_denied(text, triple):
    assert kind_of(text, *triple) is None


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("澄江药业否认创始人是林知远。", FOUNDER),
        ("林知远否认是澄江药业的创始人。", FOUNDER),
        ("林知远从未导演《雾中渡》。", FILM),
        ("林知远否认执导了《雾中渡》。", FILM),
        ("林知远没有执导《雾中渡》，他只是监制。", FILM),
        ("林知远没有担任澄江药业董事长一职。", CHAIR),
        ("林知远从未执教澄江队。", COACH),
        ("林知远没有加盟澄江队。", TEAM),
        ("许青禾没有写过《雾中渡》。", AUTHOR),
        ("许青禾拒绝出演《雾中渡》。", ACTOR),
        ("许青禾不是顾晚舟的妻子。", PAIR),
        ("林知远不是林怀仁的儿子。", FATHER),
        ("澄江药业不是林知远创办的。", FOUNDER),
        ("顾晚舟没有与许青禾结婚。", PAIR),
        ("顾晚舟否认与许青禾结婚的传闻。", PAIR),
        ("顾晚舟否认与许青禾结婚，称只承认两人相识。", PAIR),
        ("澄江药业否认收购白石化工。", TAKEOVER),
        ("《雾中渡》的导演是顾晚舟，不是大家最熟悉的林知远。", FILM),
        ("网传林知远没有执导《雾中渡》。", FILM),
    ],
)
def test_still_denied(text, triple):
    assert kind_of(text, *triple) == "denied"


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        # Behind the relation 的 leads to the second name: taken for granted.
        ("据说林知远执导的《雾中渡》已经过审。", FILM),
        ("据说林知远执导的悬疑片《雾中渡》撤档。", FILM),
        ("网传林知远创办的澄江药业要裁员。", FOUNDER),
        # Then, for that reason, something of it.
        ("据说澄江药业早年由林知远创办时没有厂房。", FOUNDER),
        ("听说顾晚舟和邻居许青禾结婚前只见过三面。", PAIR),
        ("网传顾晚舟已经与许青禾婚后移居海外。", PAIR),
        ("据说林知远因为拍了《雾中渡》病倒。", FILM),
        ("据说林知远拍了《雾中渡》的花絮。", FILM),
        ("传言澄江药业买下了白石化工后花了三十亿。", TAKEOVER),
        ("网传《雾中渡》导演林知远将拍摄新片。", FILM),
        ("网传许青禾与丈夫顾晚舟婚礼从简。", PAIR),
        # A person who tells or hears.
        ("林知远爆料拍摄《雾中渡》的花絮。", FILM),
        ("导演林知远听说《雾中渡》拍摄地下了大雪。", FILM),
        # The same sentence confirms it.
        ("网传顾晚舟已与许青禾结婚，双方证实。", PAIR),
        ("据传《雾中渡》由林知远执导，片方昨日官宣。", FILM),
    ],
)
def test_not_rumoured(text, triple):
    assert kind_of(text, *triple) not in ("rumoured", "denied")


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("据说林知远执导了《雾中渡》。", FILM),
        ("网传将由林知远执导的《雾中渡》月底开机。", FILM),
        ("据传《雾中渡》由林知远执导，片方尚未证实。", FILM),
        ("传闻澄江药业的创始人是林知远。", FOUNDER),
        ("网传林知远加盟了澄江队。", TEAM),
        ("有人爆料顾晚舟已与许青禾结婚。", PAIR),
        ("网传顾晚舟已与许青禾结婚，双方均未否认。", PAIR),
        ("据说林知远的妻子是许青禾。", ("林知远", "妻子", "许青禾")),
    ],
)
def test_still_rumoured(text, triple):
    assert kind_of(text, *triple) == "rumoured"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("有人说林知远没有执导《雾中渡》，事实上《雾中渡》的确一直由林知远执导。", None),
        ("林知远没有执导《雾中渡》，有人这样写。看片尾，《雾中渡》这部片子由林知远执导。", None),
        ("有消息称《雾中渡》这部片子的导演是林知远。片方今天回应，林知远没有执导《雾中渡》。", "denied"),
        ("《雾中渡》这部片子的导演是林知远吗？片方今天回应，林知远没有执导《雾中渡》。", "denied"),
        ("林知远昨天第一次看了《雾中渡》。片方说，林知远没有执导《雾中渡》。", "denied"),
    ],
)
def test_another_clause_may_assert_it(text, kind):
    assert kind_of(text, *FILM) == kind


@pytest.mark.parametrize("text", ["林知远否认曾卸任澄江药业董事长。", "林知远没有辞去澄江药业董事长。"])
def test_an_end_that_is_denied_is_none(text):
    assert kind_of(text, *CHAIR) is None


@pytest.mark.parametrize(
    "rest",
    [
        "消息尚待官方进一步证实", "此事尚未得到当事人证实", "目前还没有得到任何官方证实", "此消息未获双方正式证实",
        "消息有待经纪公司方面证实",
        "粉丝等待当事人的证实", "婚礼细节已经公开", "判决书已公开", "双方拒绝公开承认", "粉丝希望双方公开恋情",
        "双方将于下周官宣",
    ],
)  # fmt: skip
def test_not_confirmed(rest):
    assert kind_of(f"网传顾晚舟已与许青禾结婚，{rest}。", *PAIR) == "rumoured"


@pytest.mark.parametrize(
    "rest",
    [
        "双方证实",
        "不久后双方官宣",
        "两人已公开恋情",
        "恋情随后公开",
        "两人终于公开",
        "双方无奈承认",
        "没过多久工作室等均已证实",
    ],
)
def test_confirmed(rest):
    assert kind_of(f"网传顾晚舟已与许青禾结婚，{rest}。", *PAIR) is None


@pytest.mark.parametrize("noun", ["电影有《雾中渡》", "电影包括《雾中渡》"])
def test_a_list_of_works_is_rumoured(noun):
    assert kind_of(f"据说林知远执导的{noun}。", *FILM) == "rumoured"


@pytest.mark.parametrize(
    "quoted",
    [
        "有网友发帖，《雾中渡》这部片子由林知远执导", "媒体报道，《雾中渡》这部片子由林知远执导",
        "近日，《雾中渡》这部片子由林知远执导的消息登上热搜",
        "片方今年年初邀请林知远出任悬疑片《雾中渡》的导演", "林知远一度考虑过出任悬疑片《雾中渡》的导演",
        "林知远受邀出任悬疑片《雾中渡》的导演",
        "片方建议《雾中渡》这部片子由林知远执导", "粉丝都在盼着《雾中渡》这部片子由林知远执导",
        "媒体报道，《雾中渡》这部片子其实由林知远执导",
        "关于《雾中渡》这部片子由林知远执导一事，片方作出回应",
    ],
)  # fmt: skip
def test_what_is_quoted_to_be_denied_asserts_nothing(quoted):
    assert kind_of(f"{quoted}。片方回应，林知远没有执导《雾中渡》。", *FILM) == "denied"
    assert kind_of(f"有人说，林知远没有执导《雾中渡》。不过早在今年年初的时候，{quoted}。", *FILM) == "denied"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("网友说，林知远没有执导《雾中渡》。看片尾，《雾中渡》这部片子由林知远执导。", None),
        ("片方起初说，林知远没有执导《雾中渡》。看片尾，《雾中渡》这部片子确实由林知远执导。", None),
        ("片方说，林知远没有执导《雾中渡》。看片尾，《雾中渡》这部片子由林知远执导。", "denied"),
        ("据说林知远执导了《雾中渡》。看片尾，《雾中渡》这部片子由林知远执导。", None),
        ("据说林知远执导了《雾中渡》。片方曾经邀请，《雾中渡》这部片子由林知远执导。", "rumoured"),
    ],
)
def test_who_denies_it_matters(text, kind):
    assert kind_of(text, *FILM) == kind
