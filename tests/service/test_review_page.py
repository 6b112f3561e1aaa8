"""The review page, clicked through in headless Chromium against the real service with the bundled model."""

import json

import pytest
from review_browser import REFUSED, ROW, SETTINGS, TEXT, TRIPLES, served, start_chromium, tab
from service_calls import TOKEN

from cacre.inference import load_verifier
from cacre.service import Proposer, ServeSettings
from cacre.types import Triple


@pytest.fixture(scope="module")
def browser():
    with start_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url():
    with served() as url:
        yield url


def paste(page, row=ROW):
    page.locator(".switch button").nth(1).click()
    page.locator("textarea.code").fill(json.dumps(row, ensure_ascii=False))
    page.locator("textarea.code + *, .editor > button").last.click()
    page.locator("button.main").click()
    page.locator(".verdict").first.wait_for()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "language"), [(1280, "en-US"), (1280, "zh-CN"), (390, "en-US"), (390, "zh-CN")])
def test_a_text_is_checked(browser, url, width, language):
    verifier = load_verifier("mini-zh", threads=1)
    verdicts = verifier.verify(TEXT, [Triple(*triple) for triple in TRIPLES])
    with tab(browser, url, width, language) as one:
        page = one.page
        paste(page)
        words = {True: ("supported", "得到支持"), False: ("rejected", "被拒绝")}
        for place, verdict in enumerate(verdicts):
            line = page.locator(".verdict").nth(place)
            assert any(word in line.locator(".badge").inner_text() for word in words[verdict.supported])
            assert f"{verdict.text_score:.3f}" in line.locator(".scores").inner_text()
            on = verifier.comparisons([Triple(*TRIPLES[place])])[0].pair_threshold is not None
            assert line.locator(".bar .mark").count() == 1 + (verdict.pair_score is not None and on)
            assert line.locator(".name").all_inner_texts() == [TRIPLES[place][0], TRIPLES[place][2]]
        reason = page.locator(".verdict").nth(4).locator(".reason").inner_text()
        assert reason == ("宾语没有出现在文本中" if language == "zh-CN" else "the object does not occur in the text")
        page.locator(".verdict").nth(0).hover()
        characters = list(TEXT)
        evidence = sorted("".join(characters[start:end]) for start, end in verdicts[0].evidence)
        assert sorted(page.locator(".reading mark").all_inner_texts()) == evidence
        assert {"雾中渡", "林知远"} <= set(evidence)
        page.locator(".verdict .head").nth(1).focus()
        assert "顾青禾" in page.locator(".reading mark").all_inner_texts()
        page.keyboard.press("Enter")
        page.locator(".heat").wait_for()
        assert page.locator(".heat td[data-cell]").count() == len("雾中渡编剧顾青禾") * len(TEXT.replace(" ", ""))
        page.locator(".scroller").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        weight = verifier.attention(TEXT, Triple(*TRIPLES[1])).weights[0, 2]
        assert one.text(".tooltip").startswith("雾")
        assert one.text(".tooltip").endswith(f"{100 * weight:.1f} %")
        page.locator(".canvas canvas").first.wait_for(state="attached")
        kept = [" → ".join(triple) for triple, verdict in zip(TRIPLES, verdicts, strict=True) if verdict.supported]
        assert page.locator(".graph li").all_text_contents() == kept
        one.check()


@pytest.mark.slow
def test_a_verdict_says_what_was_judged_and_how_the_text_puts_it(browser, url):
    text = "林知远并不是《雾中渡》的导演。"
    with tab(browser, url) as one:
        paste(one.page, {"text": text, "triples": [["林知远", "执导作品", "雾中渡"]]})
        one.page.locator("button.main").click()
        one.page.locator(".verdict").wait_for()
        assert one.text(".verdict .reason") == "the text denies it"
        hints = one.page.locator(".verdict > .hint").all_inner_texts()
        assert hints == ["Judged as: 雾中渡 → 导演 → 林知远", "Denied, by the word 不是"]
        one.check()


@pytest.mark.slow
def test_a_pair_score_stands_beside_its_threshold(browser, url):
    said = dict(zip(("subject", "predicate", "object"), TRIPLES[0], strict=True))
    with tab(browser, url) as one:
        paste(one.page, {"text": TEXT, "triples": [said | {"paraphrase": ["林知远", "亲手拍成的片子", "雾中渡"]}]})
        assert load_verifier("mini-zh").thresholds.pair_thresholds["paraphrase"] > -1
        assert one.page.locator(".verdict .bar .mark").count() == 2
        one.check()


@pytest.mark.slow
def test_a_target_precision_keeps_the_most_that_reach_it(browser, url):
    with tab(browser, url) as one:
        page = one.page
        page.get_by_role("button", name="Load an example").click()
        page.locator("button.main").click()
        page.locator(".verdict").first.wait_for()
        shares = page.locator(".verdict .scores > :last-child .number").all_inner_texts()
        passed = [
            line.locator(".reason:has-text('does not occur')").count() == 0 for line in page.locator(".verdict").all()
        ]
        usable = sorted((float(share.split()[0]) for share, ok in zip(shares, passed, strict=True) if ok), reverse=True)
        page.get_by_role("radio", name="a target precision").check()
        for target in (60, 72, 100):
            page.get_by_role("slider").fill(str(target))
            means = [sum(usable[:size]) / size for size in range(1, len(usable) + 1)]
            count = sum(mean >= target for mean in means)
            said = one.text(".summary")
            assert f"Kept: {count} of {len(shares)}." in said
            assert (
                count == 0 or f"{means[count - 1]:.0f}" in said.replace(".", " ") or f"{means[count - 1]:.1f} %" in said
            )
            assert page.locator(".verdict .badge.kept").count() == count
            assert page.locator(".graph li").count() == count
        one.check()


@pytest.mark.slow
def test_the_llm_proposes_only_where_there_is_one(browser, url):
    async def propose(_):
        return {"triples": [{"subject": "雾中渡", "predicate": "导演", "object": "林知远", "agreement": 0.5}]}

    with tab(browser, url) as one:
        assert one.page.get_by_role("button", name="Propose triples").is_disabled()
        assert "Nothing proposes triples here" in one.text("#llm")
    with served(proposer=Proposer("an-llm", propose)) as other, tab(browser, other) as one:
        one.page.get_by_label("Text", exact=False).first.fill(TEXT)
        one.page.get_by_role("button", name="Propose triples").click()
        one.page.locator(".verdict").wait_for()
        assert one.page.get_by_label("Object of triple 1").input_value() == "林知远"
        one.check()


@pytest.mark.slow
def test_language_is_switched_and_remembered(browser, url):
    with tab(browser, url, language="zh-CN") as one:
        assert one.text("nav a >> nth=0") == "校验一段文本"
        one.page.locator("header select").select_option("en")
        one.page.reload()
        one.page.get_by_role("link", name="Review a file").wait_for()
        assert one.page.locator("html").get_attribute("lang") == "en"
        one.check()


@pytest.mark.slow
def test_errors_are_said_in_words(browser):
    settings = SETTINGS.model_copy(update={"max_text_characters": 200, "max_body_bytes": 3000})
    with served(settings) as url, tab(browser, url) as one:
        page = one.page
        paste(page, {"text": TEXT, "triples": TRIPLES[:1]})
        text = page.locator(".input > label textarea")

        def failing():
            page.locator("button.main").click()
            page.locator(".failure").wait_for()
            said = one.text(".failure")
            page.get_by_role("button", name="Close").click()
            return said

        text.fill("雨" * 201)
        said = failing()
        assert "Mend the place" in said
        assert "Row 1, text" in said
        text.fill("雨" * 2000)
        assert "too much at once" in failing()
        text.fill(TEXT)
        body = '{"error": {"code": "overloaded", "message": "no room", "field": null, "row": null}}'
        busy = {"status": 503, "headers": {"retry-after": "7"}, "content_type": "application/json", "body": body}
        page.route("**/v1/filter", lambda route: route.fulfill(**busy))
        assert "Try again in 7 s" in failing()
        page.unroute("**/v1/filter")
        page.route("**/v1/filter", lambda route: route.abort())
        assert "cannot be reached" in failing()
        one.check([REFUSED])


@pytest.mark.slow
def test_a_token_is_asked_for_and_kept_in_the_tab_only(browser):
    with served(SETTINGS.model_copy(update={"token": ServeSettings(token=TOKEN).token})) as url:
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        page.goto(url)
        page.locator(".failure").wait_for()
        assert "token is missing or wrong" in page.locator(".failure").inner_text()
        page.get_by_label("Token").last.fill(TOKEN)
        page.keyboard.press("Enter")
        page.get_by_text("Model mini-zh").wait_for()
        assert TOKEN in page.evaluate("JSON.stringify(sessionStorage)")
        assert TOKEN not in page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")
        context.close()
