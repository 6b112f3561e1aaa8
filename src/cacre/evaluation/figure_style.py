"""How every figure looks and is written: fonts that know Chinese, colours, words in two languages, files.

Text in SVG stays text, so that a reader's own fonts show it; only measuring it and PNG need a font with Chinese
characters here. A font of the system is taken if there is one, else that of the package which the `eval` extra brings.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cacre.errors import ConfigError, MissingExtraError
from cacre.files import atomic_writer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Language = Literal["en", "zh"]
LANGUAGES = ("en", "zh")

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
"""Colours that readers with any colour vision tell apart (Okabe and Ito)."""
CYCLE = (BLUE, VERMILLION, GREEN, ORANGE, "#56B4E9", "#CC79A7")
INK, GRID = "#1d2125", "#a5abb1"
"""Text and axes; grid lines. A page may exchange them to follow its own colours."""

WIDTH = 3.5
"""Inches; one column of a journal."""
DPI = 300

LATIN_FONT = "DejaVu Sans"
"""Comes with matplotlib."""
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Serif CJK SC",
    "SimSun",
    "Songti SC",
    "Noto Sans CJK JP",  # by this name older versions of matplotlib know the collection that holds all of them
)
"""Families with Chinese characters that systems come with, the best first."""
FONT_PACKAGE, FONT_FILE, FONT_FAMILY = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf", "Noto Sans SC"
"""A package that only holds Noto Sans SC (SIL Open Font License 1.1)."""


def chinese_font() -> str | None:
    """Family of a font with Chinese characters, one of the system before that of the font package; None without one.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with _needs_matplotlib():
        from matplotlib import font_manager
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((name for name in CJK_FONTS if name in known), None) or _packaged_font()


@cache
def _packaged_font() -> str | None:
    from matplotlib import font_manager

    try:
        file = resources.files(FONT_PACKAGE).joinpath(FONT_FILE)
    except ModuleNotFoundError:
        return None
    if not isinstance(file, Path) or not file.is_file():  # matplotlib opens fonts by path
        return None
    font_manager.fontManager.addfont(str(file))
    return FONT_FAMILY


@contextmanager
def figure_style(language: Language = "en") -> Iterator[None]:
    """Settings under which a figure is made and written; they end with the block.

    Args:
        language: Of the labels; `zh` needs a font.

    Raises:
        ConfigError: Another language.
        MissingExtraError: matplotlib is not installed, or `zh` finds no font with Chinese characters.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r}")
    font = chinese_font()
    if font is None and language == "zh":
        raise MissingExtraError(FONT_PACKAGE, "eval")
    import matplotlib as mpl

    with mpl.rc_context(_settings([LATIN_FONT, *([font] if font else [])])):
        yield


def new_figure(height: float, rows: int = 1, *, ratios: tuple[float, ...] | None = None) -> tuple[Figure, list[Any]]:
    """A figure one column wide with axes below each other that share x; inside `figure_style` only.

    Args:
        height: Inches.
        rows: Number of axes.
        ratios: Their relative heights.

    Returns:
        The figure and its axes, top to bottom.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False, height_ratios=ratios)
    return figure, list(axes[:, 0])


def save(figure: Figure, path: str | Path) -> tuple[Path, Path]:
    """Write a figure as SVG and PNG, each whole or not at all.

    Args:
        figure: What to write.
        path: Where to, with or without an ending; `.svg` and `.png` replace it.

    Returns:
        The two files.

    Raises:
        OSError: The folder cannot be written.
    """
    path = Path(path)
    vector, pixels = (
        path.with_name(path.name.removesuffix(".svg").removesuffix(".png") + ending) for ending in (".svg", ".png")
    )
    with atomic_writer(vector) as stream:
        stream.write(as_svg(figure))
    with figure_style(), atomic_writer(pixels) as stream, io.BytesIO() as image:
        figure.savefig(image, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
        stream.buffer.write(image.getvalue())
    return vector, pixels


def as_svg(figure: Figure) -> str:
    """A figure as an SVG document with its text as text; the same figure gives the same characters each time."""
    with figure_style(), io.StringIO() as image:
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(image, format="svg", metadata=metadata)
        return image.getvalue()


def _settings(families: list[str]) -> Any:  # noqa: ANN401  (matplotlib's stubs name no type of settings)
    return {
        "font.family": families,
        "font.size": 8,
        "axes.titlesize": 8,
        "legend.fontsize": 7,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": GRID,
        "grid.alpha": 0.45,
        "grid.linewidth": 0.4,
        "axes.axisbelow": True,
        "lines.linewidth": 1.4,
        "legend.frameon": False,
        "legend.handlelength": 1.8,
        "axes.unicode_minus": False,  # a hyphen is in every font
        "svg.fonttype": "none",
        "svg.hashsalt": "cacre",
    }


@contextmanager
def _needs_matplotlib() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError("matplotlib", "eval") from error
