"""Take the screenshots of docs/review.md: python page/screenshots.py docs/images."""

from __future__ import annotations

import json
import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

import cacre
from cacre.service import ModelInfo, VerificationService, serving
from cacre.service.settings import ServeSettings

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "src/cacre/resources/samples/demo.jsonl"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def checked(page: Page, url: str) -> Page:
    """The page with the example verified."""
    page.goto(url)
    page.locator(".input .actions button").last.click()
    page.locator("button.main").click()
    page.locator(".verdict").first.wait_for()
    return page


def reviewing(page: Page, url: str) -> Page:
    """The page with a file of some rows that is being reviewed."""
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()[:30]]
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows) + "{broken\n"
    page.goto(f"{url}/#review")
    page.locator("input[type=file]").set_input_files(
        {"name": "candidates.jsonl", "mimeType": "application/jsonl", "buffer": content.encode()}
    )
    page.locator(".current").wait_for(timeout=120_000)
    for key in "aars":
        page.keyboard.press(key)
    return page


def take(browser: Browser, url: str, folder: Path) -> None:
    """Take all of them."""

    def new(size: dict[str, int], locale: str, scheme: str = "light") -> Page:
        options = {"viewport": size, "locale": locale, "color_scheme": scheme}
        page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
        page.on("console", lambda message: sys.stderr.write(f"console: {message.text}\n"))
        page.on("pageerror", lambda error: sys.stderr.write(f"error: {error}\n"))
        return page

    page = checked(new(DESK, "en"), url)
    page.locator(".verdict .head").nth(3).click()
    page.locator(".heat").wait_for()
    page.locator(".results h2").scroll_into_view_if_needed()
    page.locator(".heat [data-cell='0:5']").hover()
    save(page, folder / "review-check.png")
    page = checked(new(DESK, "zh-CN", "dark"), url)
    page.locator(".precision input[type=radio]").nth(1).check()
    page.locator(".slider input").fill("70")
    page.locator(".precision").evaluate("panel => scrollBy(0, panel.getBoundingClientRect().top - 190)")
    save(page, folder / "review-precision.png")
    page.locator(".canvas canvas").first.wait_for()
    page.wait_for_timeout(500)
    page.locator(".graph").screenshot(path=folder / "review-graph.png")
    save(reviewing(new(DESK, "en"), url), folder / "review-file.png")
    page = checked(new(PHONE, "zh-CN"), url)
    page.locator(".verdict .head").nth(1).click()
    page.locator(".heat").wait_for()
    page.locator(".verdict").nth(1).evaluate("line => scrollBy(0, line.getBoundingClientRect().top - 220)")
    save(page, folder / "review-check-phone.png")
    page = reviewing(new(PHONE, "zh-CN", "dark"), url)
    page.locator(".queue").evaluate("queue => scrollBy(0, queue.getBoundingClientRect().top - 10)")
    save(page, folder / "review-file-phone.png")


def save(page: Page, path: Path) -> None:
    """What the window shows, in few colours, so that the repository stays small."""
    image = Image.open(BytesIO(page.screenshot()))
    image.convert("RGB").quantize(224, dither=Image.Dither.NONE).save(path, optimize=True)


def main(folder: Path) -> None:
    """Start service and browser."""
    verifier = cacre.load_verifier("mini-zh", threads=1)
    settings = ServeSettings(port=0)
    service = VerificationService(verifier, ModelInfo.of(verifier), settings)
    with serving(service, settings) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        take(browser, url, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
