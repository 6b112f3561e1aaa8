"""From a text to supported triples, with a scripted LLM: no network, no key.

    python examples/extract_and_verify.py

With a real LLM, an `OpenAIClient` stands where the `ScriptedLLM` is; see docs/llm.md.
"""

import json

import cacre
from cacre.extraction import ExtractionSettings, Extractor
from cacre.llm import ScriptedLLM

TEXT = "《雾中渡》由林知远执导，顾青禾担任编剧。"
ANSWER = {
    "triples": [
        {"subject": "《雾中渡》", "predicate": "导演", "object": "林知远"},
        {"subject": "雾中渡", "predicate": "编剧", "object": "顾青禾"},
        {"subject": "雾中渡", "predicate": "主演", "object": "顾青禾"},
        {"subject": "雾中渡", "predicate": "主演", "object": "沈若汐"},
    ]
}


def main() -> None:
    """Extract, verify, and print each triple with its verdict."""
    llm = ScriptedLLM(json.dumps(ANSWER, ensure_ascii=False))
    verifier = cacre.load_verifier("mini-zh")
    with Extractor(llm, cacre.load_schema("duie"), ExtractionSettings(llm="scripted")) as extractor:
        candidates = extractor.extract(TEXT)
    for verdict in verifier.verify(TEXT, candidates):
        print(*verdict.candidate.triple, verdict.outcome, verdict.reason or "")


if __name__ == "__main__":
    main()
