"""The written form of the corpus and the counts of its datasheet, on texts whose numbers are known."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

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


compact, describe = tool("compact"), tool("describe")


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
