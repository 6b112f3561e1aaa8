"""Build the documentation as a site.

python docs/tools/site.py [--repository URL]

The documents are written to be read in the repository. For the site, in a copy, drawings take the place of mermaid
diagrams (see `diagrams.py`), and links to files that are not documents become their paths, or lead to the repository.
"""

from __future__ import annotations

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

from diagrams import BLOCK, DOCS, pages, picture

ROOT = DOCS.parent
_FENCED = re.compile(r"^(```.*?^```$)", flags=re.MULTILINE | re.DOTALL)
_INFO = re.compile(r"\A```(\w+)[^\n]*")
_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)\s]+)\)")
_LANGUAGES = {"jsonl": "json", "console": "text"}


def staged(page: Path, repository: str | None = None) -> str:
    """A document as the site has it.

    Args:
        page: The document.
        repository: Where its files can be read, such as `https://git.example.org/cacre/blob/main`.

    Raises:
        FileNotFoundError: A diagram has no drawing.
    """
    text = BLOCK.sub(lambda block: _drawing(page, block[1]), page.read_text(encoding="utf-8"))
    parts = _FENCED.split(text)
    parts[1::2] = [_INFO.sub(lambda info: f"```{_LANGUAGES.get(info[1], info[1])}", part) for part in parts[1::2]]
    parts[::2] = [_LINK.sub(lambda link: _outward(page, link, repository), part) for part in parts[::2]]
    return "".join(parts)


def _drawing(page: Path, source: str) -> str:
    path = picture(page, source)
    if not path.exists():
        raise FileNotFoundError(f"{page.name} has a diagram without a drawing: run docs/tools/diagrams.py")
    depth = len(page.relative_to(DOCS).parts) - 1
    return f"![Diagram]({'../' * depth}{path.relative_to(DOCS).as_posix()}){{.drawing}}"


def _outward(page: Path, link: re.Match[str], repository: str | None) -> str:
    """A link to a file that is no document, as a path or into the repository."""
    words, target = " ".join(link[1].split()), link[2]
    path = posixpath.normpath(posixpath.join(page.parent.relative_to(ROOT).as_posix(), target))
    if path.startswith("docs/"):
        return link[0]
    if repository:
        return f"[{words}]({repository.rstrip('/')}/{path})"
    return f"`{path}`" if words.strip("`") in path else f"{words} (`{path}`)"


def build(folder: Path, repository: str | None = None) -> int:
    """Write the copy that the site is built from to a folder, and the site beside it; any warning is an error.

    Returns:
        The exit status of the build.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder / "docs", ignore=shutil.ignore_patterns("tools", "*.md"))
    for page in pages():
        target = folder / "docs" / page.relative_to(DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(staged(page, repository), encoding="utf-8")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    words = [Path(sys.executable).with_name("zensical"), "build", "--strict"]
    return subprocess.run(words, cwd=folder, check=False).returncode


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Build the documentation as a site.")
    parser.add_argument("--repository", help="Address below which the repository's files can be read.")
    folder = ROOT / "build" / "docs-site"
    status = build(folder, parser.parse_args().repository)
    sys.stderr.write(f"the site is in {folder / 'site'}\n" if status == 0 else "the site was not built\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
