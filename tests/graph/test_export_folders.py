"""Exports of several files: those of one graph or none, whatever stops them."""

import errno
import os
import re
import stat
from pathlib import Path

import pytest

from cacre.errors import DataError, OutputError
from cacre.graph.folders import is_leftover, whole_folder
from cacre.graph.neo4j_import import write_admin_csv
from cacre.graph.tables import read_csv, write_csv, write_parquet
from cacre.graph.values import Edge, Entity, Graph, Source

WRITERS = [write_csv, write_parquet, write_admin_csv]


def graph_of(name):
    facts = [("父亲", name, False), ("生日", "2019年", True)]
    source = Source(f"{name}的原文。", f"row of {name}", ((0, 1),))
    return Graph({name: Entity(name, name)}, tuple(Edge(name, *fact, sources=(source,)) for fact in facts))


OLD, NEW = graph_of("旧"), graph_of("新")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Killed(BaseException):
    """Stops a run as a signal does: nothing is to catch it."""


def stop_at(monkeypatch, owner, name, count, error):
    """Let a function raise when it is called for the time `count`, from 0."""
    real, calls = getattr(owner, name), []

    def stopped(*arguments, **options):
        calls.append(arguments)
        if len(calls) > count:
            raise error
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, stopped)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("files_synced", range(3))
def test_a_full_disk_leaves_the_earlier_export(write, files_synced, tmp_path, monkeypatch):
    write(OLD, tmp_path)
    before = content(tmp_path)
    stop_at(monkeypatch, os, "fsync", files_synced, OSError(errno.ENOSPC, "disk full"))
    with pytest.raises(OutputError, match=rf"{re.escape(str(tmp_path))}/[a-zA-Z.-]+: cannot be written: disk full"):
        write(NEW, tmp_path)
    assert content(tmp_path) == before


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("rows", ["entity_key", "source"])
def test_rows_that_fail_leave_the_earlier_export(write, rows, tmp_path):
    write(OLD, tmp_path)
    before = content(tmp_path)
    bad = Edge("新", "父亲", "无人" if rows == "entity_key" else "新", sources=(None,) if rows == "source" else ())
    with pytest.raises((DataError, KeyError, AttributeError)):
        write(Graph(NEW.entities, (*NEW.edges, bad)), tmp_path)
    assert content(tmp_path) == before


@pytest.mark.parametrize("write", WRITERS)
def test_what_is_killed_between_two_files_lacks_one_and_never_mixes_graphs(write, tmp_path, monkeypatch):
    write(NEW, tmp_path / "whole")
    whole = content(tmp_path / "whole")
    for renamed in range(len(whole)):
        folder = tmp_path / str(renamed)
        write(OLD, folder)
        with monkeypatch.context() as patch, pytest.raises(Killed):
            stop_at(patch, Path, "replace", renamed, Killed)
            write(NEW, folder)
        left = content(folder)
        assert left.items() <= whole.items()
        assert len(left) == renamed
        assert "README.txt" not in left
        if write is write_csv:
            with pytest.raises(DataError, match=r"cannot be read: .* if an export was cut short, run it again"):
                read_csv(folder)
        write(NEW, folder)
        assert content(folder) == whole


@pytest.mark.parametrize("write", WRITERS)
def test_permissions_and_links_of_an_earlier_export_stay(write, tmp_path):
    folder = tmp_path / "out"
    write(OLD, folder)
    names = sorted(content(folder))
    for name in names:
        (folder / name).chmod(0o640)
    (folder / names[0]).rename(tmp_path / "elsewhere")
    (folder / names[0]).symlink_to(tmp_path / "elsewhere")
    write(NEW, folder)
    write(NEW, tmp_path / "whole")
    assert content(folder) == content(tmp_path / "whole")
    assert (folder / names[0]).is_symlink()
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in names} == {0o640}


def test_a_device_in_the_folder_stays(tmp_path):
    (tmp_path / "sources.csv").symlink_to(os.devnull)
    write_csv(NEW, tmp_path)
    assert (tmp_path / "sources.csv").is_symlink()
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("write", WRITERS)
def test_what_a_killed_export_left_is_removed_and_nothing_else(write, tmp_path):
    write(OLD, tmp_path)
    for name in [*content(tmp_path), "theirs.csv"]:
        (tmp_path / f".{name}.ab_c1234.part").write_text("half", encoding="utf-8")
    write(NEW, tmp_path)
    assert [name for name in content(tmp_path) if name.startswith(".")] == [".theirs.csv.ab_c1234.part"]


def test_what_is_a_leftover(tmp_path):
    (tmp_path / ".edges.csv.folder.part").mkdir()
    for name in (".edges.csv.abc.part", "edges.csv.abc.part", ".edges.csv.abc", ".edgesxcsv.abc.part", "edges.csv"):
        (tmp_path / name).touch()
    assert [path.name for path in tmp_path.iterdir() if is_leftover(path, ["edges.csv"])] == [".edges.csv.abc.part"]


def test_the_file_opened_first_comes_last(tmp_path, monkeypatch):
    order = []
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, target: order.append(target.name) or real(path, target))
    with whole_folder(tmp_path / "deep" / "out", ["a.csv", "b.csv", "c.csv"]) as opened:
        for name in ("b.csv", "c.csv"):
            opened(name).write(name)
    assert order == ["c.csv", "b.csv"]
