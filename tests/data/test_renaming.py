import numpy as np
import pytest

from cacre.data.renaming import name_pool, renamed
from cacre.schema import load_schema
from cacre.types import Example, Triple

OPEN = load_schema("open")


def example(text, anchors, negatives=(), hard=()):
    triples = tuple(Triple(*a) for a in anchors)
    return Example(
        text, triples, triples, tuple(Triple(*n) for n in negatives), tuple(Triple(*h) for h in hard), id="7"
    )


FILM = example(
    "《雾渡》由林知远执导，林知远出生于青石镇，1987年毕业。",
    [("雾渡", "导演", "林知远"), ("林知远", "出生地", "青石镇")],
    [("雾渡", "导演", "林知"), ("林知远", "导演", "雾渡")],
    [("雾渡", "导演", "由林知远"), ("雾渡", "上映时间", "1987年")],
)
OTHER = example("《长夜》的导演是沈望舒，她生在赤水湾。", [("长夜", "导演", "沈望舒"), ("沈望舒", "出生地", "赤水湾")])
SCHOOLS = dict.fromkeys(("机构", "学校", "企业"), ("浙江大学",))


def test_every_name_changes_and_every_triple_says_of_the_new_text_what_it_said_of_the_old():
    copy = renamed(FILM, OPEN, name_pool([OTHER], OPEN), np.random.default_rng(0))
    assert copy is not None
    assert copy.text == "《长夜》由沈望舒执导，沈望舒出生于赤水湾，1987年毕业。"
    assert copy.anchors == (Triple("长夜", "导演", "沈望舒"), Triple("沈望舒", "出生地", "赤水湾"))
    assert copy.negatives == (Triple("长夜", "导演", "沈望"), Triple("沈望舒", "导演", "长夜"))
    assert copy.hard == (Triple("长夜", "导演", "由沈望舒"), Triple("长夜", "上映时间", "1987年"))
    assert copy.id is None


def test_no_two_names_become_one_and_none_becomes_another_of_the_text():
    pool = {"人物": ("林知远", "周鸣"), "影视作品": ("长夜",), "地点": ("长夜",)}
    made = [renamed(FILM, OPEN, pool, np.random.default_rng(seed)) for seed in range(20)]
    texts = {copy.text for copy in made if copy}
    assert len(texts) > 1
    assert texts <= {
        "《长夜》由周鸣执导，周鸣出生于青石镇，1987年毕业。",
        "《长夜》由林知远执导，林知远出生于青石镇，1987年毕业。",
        "《雾渡》由周鸣执导，周鸣出生于长夜，1987年毕业。",
        "《雾渡》由林知远执导，林知远出生于长夜，1987年毕业。",
    }


def test_a_short_name_that_is_right_is_not_taken_for_a_trimmed_one():
    school = example("清华大学简称清华。", [("清华大学", "简称", "清华")], hard=[("清华大", "简称", "清华")])
    copy = renamed(school, OPEN, SCHOOLS, np.random.default_rng(0))
    assert copy is not None
    assert copy.text == "浙江大学简称清华。"
    assert copy.anchors == (Triple("浙江大学", "简称", "清华"),)
    assert copy.hard == (Triple("浙江大", "简称", "清华"),)


def test_there_is_no_copy_where_a_right_short_name_would_leave_the_text():
    school = example("他毕业于清华大学。", [("清华大学", "简称", "清华")])
    assert renamed(school, OPEN, SCHOOLS, np.random.default_rng(0)) is None


@pytest.mark.parametrize("anchor", [("雾渡", "上映时间", "1987年"), ("林知远", "职业", "导演")], ids=["date", "trade"])
def test_dates_and_trades_are_no_names(anchor):
    pool = name_pool([example("文", [anchor])], OPEN)
    assert all(anchor[2] not in names for names in pool.values())


def test_a_text_without_a_name_to_replace_has_no_copy():
    assert renamed(FILM, OPEN, {}, np.random.default_rng(0)) is None
