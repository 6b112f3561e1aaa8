"""The table of providers, keys from the environment, and what a body holds of what is asked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cacre.errors import AccessError, ConfigError
from cacre.llm.chat import ChatRequest, Message
from cacre.llm.client import OpenAIClient
from cacre.llm.providers import PROVIDERS, Capabilities, api_key, load_provider

REQUEST = ChatRequest((Message("user", "林知远"),), "model-a")
RICH = ChatRequest(
    REQUEST.messages,
    "model-a",
    answer_format="json_schema",
    json_schema={"type": "object"},
    logprobs=True,
    seed=7,
    temperature=0.0,
)
BARE = Capabilities(temperature=None)


def body(provider, model, **changes):
    request = ChatRequest(REQUEST.messages, model, **changes)
    return load_provider(provider, "http://localhost:1/v1").capabilities(model).body(request)


def test_the_llms_of_the_paper_and_the_usual_ones_are_there():
    names = {"deepseek", "qwen-plus", "qwen-plus-intl", "qwen-plus-us", "ernie-4.0", "llama3-70b", "llama3-70b-vllm"}
    assert names | {"ollama", "vllm", "openai", "custom"} == set(PROVIDERS)


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_loads_with_an_address_of_its_own_or_a_given_one(name):
    provider = load_provider(name, None if name != "custom" else "http://localhost:9/v1")
    assert provider.base_url.startswith("http") and not provider.base_url.endswith("/")
    assert load_provider(name, "http://localhost:9/v1/").base_url == "http://localhost:9/v1"
    assert provider.capabilities(provider.default_model or "anything")
    assert provider.key_required == provider.base_url.startswith("https")


def test_an_unknown_provider_names_the_known():
    with pytest.raises(ConfigError, match=r"deepseek, .*custom"):
        load_provider("deepsea")
    with pytest.raises(ConfigError, match="--base-url"):
        load_provider("custom")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/v1",
        "host/v1",
        "http://",
        "http://me:geheim@host/v1",
        "http://host/v1?key=geheim",
        "http://host:port/v1",
        "https://host/v1/chat/completions",
        "http://[::1/v1",
        "http://host:0/v1",
        "http://host/v1#geheim",
    ],
)
def test_unusable_addresses_are_refused_without_showing_secrets(url):
    with pytest.raises(ConfigError, match="base_url") as caught:
        load_provider("custom", url)
    assert "geheim" not in str(caught.value)


def test_the_shared_variable_goes_before_the_provider_s_own():
    provider = load_provider("deepseek")
    assert api_key(provider, {"DEEPSEEK_API_KEY": " sk-own\n"}) == "sk-own"
    assert api_key(provider, {"DEEPSEEK_API_KEY": "sk-own", "CACRE_API_KEY": "sk-shared"}) == "sk-shared"
    assert api_key(provider, {"DEEPSEEK_API_KEY": "sk-own", "CACRE_API_KEY": " "}) == "sk-own"


def test_a_missing_key_names_the_variables_where_one_is_needed():
    with pytest.raises(AccessError, match="CACRE_API_KEY or DASHSCOPE_API_KEY"):
        api_key(load_provider("qwen-plus-us"), {"OPENAI_API_KEY": "sk-of-another"})
    assert api_key(load_provider("ollama"), {}) is None


@pytest.mark.parametrize("key", ["sk-\x07geheim", "sk-\ngeheim", "sk-geheim-é", "sk- geheim"])
def test_a_key_that_cannot_be_sent_is_named_by_its_variable(key):
    with pytest.raises(AccessError, match="OPENAI_API_KEY") as caught:
        api_key(load_provider("openai"), {"OPENAI_API_KEY": key})
    assert "geheim" not in str(caught.value)


def test_a_key_that_cannot_be_sent_is_refused_without_showing_it():
    with pytest.raises(AccessError) as caught:
        OpenAIClient(load_provider("openai"), api_key="sk-\x00-geheim")
    assert "geheim" not in str(caught.value)


def test_thinking_is_switched_the_provider_s_way():
    assert body("deepseek", "deepseek-v4-flash")["thinking"] == {"type": "disabled"}
    assert body("deepseek", "deepseek-v4-flash", thinking=True)["thinking"] == {"type": "enabled"}
    assert "thinking" not in body("deepseek", "deepseek-v4-flash", thinking=None)
    assert body("qwen-plus", "qwen-plus")["enable_thinking"] is False
    assert not {"thinking", "enable_thinking"} & body("vllm", "m").keys()


def test_the_temperature_is_moved_into_the_model_s_range():
    assert body("ernie-4.0", "ernie-4.0-8k", temperature=0.0)["temperature"] == 0.01
    assert body("ernie-4.0", "ernie-4.0-8k", temperature=1.5)["temperature"] == 1.0
    assert body("deepseek", "deepseek-v4-flash", temperature=0.0)["temperature"] == 0.0
    assert "temperature" not in body("deepseek", "deepseek-v4-flash", temperature=None)
    assert "temperature" not in body("deepseek", "deepseek-reasoner", temperature=0.0)


def test_the_limit_on_the_answer_has_the_model_s_name_and_range():
    assert body("ernie-4.0", "ernie-4.0-8k", max_tokens=5000)["max_tokens"] == 2048
    assert body("openai", "gpt-4.1-mini", max_tokens=5000)["max_completion_tokens"] == 5000
    assert body("deepseek", "deepseek-v4-flash", max_tokens=5000)["max_tokens"] == 5000


@pytest.mark.parametrize(
    ("provider", "model", "logprobs", "json_schema"),
    [
        ("deepseek", "deepseek-v4-flash", True, False),
        ("deepseek", "deepseek-reasoner", False, False),
        ("qwen-plus", "qwen-plus", False, True),
        ("qwen-plus-intl", "Qwen-Plus-2025-01-25", True, False),
        ("qwen-plus", "qwen-plus-2025-12-01", True, True),
        ("ernie-4.0", "ernie-4.0-8k", False, False),
        ("llama3-70b", "llama3:70b", True, True),
        ("openai", "o3-mini", False, True),
    ],
)
def test_the_first_pattern_that_fits_counts(provider, model, logprobs, json_schema):
    able = load_provider(provider).capabilities(model)
    assert (able.logprobs, able.json_schema) == (logprobs, json_schema)


def test_the_answer_format_is_the_nearest_that_the_model_has():
    assert Capabilities(json_schema=True, json_object=True).answer_format(RICH) == "json_schema"
    assert Capabilities(json_object=True).answer_format(RICH) == "json_object"
    assert Capabilities().answer_format(RICH) == "text"
    assert Capabilities(json_schema=True, json_object=True).answer_format(REQUEST) == "text"
    no_schema = ChatRequest(REQUEST.messages, "model-a", answer_format="json_schema")
    assert Capabilities(json_schema=True, json_object=True).answer_format(no_schema) == "json_object"


@given(
    st.builds(
        Capabilities,
        json_schema=st.booleans(),
        json_object=st.booleans(),
        logprobs=st.booleans(),
        seed=st.booleans(),
        thinking_off=st.sampled_from([{}, {"enable_thinking": False}]),
    )
)
def test_giving_up_feature_by_feature_ends_with_a_bare_body(able):
    for _ in range(10):
        features = able.features(RICH)
        if not features:
            break
        before, able = able.body(RICH), able.without(features[0])
        assert able.body(RICH) != before and json.dumps(able.body(RICH))
    assert able.body(RICH).keys() == {"model", "messages", "max_completion_tokens"}
    assert BARE.body(RICH).keys() == {"model", "messages", "max_tokens"}
