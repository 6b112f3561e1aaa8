"""Several blocks of JSON in one answer: which of them correct each other, and which stand side by side."""

import json

import pytest

from cacre.extraction.parsing import parse_answer

BY_RELATION = [
    ("导演", ["雾中渡", "导演", "林知远"]),
    ("主演（第一位）", ["雾中渡", "主演", "韦宁"]),
    ("上映", ["雾中渡", "上映时间", "1999年"]),
    ("主演（第二位）", ["雾中渡", "主演", "顾青禾"]),
]


def block(*rows):
    return json.dumps(rows, ensure_ascii=False)


def read(content, kind="triples"):
    answer = parse_answer(content, kind)
    return [list(said.triple) for said in answer.anchors], answer


def test_another_object_for_a_subject_and_its_predicate_corrects_nothing():
    found, answer = read("\n".join(f"{heading}：\n{block(row)}" for heading, row in BY_RELATION))
    assert found == [row for _, row in BY_RELATION]
    assert (answer.fragments, answer.repairs) == ((), {})


def test_a_block_that_is_repeated_is_replaced_and_the_others_stay():
    (_, director), (_, actor), (_, release), (_, other) = BY_RELATION
    content = f"导演：{block(director)}\n演员：{block(actor, release)}\n演员再列一遍：{block(actor, other)}"
    found, answer = read(content)
    assert found == [director, actor, other]
    assert [fragment.raw for fragment in answer.fragments] == ["(雾中渡, 上映时间, 1999年)"]
    assert answer.repairs == {"earlier json left out": 1}


@pytest.mark.parametrize("words", ["最终答案", "检查后更正", "Final answer"])
def test_the_words_of_a_final_version_replace_all_before_it(words):
    rows = [row for _, row in BY_RELATION]
    content = "\n".join(f"{row[1]}：{block(row)}" for row in rows[:3])
    found, answer = read(f"{content}\n{words}：{block(rows[3])}")
    assert found == rows[3:]
    assert len(answer.fragments) == answer.repairs["earlier json left out"] == 3


@pytest.mark.parametrize("between", ["\n", "\n\n", ",\n"])
def test_what_is_called_a_draft_is_replaced_whole_and_alone(between):
    rows = [row for _, row in BY_RELATION]
    draft = between.join(map(block, rows[1:3]))
    found, answer = read(
        f"导演：{block(rows[0])}\n初步：{draft}\n主演：{block(rows[3])}\n编剧：{block(['雾中渡', '编剧', '丁一'])}"
    )
    assert found == [rows[0], rows[3], ["雾中渡", "编剧", "丁一"]]
    assert len(answer.fragments) == 2


def test_a_list_said_again_leaves_the_other_lists_alone():
    first, second = ["雾中渡", "导演", "林知远"], ["雾中渡", "主演", "韦宁"]
    positive = ["林知远", "执导", "雾中渡"]
    _, answer = read(f"锚点：{block(first)}\n正例：{block(positive)}\n锚点：{block(first, second)}", "contrastive")
    assert [list(said.triple) for said in answer.anchors] == [first, second]
    assert [list(said.triple) for said in answer.positives] == [positive]


RETRACTED = "检查后，原文没有说谁是导演，最终答案："


@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```"])
def test_a_draft_that_is_taken_back_does_not_come_in_again_as_a_line(fence):
    draft, nothing = fence.format(block(BY_RELATION[0][1])), fence.format('{"triples": []}')
    found, answer = read(f"初步结果：\n{draft}\n{RETRACTED}\n{nothing}")
    assert found == []
    assert [fragment.raw for fragment in answer.fragments] == ["(雾中渡, 导演, 林知远)"]


def test_lines_beside_an_empty_object_count():
    assert read("```json\n{}\n```\n（雾中渡，导演，林知远）")[0] == [["雾中渡", "导演", "林知远"]]
    content = f'初步结果：\n{block(BY_RELATION[0][1])}\n最终：{{"triples": []}}\n（雾中渡，主演，韦宁）'
    assert read(content)[0] == [["雾中渡", "主演", "韦宁"]]


def test_many_blocks_take_no_longer_each():
    rows = [["雾中渡", "主演", f"{number}号"] for number in range(4000)]
    assert read("\n".join(f"又：{block(row)}" for row in rows))[0] == rows
