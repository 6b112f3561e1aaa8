"""The review page at `/`: files that `make page` built, given with headers that let it load nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from starlette.responses import Response

_KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
_FOLDER = files("cacre.resources") / "page"
_FILES: Mapping[str, str] = {
    "/": "index.html",
    "/page/app.js": "app.js",
    "/page/graph.js": "graph.js",
    "/page/app.css": "app.css",
    "/page/icon.svg": "icon.svg",
    "/page/licences.txt": "licences.txt",
}
PAGE_PATHS: Final = frozenset(_FILES)
"""The paths of the page, which hold no data of anybody's."""
PAGE_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}
"""No inline script or style, no eval, no other site, no frame around it, and no markup made from strings."""


def add_page(app: FastAPI) -> None:
    """Add the routes of the page; they are no part of the OpenAPI document."""
    for path, name in _FILES.items():
        _add_file(app, path, (_FOLDER / name).read_bytes(), _KINDS[name.rpartition(".")[2]])


def _add_file(app: FastAPI, path: str, content: bytes, kind: str) -> None:
    async def page_file() -> Response:
        return Response(content, media_type=kind, headers=dict(PAGE_HEADERS))

    app.add_api_route(path, page_file, methods=["GET", "HEAD"], include_in_schema=False)
