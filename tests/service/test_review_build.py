"""The built files of the review page, and how they are given."""

import hashlib
import re
from pathlib import Path

from service_calls import TOKEN, ask, tiny_service

from cacre.service import ServeSettings
from cacre.service.page import PAGE_PATHS

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "src/cacre/resources/page"


def test_the_build_belongs_to_the_sources():
    page = ROOT / "page"
    names = [f"{folder}/{path.name}" for folder in ("src", "public") for path in (page / folder).iterdir()]
    names += ["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"]
    known = hashlib.sha256()
    for name in sorted(names):
        known.update(name.encode() + b"\0" + (page / name).read_bytes() + b"\0")
    built = (BUILT / "sources.sha256").read_text().strip()
    assert built == known.hexdigest(), "page/ was changed since its build: run make page"


def test_the_page_needs_no_token_and_loads_nothing_else(tiny_folder):
    service = tiny_service(tiny_folder, ServeSettings(token=TOKEN))
    assert ask(service, "GET", "/v1/model").status_code == 401
    for path in PAGE_PATHS:
        given = ask(tiny_service(tiny_folder, ServeSettings(token=TOKEN)), "GET", path)
        assert given.status_code == 200
        policy = given.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
    index = ask(tiny_service(tiny_folder), "GET", "/").text
    assert set(re.findall(r'(?:src|href)="([^"]+)"', index)) <= PAGE_PATHS
    assert "<style" not in index
    assert re.findall(r"<script[^>]*>([^<]*)</script>", index) == [""]
    assert {path.name for path in BUILT.iterdir()} == {"index.html", "sources.sha256"} | {
        path.rpartition("/")[2] for path in PAGE_PATHS if path != "/"
    }
