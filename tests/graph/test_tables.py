import csv
import sys

import pytest
from hostile_graphs import NAMES, TEXT, every_name, graphs
from hypothesis import given, settings

from cacre.errors import DataError, MissingExtraError
from cacre.graph.tables import guard_formula, read_csv, unguard_formula, write_csv, write_parquet
from cacre.graph.values import Edge, Entity, Graph, Source

TABLES = ("entities", "edges", "sources")
SMALL = Graph(
    {"王小石": Entity("王小石", "=王小石", ("人物",), ("小石",))},
    (
        Edge(
            "王小石",
            "生日",
            "-2",
            True,
            "Date",
            {"地点": "北京"},
            (Source("王小石。", "7", ((0, 3),), "王", "", -0.5),),
        ),
    ),
)


@settings(max_examples=12)
@given(graphs())
def test_csv_comes_back_as_it_was(tmp_path_factory, graph):
    folder = tmp_path_factory.mktemp("csv")
    write_csv(graph, folder)
    assert read_csv(folder) == graph


@pytest.mark.parametrize("bom", [False, True])
def test_csv_holds_every_hostile_name(tmp_path, bom):
    write_csv(every_name(), tmp_path, bom=bom)
    assert (tmp_path / "edges.csv").read_bytes().startswith(b"\xef\xbb\xbf") is bom
    assert read_csv(tmp_path) == every_name()


@given(TEXT)
def test_guarding_is_reverted_and_leaves_no_formula(text):
    guarded = guard_formula(text)
    assert unguard_formula(guarded) == text
    assert guarded[0] not in "=+-@＝＋－＠\t\r\n"


def test_no_text_cell_of_a_spreadsheet_is_a_formula_and_numbers_stay_numbers(tmp_path):
    write_csv(every_name(), tmp_path)
    for table in TABLES:
        with (tmp_path / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                numbers = {"text_score", "pair_score", "probability"} & row.keys()
                assert all(
                    not value.startswith(tuple("=+-@\t\r\n")) for name, value in row.items() if name not in numbers
                )
                assert all(float(row[name]) in (0.25, -0.5, 0.875) for name in numbers)


def test_csv_is_what_the_documentation_says(tmp_path):
    write_csv(SMALL, tmp_path)
    written = {table: (tmp_path / f"{table}.csv").read_bytes().decode() for table in TABLES}
    assert written["entities"] == 'key,name,types,aliases\r\n王小石,\'=王小石,"[""人物""]","[""小石""]"\r\n'
    assert written["edges"].splitlines()[1] == (
        '1,王小石,\'=王小石,生日,\'-2,\'-2,true,Date,"{""地点"": ""北京""}",,-0.5'
    )
    assert written["sources"].splitlines()[1] == '1,7,王,,"[""王小石""]","[[0, 3]]",,-0.5,,王小石。,,'


def test_csv_does_not_depend_on_the_run(tmp_path):
    for folder in ("a", "b"):
        write_csv(every_name(), tmp_path / folder)
    assert all((tmp_path / "a" / f"{t}.csv").read_bytes() == (tmp_path / "b" / f"{t}.csv").read_bytes() for t in TABLES)


def test_a_long_cell_is_read_and_the_limit_is_put_back(tmp_path):
    limit = csv.field_size_limit()
    graph = Graph({"甲": Entity("甲", "长" * 200_000)}, ())
    write_csv(graph, tmp_path)
    assert read_csv(tmp_path) == graph
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        ("entities", "key,name", "id,name", r"entities\.csv:1: the columns are"),
        ("entities", '"[""人物""]"', "人物", r"entities\.csv:2: "),
        ("entities", '"[""人物""]"', '"""人物"""', r"entities\.csv:2: expected a JSON list"),
        ("edges", "true", "7", r"edges\.csv:2: qualifiers .* or is_value '7'"),
        ("edges", ",-0.5", "", r"edges\.csv:2: has 10 cells, expected 11"),
        ("sources", "1,7", "2,7", r"sources\.csv: sources of edges \[2\], which edges\.csv lacks"),
        ("sources", "-0.5", "viel", r"sources\.csv:2: could not convert"),
    ],
)
def test_a_table_that_is_none_of_ours_is_named(tmp_path, table, old, new, said):
    write_csv(SMALL, tmp_path)
    path = tmp_path / f"{table}.csv"
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    with pytest.raises(DataError, match=said):
        read_csv(tmp_path)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"sources\.csv: cannot be read"):
        read_csv(tmp_path)


def parquet_graph(folder) -> Graph:
    from pyarrow import parquet

    entities, edges, found = (parquet.read_table(folder / f"{table}.parquet").to_pylist() for table in TABLES)
    sources: dict[int, list[Source]] = {}
    for row in found:
        source = Source(
            row["text"],
            row["row"],
            tuple(map(tuple, row["evidence"])),
            *(row[name] for name in ("subject", "object", "text_score", "pair_score", "probability")),
            *(row[name] or "" for name in ("row_metadata", "triple_metadata")),
        )
        assert list(source.quotes) == row["quotes"]
        sources.setdefault(row["edge"], []).append(source)
    return Graph(
        {row["key"]: Entity(row["key"], row["name"], tuple(row["types"]), tuple(row["aliases"])) for row in entities},
        tuple(
            Edge(
                *(row[name] for name in ("subject", "predicate", "object", "is_value", "object_type")),
                dict(row["qualifiers"]),
                tuple(sources[row["edge"]]),
            )
            for row in edges
        ),
    )


@settings(max_examples=12)
@given(graphs())
def test_parquet_comes_back_as_it_was(tmp_path_factory, graph):
    folder = tmp_path_factory.mktemp("parquet")
    write_parquet(graph, folder)
    assert parquet_graph(folder) == graph


def test_parquet_has_typed_columns_and_several_row_groups(tmp_path, monkeypatch):
    from pyarrow import parquet

    monkeypatch.setattr("cacre.graph.tables._BATCH", 40)
    write_parquet(every_name(), tmp_path)
    assert parquet_graph(tmp_path) == every_name()
    file = parquet.ParquetFile(tmp_path / "edges.parquet")
    assert file.num_row_groups > 1
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert kinds["probability"] == "double"
    assert kinds["is_value"] == "bool"
    assert kinds["qualifiers"].startswith("map<string, string")
    evidence = parquet.read_schema(tmp_path / "sources.parquet").field("evidence").type
    assert str(evidence.value_type.value_type) == "int32"


def test_csv_of_the_time_before_further_keys_is_still_read(tmp_path):
    write_csv(SMALL, tmp_path)
    path = tmp_path / "sources.csv"
    old = path.read_bytes().replace(b",row_metadata,triple_metadata", b"").replace(b",,\r\n", b"\r\n")
    path.write_bytes(old)
    assert b"metadata" not in old
    assert read_csv(tmp_path) == SMALL


def test_an_empty_graph_has_empty_tables(tmp_path):
    write_csv(Graph({}, ()), tmp_path)
    write_parquet(Graph({}, ()), tmp_path)
    assert read_csv(tmp_path) == parquet_graph(tmp_path) == Graph({}, ())


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"cacre\[graph\]"):
        write_parquet(SMALL, tmp_path)
    assert not list(tmp_path.iterdir())


def test_names_are_hostile_enough():
    assert len(set(NAMES)) == len(NAMES)
