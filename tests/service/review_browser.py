"""A headless Chromium in front of the review page of a real service on loopback."""

import shutil
from contextlib import contextmanager

import pytest

from cacre.inference import load_verifier
from cacre.service import ModelInfo, ServeSettings, VerificationService, serving

SCRIPT, IMAGE = "<script>window.hit=1</script>", '<img src=x onerror="window.hit=1">'
TEXT = f"🌊《雾中渡》由林知远执导，{SCRIPT}顾青禾担任编剧，{IMAGE}沈若汐领衔主演。"
TRIPLES = [
    ["雾中渡", "导演", "林知远"],
    ["雾中渡", "编剧", "顾青禾"],
    ["雾中渡", "导演", SCRIPT],
    [IMAGE, "<b>主演</b>", "沈若汐"],
    ["雾中渡", "主演", "宋砚"],
]
ROW = {"id": IMAGE, "text": TEXT, "triples": TRIPLES}
REFUSED = "Failed to load resource"
"""What the browser says of each response that is an error."""
PATIENCE = 120_000
"""Milliseconds: no test passes or fails by how fast the machine is."""
SETTINGS = ServeSettings(port=0, drain_seconds=0.0, timeout_seconds=600.0)


def start_chromium():
    """A context manager of the browser; skips where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright: pip install '.[dev]'")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs the package chromium: apt-get install chromium")

    @contextmanager
    def started():
        with api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            yield browser
            browser.close()

    return started()


@contextmanager
def served(settings=SETTINGS, proposer=None):
    verifier = load_verifier("mini-zh", threads=1)
    service = VerificationService(verifier, ModelInfo.of(verifier), settings, proposer)
    with serving(service, settings) as url:
        yield url


class Tab:
    """A page, and what it asked for and complained about."""

    def __init__(self, page, url):
        self.page, self.url, self.asked, self.complaints = page, url, [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def check(self, complaints=()):
        """Nothing left loopback, ran that was text, or complained; the page does not scroll sideways."""
        assert all(asked.startswith((self.url, "blob:" + self.url)) for asked in self.asked)
        heard = [said for said in self.complaints if not said.startswith(tuple(complaints))]
        assert heard == [], heard
        assert self.page.evaluate("window.hit") is None
        width = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1]

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def upload(self, content, name="candidates.jsonl"):
        file = {"name": name, "mimeType": "application/jsonl", "buffer": content.encode()}
        self.page.locator("input[type=file]").set_input_files(file)

    def download(self, name):
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=name).click()
        return waiting.value.path()


@contextmanager
def tab(browser, url, width=1280, language="en-US", path="/"):
    """A tab with the page open, in a browser profile of its own."""
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=language)
    context.set_default_timeout(PATIENCE)
    try:
        one = Tab(context.new_page(), url)
        one.page.goto(url + path)
        one.page.locator("footer span").first.wait_for(state="attached")
        yield one
    finally:
        context.close()
