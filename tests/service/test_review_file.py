"""A file reviewed by keyboard on the page, and its corrections read by the commands that learn from them."""

import json
import re

import pytest
from review_browser import IMAGE, REFUSED, ROW, TEXT, TRIPLES, served, start_chromium, tab

from cacre.cli.calibrate import Labels, labelled_rows
from cacre.data import load_examples
from cacre.inference import load_verifier
from cacre.schema import load_schema
from cacre.types import Triple


@pytest.fixture(scope="module")
def browser():
    with start_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url():
    with served() as url:
        yield url


def jsonl(*rows):
    return "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)


FILE = jsonl(
    ROW,
    "{broken",
    {"id": IMAGE, "text": TEXT, "triples": []},
    {"id": "empty", "text": TEXT, "triples": [["", "导演", "林知远"]]},
    {"text": "云岫科技由贺一鸣创办，总部设在松河市。", "triples": [
        {"subject": "云岫科技", "predicate": "创始人", "object": "贺一鸣", "verdict": "rejected", "reason": "stale",
         "text_score": 0.1, "evidence": [], "supported": 0},
        {"subject": "云岫科技", "predicate": "总部地点", "object": "松河市"},
    ], "labels": [0, 0]},
)  # fmt: skip


def margins():
    """Distances to the threshold as the page should find them, smallest first; of triples that pass the checks."""
    verifier = load_verifier("mini-zh", threads=1)
    rows = [
        (TEXT, TRIPLES),
        (
            json.loads(FILE.splitlines()[4])["text"],
            [["云岫科技", "创始人", "贺一鸣"], ["云岫科技", "总部地点", "松河市"]],
        ),
    ]
    judged = [one for text, triples in rows for one in verifier.verify(text, [Triple(*triple) for triple in triples])]
    return sorted((abs(one.margin), one.candidate.triple) for one in judged if one.margin is not None)


def press(page, key):
    """Press a key and wait until the page has drawn what it does, which on a busy machine takes a while."""
    page.keyboard.press(key)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.slow
@pytest.mark.parametrize(("width", "language"), [(1280, "zh-CN"), (390, "en-US")])
def test_a_file_is_reviewed_by_keyboard_and_downloaded(browser, url, tmp_path, width, language):
    with tab(browser, url, width, language, "/#review") as one:
        page = one.page
        one.upload(FILE)
        page.locator(".current").wait_for()
        page.locator(".bad-rows summary").click()
        bad = one.text(".bad-rows ul").splitlines()
        assert [re.search(r"\d+", line)[0] for line in bad] == ["2", "3", "4"]
        assert "triples[0].subject" in bad[2]
        page.locator("h1").click()

        expected = [list(triple) for _, triple in margins()]
        seen = []
        for _ in expected:
            name = page.locator(".subject-matter")
            seen.append([*name.locator(".name").all_inner_texts()[:1], name.locator(".predicate bdi").inner_text(),
                         *name.locator(".name").all_inner_texts()[1:]])  # fmt: skip
            press(page, "ArrowDown")
        assert seen == expected
        for _ in expected:
            press(page, "ArrowUp")

        decisions = dict(zip(map(tuple, expected), "aras" + "r" * len(expected), strict=False))
        for key in decisions.values():
            press(page, key)
        assert page.locator(".bar-line progress").get_attribute("value") == str(len(expected))
        press(page, "u")
        assert page.locator(".bar-line progress").get_attribute("value") == str(len(expected) - 1)
        press(page, "r")
        decisions[tuple(expected[-1])] = "r"
        kept = page.evaluate("JSON.stringify(localStorage)")
        assert "雾中渡" not in kept
        assert "onerror" not in kept

        page.reload()
        one.upload(FILE)
        page.locator(".queue").wait_for()
        assert page.locator(".bar-line progress").get_attribute("value") == str(len(expected))
        check_downloads(one, tmp_path, decisions)
        page.locator(".keeping button").click()
        page.locator(".keeping button").click()
        assert "cacre.review" not in page.evaluate("JSON.stringify(localStorage)")
        one.check([REFUSED])


def check_downloads(one, tmp_path, decisions):
    """What both commands read in the downloads is what was decided."""
    told = {"a": True, "r": False, "s": None}
    rows, source, unlabelled = labelled_rows(one.download("cacre calibrate"), Labels.auto)
    assert (source, unlabelled) == ("support", 0)
    found = {tuple(c.triple): label for row in rows for c, label in zip(row.candidates, row.labels, strict=True)}
    assert {triple: found[triple] for triple in decisions} == {triple: told[key] for triple, key in decisions.items()}
    assert all(label is None for triple, label in found.items() if triple not in decisions)

    accepted = {triple for triple, key in decisions.items() if key == "a"}
    rejected = {triple for triple, key in decisions.items() if key == "r"}
    examples = []
    for button in one.page.locator(".downloads button").all()[1:]:
        if button.is_enabled():
            with one.page.expect_download() as waiting:
                button.click()
            examples += load_examples([waiting.value.path()], schema=load_schema("duie"))
    assert {tuple(anchor) for example in examples for anchor in example.anchors} == accepted
    assert {tuple(wrong) for example in examples for wrong in (*example.negatives, *example.hard)} <= rejected
    assert any(example.negatives for example in examples)
    assert all(p != a for e in examples if e.negatives for p, a in zip(e.positives, e.anchors, strict=True))


@pytest.mark.slow
def test_verification_of_a_file_shows_progress_and_can_be_cancelled(browser, url):
    rows = [{"text": f"{number}：{TEXT}", "triples": TRIPLES[:2]} for number in range(40)]
    with tab(browser, url, path="/#review") as one:
        page, held = one.page, []

        def first_only(route):
            held.append(route)
            if len(held) == 1:
                route.continue_()

        page.route("**/v1/filter", first_only)
        one.upload(jsonl(*rows))
        page.get_by_text("32 of 40 rows verified").wait_for()
        assert page.locator(".progress progress").get_attribute("value") == "32"
        page.get_by_role("button", name="Cancel").click()
        page.get_by_text("8 rows are not verified").wait_for()
        assert "of 64 decided" in one.text(".queue")
        page.unroute("**/v1/filter")
        body = '{"error": {"code": "overloaded", "message": "no room", "field": null, "row": null}}'
        busy = {"status": 503, "headers": {"retry-after": "1"}, "content_type": "application/json", "body": body}
        page.route("**/v1/filter", lambda route: route.fulfill(**busy), times=1)
        page.get_by_role("button", name="Go on").click()
        page.get_by_text("the next try is in 1 s").wait_for()
        page.get_by_text("of 80 decided").first.wait_for()
        one.check([REFUSED])
