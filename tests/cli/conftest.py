"""A folder with texts and a key, and a server that answers well."""

import pytest
from llm_calls import KEY, ROWS

from cacre.data import write_rows
from llm_server import LLMServer


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CACRE_API_KEY", KEY)
    write_rows("in.jsonl", ROWS)
    return tmp_path


@pytest.fixture
def server():
    with LLMServer() as server:
        yield server
