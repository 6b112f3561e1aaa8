"""What `cacre graph` writes: formats, the options they take, and where the result goes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from cacre.cli.filter import STANDARD
from cacre.data import errors_path
from cacre.errors import ConfigError
from cacre.graph import Graph
from cacre.graph.folders import is_leftover
from cacre.graph.values import DEFAULT_BASE


class Formats(StrEnum):
    """What a graph can be written as."""

    turtle = "turtle"
    json_ld = "json-ld"
    graphml = "graphml"
    node_link = "node-link"
    csv = "csv"
    parquet = "parquet"
    neo4j = "neo4j"
    neo4j_admin = "neo4j-admin"
    cypher = "cypher"


NEEDS = {
    Formats.turtle: "rdflib",
    Formats.json_ld: "rdflib",
    Formats.graphml: "networkx",
    Formats.node_link: "networkx",
    Formats.parquet: "pyarrow",
    Formats.neo4j: "neo4j",
}
_USER = "neo4j"
_TABLES = ("entities", "edges", "sources")
_FOLDERS = (Formats.csv, Formats.parquet, Formats.neo4j_admin)
_RDF = (Formats.turtle, Formats.json_ld)
_WITH_TEXTS = (*_RDF, Formats.neo4j, Formats.neo4j_admin, Formats.cypher)


@dataclass(frozen=True)
class FormatOptions:
    """What single formats are told."""

    base: Annotated[
        str | None, typer.Option(help=f"turtle, json-ld: what all IRIs begin with; by default {DEFAULT_BASE}.")
    ] = None
    without_texts: Annotated[
        bool, typer.Option("--without-texts", help="RDF, Neo4j: leave out the texts; quotes and offsets stay.")
    ] = False
    bom: Annotated[
        bool, typer.Option("--bom", help="csv: begin with a byte order mark, without which Excel garbles Chinese.")
    ] = False


@dataclass(frozen=True)
class Neo4jOptions:
    """Where Neo4j is. The password comes from NEO4J_PASSWORD."""

    uri: Annotated[
        str | None, typer.Option(help="neo4j: address, such as bolt://localhost; the password is in NEO4J_PASSWORD.")
    ] = None
    user: Annotated[str | None, typer.Option(help=f"neo4j: name of the user; by default {_USER}.")] = None
    database: Annotated[str | None, typer.Option(help="neo4j: name of the database, if not the default.")] = None


@dataclass(frozen=True)
class Export:
    """One export.

    Args:
        format: What to write.
        output: File or folder; `-` is standard output; None for `neo4j`.
        options: What the format is told.
        neo4j: Where Neo4j is.
    """

    format: Formats
    output: str | None
    options: FormatOptions
    neo4j: Neo4jOptions

    def check(self, source: str) -> None:
        """Refuse options that do not go together.

        Raises:
            typer.BadParameter: They do not.
            ConfigError: The output folder holds other files.
        """
        loads = self.format is Formats.neo4j
        for given, wanted, name in ((self.output, not loads, "-o"), (self.neo4j.uri, loads, "--uri")):
            if (given is not None) != wanted:
                raise typer.BadParameter(f"--to {self.format} {'needs' if wanted else 'has no use for'} {name}")
        for asked, formats, name in (
            (self.options.base is not None, _RDF, "--base"),
            (self.options.without_texts, _WITH_TEXTS, "--without-texts"),
            (self.options.bom, (Formats.csv,), "--bom"),
            (self.neo4j.user is not None, (Formats.neo4j,), "--user"),
            (self.neo4j.database is not None, (Formats.neo4j,), "--database"),
        ):
            if asked and self.format not in formats:
                raise typer.BadParameter(f"{name} is not for --to {self.format}: it is for {', '.join(formats)}")
        if self.output is None:
            return
        if self.format in _FOLDERS:
            if self.output == STANDARD:
                raise typer.BadParameter(f"--to {self.format} writes a folder: name one with -o")
            _check_folder(Path(self.output), self.format)
        elif self.output != STANDARD and Path(self.output).is_dir():
            raise typer.BadParameter(f"{self.output} is a folder, but --to {self.format} writes a file")
        if self.output != STANDARD and Path(self.output).resolve() == Path(source).resolve():
            raise typer.BadParameter(f"{self.output} is named twice: input and output must be different files")
        if self.errors(source).resolve() == Path(source).resolve():
            raise typer.BadParameter(
                f"{source} is where skipped rows of -o {self.output} are listed: name another output"
            )

    def errors(self, source: str) -> Path:
        """Where skipped rows are written: beside the output, else beside the input."""
        return errors_path("graph", source, (self.output,))

    def run(self, graph: Graph) -> str:
        """Write the graph, and say where it is."""
        if self.format is Formats.neo4j:
            return self._load(graph)
        write, output = self._writer(), str(self.output)
        if output != STANDARD:
            write(graph, output)
            return output
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "graph"
            write(graph, path)
            stream = typer.get_binary_stream("stdout")
            stream.write(path.read_bytes())
            stream.flush()
        return "standard output"

    def _load(self, graph: Graph) -> str:
        from cacre.graph.neo4j import load_into_neo4j

        uri, user = str(self.neo4j.uri), self.neo4j.user or _USER
        new = load_into_neo4j(graph, uri, user, self.neo4j.database, not self.options.without_texts)
        return f"{uri}: {new.nodes} new nodes, {new.relationships} new relationships"

    def _writer(self) -> Callable[[Graph, str | Path], None]:
        module, name = _WRITERS[self.format]
        write = getattr(import_module(f"cacre.graph.{module}"), name)
        options: dict[str, object] = {}
        if self.format in _WITH_TEXTS:
            options["with_texts"] = not self.options.without_texts
        if self.format in _RDF:
            options["base"] = self.options.base or DEFAULT_BASE
        if self.format is Formats.csv:
            options["bom"] = self.options.bom
        return partial(write, **options)


_WRITERS = {
    Formats.turtle: ("rdf", "write_turtle"),
    Formats.json_ld: ("rdf", "write_json_ld"),
    Formats.graphml: ("networks", "write_graphml"),
    Formats.node_link: ("networks", "write_node_link"),
    Formats.csv: ("tables", "write_csv"),
    Formats.parquet: ("tables", "write_parquet"),
    Formats.neo4j_admin: ("neo4j", "write_admin_csv"),
    Formats.cypher: ("neo4j", "write_cypher"),
}


def _check_folder(folder: Path, format: Formats) -> None:
    """Refuse a folder with files that are none of ours; what a killed export left there the next one removes.

    Raises:
        ConfigError: There is one, or a file stands in the way.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, but --to {format} writes a folder: name another")
    if not folder.is_dir():
        return
    own = {f"{table}.{format}" for table in _TABLES}
    if format is Formats.neo4j_admin:
        from cacre.graph.neo4j_import import ADMIN_FILES

        own = set(ADMIN_FILES)
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in own and not is_leftover(path, own))
    if foreign:
        raise ConfigError(
            f"{folder} holds {foreign[0]!r}{' and others' if len(foreign) > 1 else ''}, which --to {format} did not "
            "write: name a new or empty folder"
        )
