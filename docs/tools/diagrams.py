"""Draw the mermaid diagrams of the documents as SVG, so that the site shows them without a script or a network.

Needs Chromium, and mermaid's single file from its npm package:

npm pack mermaid@11 && tar xzf mermaid-*.tgz package/dist/mermaid.min.js
python docs/tools/diagrams.py package/dist/mermaid.min.js
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
FOLDER = DOCS / "pictures"
BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_LOOK = {
    "startOnLoad": False,
    "theme": "neutral",
    "htmlLabels": False,
    "deterministicIds": True,
    "fontFamily": "system-ui, sans-serif",
}
_PAGE = """<!doctype html><meta charset="utf-8"><body><script src="{script}"></script><script>
(async () => {{
  mermaid.initialize({look});
  const drawn = [];
  for (const [index, source] of {sources}.entries()) drawn.push((await mermaid.render("d" + index, source)).svg);
  document.body.replaceChildren(Object.assign(document.createElement("pre"), {{textContent: JSON.stringify(drawn)}}));
}})().catch(error => document.body.replaceChildren("failed: " + error));
</script>"""


def pages() -> list[Path]:
    """The documents."""
    return sorted(path for path in DOCS.rglob("*.md"))


def picture(page: Path, source: str) -> Path:
    """Where the drawing of a diagram lies; the name changes with the diagram, so that none can be out of date."""
    return FOLDER / f"{page.stem}-{hashlib.sha256(source.encode()).hexdigest()[:10]}.svg"


def diagrams() -> Iterator[tuple[Path, str]]:
    """Where each diagram's drawing lies, and its source."""
    for page in pages():
        for source in BLOCK.findall(page.read_text(encoding="utf-8")):
            yield picture(page, source), source


def draw(sources: list[str], script: Path) -> list[str]:
    """Let mermaid draw in a browser.

    Raises:
        RuntimeError: A diagram has a mistake.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        filled = _PAGE.format(script=script.resolve().as_uri(), look=json.dumps(_LOOK), sources=json.dumps(sources))
        page.write_text(filled, encoding="utf-8")
        words = [browser, "--headless", "--no-sandbox", "--virtual-time-budget=60000", "--dump-dom", page.as_uri()]
        done = subprocess.run(words, capture_output=True, encoding="utf-8", check=True)
    found = re.search(r"<pre>(.*)</pre>", done.stdout, flags=re.DOTALL)
    if found is None:
        raise RuntimeError(f"nothing was drawn: {done.stdout[-300:]}")
    drawn: list[str] = json.loads(html.unescape(found[1]))
    return drawn


def main() -> None:
    """Draw what is missing, and delete what no document shows any more."""
    wanted = dict(diagrams())
    for old in FOLDER.glob("*.svg"):
        if re.search(r"-[0-9a-f]{10}$", old.stem) and old not in wanted:
            old.unlink()
    missing = {path: source for path, source in wanted.items() if not path.exists()}
    FOLDER.mkdir(exist_ok=True)
    for path, svg in zip(missing, draw(list(missing.values()), Path(sys.argv[1])) if missing else [], strict=True):
        path.write_text(svg + "\n", encoding="utf-8")
        sys.stderr.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
