"""The written form of the corpus and the counts of its datasheet, on texts whose numbers are known."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from cacre.data import load_examples, write_rows
from cacre.data.splits import split_examples
from cacre.schema import load_schema

TOOLS = Path(__file__).parents[2] / "corpus/tools"
BLOCK = """## 百科
云岫王的母亲是苏绾，并非后来的摄政太后纪氏。
云岫王|母亲|苏绾 = <儿子 ~ o:纪氏 g
! 云岫王|父亲|苏绾 r
"""


def tool(name):
    spec = spec_from_file_location(f"corpus_{name}", TOOLS / f"{name}.py")
    module = module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


compact, describe, split = tool("compact"), tool("describe"), tool("split")


def parsed(text):
    return compact.parse(text.splitlines(), load_schema("open"))


def test_a_block_becomes_a_row():
    row = parsed(BLOCK).to_json("x-001")
    assert row == {
        "id": "x-001",
        "genre": "百科",
        "text": "云岫王的母亲是苏绾，并非后来的摄政太后纪氏。",
        "anchors": [["云岫王", "母亲", "苏绾"]],
        "positives": [["苏绾", "儿子", "云岫王"]],
        "negatives": [["云岫王", "母亲", "纪氏"]],
        "kinds": ["negated"],
        "hard": [["云岫王", "父亲", "苏绾", "relation"]],
    }


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("~ o:纪氏 g", "", "not `s|p|o"),
        ("~ o:纪氏 g", "~ o:纪氏 x", "not `s`"),
        ("~ o:纪氏 g", "~ o:苏绾 e", "follows from the anchors"),
        ("~ o:纪氏 g", "~ o:纪氏 a", "both names are in the text"),
        ("~ o:纪氏 g", "~ o:王氏 e", "is not in the text"),
        ("~ o:纪氏 g", "~ p:同学 r", "not in the schema"),
        ("= <儿子", "= 母亲", "same predicate"),
        ("云岫王|母亲|苏绾 =", "云岫王|母亲|苏婉 =", "'苏婉' of an anchor"),
        ("苏绾 r\n", "苏绾 q\n", "kind 'q'"),
        ("## 百科\n", "", "begins with"),
        ("云岫王的母亲是苏绾，并非后来的摄政太后纪氏。", "短。", "of 2 characters"),
    ],
)
def test_what_is_wrong_is_said(old, new, fault):
    assert old in BLOCK
    with pytest.raises(compact.Fault, match=fault.replace("|", r"\|")):
        parsed(BLOCK.replace(old, new, 1))


def test_a_faulty_block_is_told_and_left_out(tmp_path, monkeypatch, capsys):
    source, target = tmp_path / "film.txt", tmp_path / "rows.jsonl"
    source.write_text(BLOCK + "\n" + BLOCK.replace("纪氏 g", "纪氏 a") + "\n" + BLOCK, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["compact", "rows", str(source), "-o", str(target)])
    assert compact.main() == 1
    assert f"{source}:6: " in capsys.readouterr().err
    assert [json.loads(line)["id"] for line in target.read_text(encoding="utf-8").splitlines()] == [
        "rows-001",
        "rows-002",
    ]


def test_variety_is_counted():
    assert describe.distinct_4_grams(["甲乙丙丁戊", "甲乙丙丁"]) == pytest.approx(2 / 3)
    texts = ["甲乙丙丁戊己庚辛壬癸", "甲乙丙丁戊己庚辛壬癸。", "子丑寅卯辰巳午未申酉"]
    assert describe.near_duplicates(texts) == 1
    assert describe.runs_of(["一二三，四五六七八九十甲乙丙丁"]) == {
        "一二三四五六七八九十甲乙丙",
        "二三四五六七八九十甲乙丙丁",
    }


def test_dev_stays_what_it_was_when_texts_come_to_it(tmp_path, monkeypatch):
    rows = [
        {"id": f"r{n}", "genre": "百科", "text": f"《书{n}》由人{n}写成。", "anchors": [[f"书{n}", "作者", f"人{n}"]],
         "positives": [[f"书{n}", "写书人", f"人{n}"]], "negatives": [[f"人{n}", "作者", f"书{n}"]], "kinds": ["swap"]}
        for n in range(40)
    ]  # fmt: skip
    write_rows(tmp_path / "old/a.jsonl", rows[:25])
    write_rows(tmp_path / "old/b.jsonl", rows[25:])
    parts = split_examples(load_examples(tmp_path / "old"), (0.8, 0.2, 0.0), 5)
    leaking = parts.dev[0].anchors[0]
    more = [
        {
            **rows[0],
            "id": "m0",
            "text": f"{leaking.object}还是《{leaking.subject}》的作者。",
            "anchors": [list(leaking)],
        },
        {
            **rows[0],
            "id": "m2",
            "text": f"{leaking.object}，也就是写《{leaking.subject}》的人。",
            "anchors": [list(leaking)],
        },
        {**rows[0], "id": "m1", "text": "《新书》的作者是新人。", "anchors": [["新书", "作者", "新人"]]},
    ]
    write_rows(tmp_path / "more.jsonl", more)
    words = ["split.py", str(tmp_path / "old"), "--more", str(tmp_path / "more.jsonl"), "-o", str(tmp_path / "out"),
             "--dev-fraction", "0.2", "--seed", "5"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    assert split.main() == 0
    lines = [(tmp_path / f"out/{name}.jsonl").read_text(encoding="utf-8").splitlines() for name in ("train", "dev")]
    train, dev = ([json.loads(line) for line in part] for part in lines)
    assert [row["id"] for row in dev] == [example.id for example in parts.dev]
    assert [row["id"] for row in train] == [*(example.id for example in parts.train), "m1"]
    assert all(row in rows for row in dev)  # with genre and kinds, as they stood in their files
