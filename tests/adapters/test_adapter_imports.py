import subprocess
import sys

import pytest

from cacre.errors import MissingExtraError

TOOLS = ("langchain_core", "langchain_community", "llama_index", "neo4j_graphrag", "openodke", "kg_gen")


def test_importing_the_adapters_loads_no_tool():
    script = f"import sys, cacre.adapters; print([name for name in {TOOLS!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "tools", "extra"),
    [
        ("CacreFilter", ["llama_index"], "llamaindex"),
        ("CacrePruning", ["neo4j_graphrag"], "neo4j-graphrag"),
        ("CacreGrounder", ["openodke"], "openodke"),
        ("to_graph_document", ["langchain_neo4j", "langchain_community"], "langchain"),
    ],
)
def test_a_missing_tool_names_its_extra(name, tools, extra, monkeypatch):
    for tool in tools:
        for module in [module for module in sys.modules if module.split(".")[0] == tool]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, tool, None)
    for module in [module for module in sys.modules if module.startswith("cacre.adapters")]:
        monkeypatch.delitem(sys.modules, module)
    import cacre.adapters

    with pytest.raises(MissingExtraError, match=rf"cacre\[{extra}\]"):
        adapter = getattr(cacre.adapters, name)
        adapter("文", [])


def test_an_unknown_name_is_no_attribute():
    import cacre.adapters

    with pytest.raises(AttributeError, match="CacreNothing"):
        _ = cacre.adapters.CacreNothing
