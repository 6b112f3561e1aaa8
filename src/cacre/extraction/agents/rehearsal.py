"""The agents' questions without an LLM: answers of the cache, and typical ones where it has none."""

from __future__ import annotations

import json

from cacre.extraction.agents.role_asker import RoleAsker, RoleQuestion
from cacre.extraction.pricing import JobEstimate, assume_answers
from cacre.llm import CachedLLM
from cacre.llm.chat import ChatAnswer, Usage
from cacre.llm.usage import estimate_tokens

_ASSUMED_RELATIONS = 3


class RehearsedAsker(RoleAsker):
    """Counts questions instead of asking them.

    Args:
        asker: What would ask them.
        cache: Answers that are paid for already.

    Attributes:
        estimate: What was counted so far.
    """

    def __init__(self, asker: RoleAsker, cache: CachedLLM | None) -> None:
        super().__init__(asker.llm, asker.schema, asker.settings)
        self._cache, self._known = cache, 0
        self.estimate = JobEstimate()

    async def ask(self, question: RoleQuestion, sample: int) -> ChatAnswer:
        """Count a question, and answer it from the cache or as is typical."""
        request = self.request(question, sample)
        self.estimate.requests += 1
        answer = self._cache.lookup(request) if self._cache is not None else None
        if answer is not None:
            self.estimate.cached += 1
            self._known += answer.usage.completion_tokens
            return answer
        self.estimate.prompt_tokens += sum(estimate_tokens(message.content) for message in request.messages)
        return ChatAnswer(_typical(question), request.model, "stop", Usage(0, 0))

    def finished(self, note: str) -> JobEstimate:
        """The estimate, once all texts were gone through.

        Args:
            note: What is not in its numbers.
        """
        assume_answers(self.estimate, self._known, "triples", self.settings.max_tokens)
        self.estimate.note = note
        return self.estimate


def _typical(question: RoleQuestion) -> str:
    """An answer with which the conversation goes on to its next role."""
    names = [relation.name for relation in question.relations[:_ASSUMED_RELATIONS]]
    text = question.blocks["TEXT"].strip()
    subject, object_ = text[:2], text[-3:-1]
    said = {
        "selector": {"relations": names},
        "extractor": {"facts": [{"relation": names[0], "entities": [subject, object_]}]},
        "builder": {"triples": [{"subject": subject, "predicate": names[0], "object": object_}]},
        "reviewer": {"reviews": [{"number": 1, "decision": "accept"}], "again": False},
    }
    return json.dumps(said[question.role], ensure_ascii=False)
