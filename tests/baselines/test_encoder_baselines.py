"""Cross-encoder, bi-encoder and NLI on tiny random encoders, built here."""

import json

import pytest
from baseline_rows import flat, labelled_rows, pairs_of
from hypothesis import given
from hypothesis import strategies as st

from cacre.baselines.bi_encoder import BiEncoderBaseline
from cacre.baselines.cross_encoder import CrossEncoderBaseline
from cacre.baselines.finetuning import FinetuningSettings, shuffled_batches
from cacre.baselines.nli import NLIBaseline, entailment_label
from cacre.errors import ConfigError, DataError, ModelError
from cacre.evaluation import roc_auc
from cacre.evaluation.labelled_scores import LabelledText
from cacre.preprocessing.tokenizer import build_character_tokenizer
from cacre.types import Candidate, Triple

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("sentence_transformers")

ROWS = labelled_rows(12)
FEW = FinetuningSettings(epochs=2, batch_size=8, learning_rate=1e-3, max_length=64)


def write(folder, architecture, **options):
    texts = [row.text + "的导演是" for row in ROWS]
    tokenizer = build_character_tokenizer(texts, min_count=1)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, **options,
    )  # fmt: skip
    getattr(transformers, architecture)(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("encoder"), "BertModel")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    labels = {0: "contradiction", 1: "Entailment", 2: "neutral"}
    return write(tmp_path_factory.mktemp("nli"), "BertForSequenceClassification", id2label=labels, num_labels=3)


def alone(baseline, rows):
    return [flat(baseline.scores([(row.text, (candidate,))]))[0] for row in rows for candidate in row.candidates]


def by_predicate(row):
    """A row whose labels follow from the predicate: so little can be learned by random weights."""
    right = row.candidates[0].triple
    wrong = Candidate(right._replace(predicate="编剧"))
    return LabelledText(row.text, (Candidate(right), wrong), (True, False))


def test_the_cross_encoder_learns_and_is_saved(encoder, tmp_path):
    baseline = CrossEncoderBaseline(encoder, FinetuningSettings(10, 6, 3e-3, max_length=64))
    rows = [by_predicate(row) for row in ROWS]
    state = torch.random.get_rng_state()
    baseline.fit(rows)
    assert torch.equal(torch.random.get_rng_state(), state)
    scores = flat(baseline.scores(pairs_of(rows)))
    assert roc_auc(flat(row.labels for row in rows), scores) > 0.9
    assert alone(baseline, rows[:2]) == pytest.approx(scores[:4], abs=1e-5)
    baseline.save(tmp_path / "saved")
    again = CrossEncoderBaseline.load(tmp_path / "saved")
    assert flat(again.scores(pairs_of(rows))) == pytest.approx(scores, abs=1e-5)


def test_the_cross_encoder_repeats_itself(encoder):
    found = []
    for seed in (0, 0, 1):
        baseline = CrossEncoderBaseline(encoder, FinetuningSettings(1, 8, 1e-3, max_length=64, seed=seed))
        baseline.fit(ROWS)
        found.append(baseline.scores(pairs_of(ROWS[:2])))
    assert found[0] == found[1] != found[2]


def test_a_cross_encoder_with_markers_learns_and_is_saved_with_them(encoder, tmp_path):
    settings = FinetuningSettings(30, 8, 3e-3, max_length=64)
    names = [("甲乙", "丙丁"), ("丁甲", "乙丙"), ("丙甲", "丁乙"), ("乙丁", "甲丙")]
    rows = [
        LabelledText(f"{a}、{b}", (Candidate(Triple(a, "导演", b)), Candidate(Triple(b, "导演", a))), (False, True))
        for a, b in names
    ]
    baseline = CrossEncoderBaseline(encoder, settings, markers=True)
    baseline.fit(rows)
    scores = flat(baseline.scores(pairs_of(rows)))
    assert roc_auc(flat(row.labels for row in rows), scores) > 0.9
    baseline.save(tmp_path / "marked")
    again = CrossEncoderBaseline.load(tmp_path / "marked")
    assert again.markers
    assert flat(again.scores(pairs_of(rows))) == pytest.approx(scores, abs=1e-5)


@pytest.mark.parametrize("kind", [CrossEncoderBaseline, BiEncoderBaseline])
def test_an_encoder_stored_in_half_precision_learns_in_single(kind, encoder, tmp_path):
    half = transformers.BertModel.from_pretrained(encoder).half()
    found = []
    for name, kept in (("half", half), ("single", None)):
        (kept or half.float()).save_pretrained(tmp_path / name)
        (tmp_path / name / "tokenizer.json").write_bytes((encoder / "tokenizer.json").read_bytes())
        config = json.loads((tmp_path / name / "config.json").read_text(encoding="utf-8"))
        assert config["dtype"] == {"half": "float16", "single": "float32"}[name]
        baseline = kind(tmp_path / name, FEW)
        baseline.fit([by_predicate(row) for row in ROWS])
        found.append(flat(baseline.scores(pairs_of(ROWS))))
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_the_bi_encoder_gives_cosines(encoder):
    baseline = BiEncoderBaseline(encoder, settings=FEW)
    baseline.fit(ROWS)
    scores = flat(baseline.scores(pairs_of(ROWS)))
    assert baseline.needs == "nothing"
    assert all(-1.0001 <= score <= 1.0001 for score in scores)
    assert alone(baseline, ROWS[:2]) == pytest.approx(scores[:6], abs=1e-5)
    assert baseline.scores([("空", ())]) == [[]]


def test_the_bi_encoder_learns_to_tell_right_from_wrong(encoder):
    settings = FinetuningSettings(epochs=15, batch_size=6, learning_rate=5e-3, max_length=64)
    plain, trained = BiEncoderBaseline(encoder), BiEncoderBaseline(encoder, "lists", settings)
    trained.fit(ROWS)
    labels = flat(row.labels for row in ROWS)
    before, after = (roc_auc(labels, flat(each.scores(pairs_of(ROWS)))) for each in (plain, trained))
    assert trained.needs == "lists"
    assert after > before


def test_nli_gives_the_probability_of_entailment(classifier):
    baseline = NLIBaseline(classifier, batch_size=5)
    scores = flat(baseline.scores(pairs_of(ROWS)))
    assert all(0 <= score <= 1 for score in scores)
    assert alone(baseline, ROWS[:2]) == pytest.approx(scores[:6], abs=1e-5)
    others = [flat(NLIBaseline(classifier, name).scores(pairs_of(ROWS))) for name in ("contradiction", "neutral")]
    assert [sum(each) for each in zip(scores, *others, strict=True)] == pytest.approx([1.0] * len(scores), abs=1e-5)


def test_nli_cuts_a_long_text_and_never_the_triple(classifier):
    text = ROWS[0].text * 20
    first, second = NLIBaseline(classifier).scores([(text, ROWS[0].candidates[:2])])[0]
    assert first != second


@pytest.mark.parametrize(
    ("labels", "wanted", "number"),
    [
        ({0: "LABEL_0", 1: "LABEL_1"}, None, 1),
        ({0: "entailment", 1: "not_entailment"}, None, 0),
        ({0: "No", 1: "Yes"}, "yes", 1),
    ],
)
def test_the_label_of_entailment_is_found(labels, wanted, number, tmp_path):
    assert entailment_label(labels, wanted, tmp_path) == number


def test_a_label_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="good, bad is one that means entailment"):
        entailment_label({0: "good", 1: "bad"}, None, tmp_path)
    with pytest.raises(ModelError, match="'yes'"):
        entailment_label({0: "good", 1: "bad"}, "yes", tmp_path)


def test_folders_are_checked(encoder, tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        CrossEncoderBaseline(tmp_path / "absent")
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "config.json").write_text("{}")
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"")
    for make in (CrossEncoderBaseline, BiEncoderBaseline, NLIBaseline):
        with pytest.raises(ModelError, match="safetensors"):
            make(tmp_path / "pickled")
    with pytest.raises(ModelError, match="ForSequenceClassification"):
        NLIBaseline(encoder)
    with pytest.raises(ModelError, match="no trained classification head"):
        CrossEncoderBaseline.load(encoder)
    (tmp_path / "pickled" / "model.safetensors").write_bytes(b"x")
    (tmp_path / "pickled" / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        CrossEncoderBaseline(tmp_path / "pickled").fit(ROWS)


def test_encoders_say_what_is_amiss(encoder):
    for baseline in (CrossEncoderBaseline(encoder), BiEncoderBaseline(encoder, "gold")):
        with pytest.raises(ConfigError, match="fit"):
            baseline.scores(pairs_of(ROWS))
    right = [LabelledText(row.text, row.candidates[:1], (True,)) for row in ROWS]
    with pytest.raises(DataError, match="right and a wrong"):
        BiEncoderBaseline(encoder, "gold", FEW).fit(right)
    with pytest.raises(DataError, match="labelled"):
        CrossEncoderBaseline(encoder, FEW).fit([])
    with pytest.raises(ConfigError, match="epochs"):
        FinetuningSettings(epochs=0)
    with pytest.raises(ConfigError, match="batch_size"):
        NLIBaseline(encoder, batch_size=0)


@given(st.lists(st.text("甲乙", max_size=9), max_size=40), st.integers(1, 5), st.integers(0, 3))
def test_grouped_batches_are_the_same_items(items, size, seed):
    batches = shuffled_batches(items, size, seed, len)
    assert sorted(flat(batches)) == sorted(items)
    assert all(0 < len(batch) <= size for batch in batches)
    assert batches == shuffled_batches(items, size, seed, len)


def test_grouped_batches_hold_items_of_about_one_length():
    items = ["x" * (number % 40) for number in range(400)]
    apart = [max(map(len, batch)) - min(map(len, batch)) for batch in shuffled_batches(items, 8, 0, len)]
    assert max(apart) <= 1
    assert max(max(map(len, b)) - min(map(len, b)) for b in shuffled_batches(items, 8, 0)) > 10
