"""Invented labelled rows for the baselines: what the text says, and the same with the roles swapped or another name."""

from cacre.evaluation.labelled_scores import LabelledText
from cacre.types import Candidate, Triple

_FILMS = ("雾港", "雪线以北", "半糖海盐", "长街", "旧灯塔")
_PEOPLE = ("翟一舟", "贺景舟", "卢思远", "柏青", "宋砚")


def labelled_rows(count=20):
    """Texts with one right candidate and two wrong ones each."""
    rows = []
    for number in range(count):
        film = f"{_FILMS[number % 5]}{number}"
        director, writer = _PEOPLE[number % 5], _PEOPLE[(number + 1) % 5]
        text = f"《{film}》由{director}执导，{writer}编剧，观众反响不一。"
        triples = [Triple(film, "导演", director), Triple(director, "导演", film), Triple(film, "导演", writer)]
        rows.append(LabelledText(text, tuple(map(Candidate, triples)), (True, False, False)))
    return rows


def pairs_of(rows):
    return [(row.text, row.candidates) for row in rows]


def flat(lists):
    return [value for row in lists for value in row]
