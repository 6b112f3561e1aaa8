"""不, 无 and 不包括 directly before relation or name, a rumour word that leads a clause, and what looks like them."""

import pytest
from modal_sentences import CHAIR, FILM, FOUNDER, PAIR, TAKEOVER, found

DRUG = ("风寒症", "治疗药物", "青叶片")
SYMPTOM = ("风寒症", "症状", "咳嗽")
SONG = ("晚潮", "歌手", "许青禾")
PLACE = ("澄江药业", "总部地点", "临川市")


@pytest.mark.parametrize(
    ("text", "triple", "word"),
    [
        ("青叶片不用于治疗风寒症。", DRUG, "不"),
        ("青叶片不能治疗风寒症。", DRUG, "不能"),
        ("青叶片不可用于治疗风寒症。", DRUG, "不可"),
        ("青叶片并不治疗风寒症，只是保健品。", DRUG, "并不"),
        ("青叶片并非用于治疗风寒症的药物。", DRUG, "并非"),
        ("风寒症不能用青叶片治疗。", DRUG, "不能"),
        ("风寒症患者无咳嗽症状。", SYMPTOM, "无"),
        ("风寒症患者并无发热、咳嗽等症状。", SYMPTOM, "并无"),
        ("风寒症不会引起咳嗽。", SYMPTOM, "不会"),
        ("风寒症的症状不包括咳嗽。", SYMPTOM, "不包括"),
        ("风寒症的症状并不包含发热、咳嗽。", SYMPTOM, "不包含"),
        ("咳嗽不属于风寒症的症状。", SYMPTOM, "不属于"),
        ("澄江药业的总部不在临川市。", PLACE, "不在"),
        ("《雾中渡》不由林知远执导。", FILM, "不"),
        ("林知远不执导《雾中渡》。", FILM, "不"),
        ("林知远不担任澄江药业董事长。", CHAIR, "不"),
        ("顾晚舟不会与许青禾结婚。", PAIR, "不会"),
        ("林知远无缘执导《雾中渡》。", FILM, "无缘"),
    ],
)
def test_denied(text, triple, word):
    assert found(text, *triple) == ("denied", word)


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("青叶片不仅治疗风寒症，还能止咳。", DRUG),
        ("青叶片不但用于治疗风寒症，也作保健之用。", DRUG),
        ("青叶片不只用于治疗风寒症。", DRUG),
        ("青叶片不能不用于治疗风寒症。", DRUG),
        ("青叶片不能治愈风寒症。", DRUG),
        ("青叶片并非治疗风寒症的首选药。", DRUG),
        ("青叶片不能治疗风寒症吗？", DRUG),
        ("青叶片无疑能治疗风寒症。", DRUG),
        ("儿童风寒症不能服用青叶片。", DRUG),
        ("部分风寒症患者无咳嗽症状。", SYMPTOM),
        ("风寒症早期无咳嗽症状。", SYMPTOM),
        ("风寒症患者若无咳嗽症状，可不服药。", SYMPTOM),
        ("风寒症患者有无咳嗽症状，要问清楚。", SYMPTOM),
        ("风寒症患者无不出现咳嗽症状。", SYMPTOM),
        ("风寒症的症状不包括咳嗽以外的不适。", SYMPTOM),
        ("风寒症伴有或不伴有咳嗽。", SYMPTOM),
        ("风寒症的症状包括但不限于咳嗽。", SYMPTOM),
        ("风寒症的症状不外乎咳嗽。", SYMPTOM),
        ("林知远不久执导《雾中渡》。", FILM),
        ("林知远不断执导《雾中渡》那样的长片。", FILM),
        ("林知远不得不执导《雾中渡》。", FILM),
        ("林知远不同导演《雾中渡》的搭档来往。", FILM),
        ("林知远不过执导《雾中渡》一片。", FILM),
        ("林知远执不执导《雾中渡》，还没有定。", FILM),
        ("林知远不执导《雾中渡》的续集。", FILM),
        ("林知远不执导《雾中渡》就退出影坛。", FILM),
        ("《雾中渡》不由林知远一人执导。", FILM),
        ("无锡人林知远执导《雾中渡》。", FILM),
        ("林知远无论如何要执导《雾中渡》。", FILM),
        ("澄江药业不少股份归董事长林知远。", CHAIR),
        ("澄江药业不被董事长林知远看好。", CHAIR),
        ("澄江药业的总部不在临川市区，而在城郊。", PLACE),
    ],
)
def test_not_denied(text, triple):
    assert found(text, *triple) is None


@pytest.mark.parametrize(
    ("text", "triple", "word"),
    [
        ("网传林知远创办澄江药业。", FOUNDER, "网传"),
        ("网传林知远执导《雾中渡》。", FILM, "网传"),
        ("近日网传澄江药业收购白石化工，两家都没有回应。", TAKEOVER, "网传"),
        ("网传许青禾演唱《晚潮》。", SONG, "网传"),
        ("网传林知远将执导《雾中渡》。", FILM, "网传"),
        ("网传顾晚舟与许青禾结婚。", PAIR, "网传"),
        ("据传，林知远执导《雾中渡》。", FILM, "据传"),
        ("据传，澄江药业由林知远创办，总部设在临川市。", FOUNDER, "据传"),
        ("据说，《雾中渡》由林知远执导。", FILM, "据说"),
        ("片方没有回应。传林知远执导《雾中渡》。", FILM, "传"),
        ("传《雾中渡》由林知远执导，片方未回应。", FILM, "传"),
    ],
)
def test_rumoured(text, triple, word):
    assert found(text, *triple) == ("rumoured", word)


def test_a_rumour_that_leads_is_taken_back():
    assert found("据传，林知远执导《雾中渡》，片方否认。", *FILM) == ("denied", "否认")
    assert found("网传林知远创办澄江药业，公司辟谣。", *FOUNDER) == ("denied", "辟谣")


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("网传澄江药业董事长林知远已离境。", CHAIR),
        ("网传《雾中渡》导演林知远被换。", FILM),
        ("网传许青禾新歌《晚潮》抄袭。", SONG),
        ("网传顾晚舟与许青禾夫妻不和。", PAIR),
        ("疑似停产的澄江药业由林知远创办。", FOUNDER),
        ("观众听说许青禾演唱《晚潮》，买票入场。", SONG),
        ("网传林知远执导《雾中渡》票房造假。", FILM),
        ("网传林知远执导《雾中渡》的续集。", FILM),
        ("网传林知远创办澄江药业，本人证实。", FOUNDER),
        ("网传顾晚舟要退休。林知远执导《雾中渡》。", FILM),
        ("据传，林知远执导的《雾中渡》票房过亿。", FILM),
        ("据传，顾晚舟要退休，林知远执导《雾中渡》。", FILM),
        ("传奇导演林知远执导《雾中渡》。", FILM),
        ("传统题材《雾中渡》由林知远执导。", FILM),
        ("师徒相传林知远执导《雾中渡》。", FILM),
        ("网传林知远没有执导《雾中渡》，系谣言。", FILM),
    ],
)
def test_not_rumoured(text, triple):
    assert found(text, *triple) is None
