"""Near duplicates."""

from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from align.dedup.bands import MOST_BANDS, band_shape
from align.dedup.minhash import MinHash, jaccard, shingles
from toy_records import example, inputs, run

WORDS = [
    f"{first}{second}"
    for first in ("ka", "lo", "mi", "nu", "pe", "ro", "su", "ta")
    for second in ("ben", "dor", "fil", "gan", "hut")
]


def test_one_changed_word_in_a_short_prompt_is_found_where_runs_of_five_see_nothing(tmp_path: Path) -> None:
    # 12 words, one changed. Words alone: 11 of 13. Pairs of words: 9 of 13. Together 20 of 26 = 0.77, above 0.7.
    one = "how long should the dough of a sourdough loaf rest before baking"
    other = "how long should the dough of a sourdough loaf stand before baking"
    made = run(MinHash(), inputs(tmp_path, [example("a/1", one), example("a/2", other)]), tmp_path / "out")
    assert made.rejections == {"a/2": ("minhash", "duplicate", "a/1 (similarity 0.77)")}
    assert jaccard(_runs_of_five(one), _runs_of_five(other)) == pytest.approx(5 / 11)  # 8 runs each, 3 with that word


def _runs_of_five(text: str) -> frozenset[str]:
    words = text.split()
    return frozenset(" ".join(words[start : start + 5]) for start in range(len(words) - 4))


def test_a_question_about_another_thing_stays(tmp_path: Path) -> None:
    # 4 of 6 words and 3 of 5 pairs are shared: 7 of 11
    made = run(
        MinHash(),
        inputs(tmp_path, [example("a/1", "how do I cook rice"), example("a/2", "how do I cook beans")]),
        tmp_path / "out",
    )
    assert made.ids == ["a/1", "a/2"]


def test_every_pair_that_all_against_all_finds_is_found(tmp_path: Path) -> None:
    random = Random(3)
    texts = [random.choices(WORDS, k=40) for _ in range(60)]
    for text in texts[:20]:  # and a copy of each with two words changed
        copy = list(text)
        for place in random.sample(range(40), 2):
            copy[place] = "changed"
        texts.append(copy)
    runs = [shingles(text, 2) for text in texts]
    dropped = set()
    for first, second in combinations(range(len(texts)), 2):  # the naive rule: a later one goes if a kept earlier one is similar
        if first not in dropped and jaccard(runs[first], runs[second]) >= 0.6:
            dropped.add(second)
    items = [example(f"a/{number:03d}", " ".join(text)) for number, text in enumerate(texts)]
    made = run(MinHash(threshold=0.6), inputs(tmp_path, items), tmp_path / "out")
    assert dropped
    assert set(made.rejections) == {f"a/{number:03d}" for number in dropped}


def test_the_preferred_one_stays_though_it_comes_last(tmp_path: Path) -> None:
    text = "the tide comes in twice a day because the earth turns below two bulges of water"
    items = [example("a/1", text, answer_score=1), example("a/2", text + " indeed", answer_score=5)]
    made = run(MinHash(keep="answer_score"), inputs(tmp_path, items), tmp_path / "out")
    assert made.ids == ["a/2"]


def test_texts_without_words_are_never_duplicates_of_each_other(tmp_path: Path) -> None:
    made = run(MinHash(), inputs(tmp_path, [example("a/1", "?!"), example("a/2", "...")]), tmp_path / "out")
    assert made.ids == ["a/1", "a/2"]
    assert made.counts.noted == {"nothing to compare": 2}


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.9, 1.0])
def test_the_bands_find_a_pair_at_the_threshold_with_99_percent(threshold: float) -> None:
    bands, rows = band_shape(threshold)
    assert bands <= -(-3 * MOST_BANDS // 2)
    assert 1 - (1 - threshold**rows) ** bands >= 0.99


def test_a_thousand_copies_cost_a_thousand_comparisons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import align.dedup.minhash as module

    compared = []
    monkeypatch.setattr(module, "jaccard", lambda first, second: compared.append(1) or jaccard(first, second))
    items = [
        example(f"a/{number:04d}", "the same long winded template that every page of that site repeats") for number in range(1000)
    ]
    MinHash().run(inputs(tmp_path, items), tmp_path / "out")
    assert len(compared) == 999


def test_the_same_words_in_another_order_are_one_text_unless_characters_must_agree(tmp_path: Path) -> None:
    # sets of single words are equal, their order is not
    items = [example("a/1", "moss fern oak brook stone heron"), example("a/2", "stone heron moss fern oak brook")]
    read = inputs(tmp_path, items)
    plain = run(MinHash(shingle_words=1), read, tmp_path / "plain")
    assert plain.rejections == {"a/2": ("minhash", "duplicate", "a/1 (similarity 1.00)")}
    assert run(MinHash(shingle_words=1, character_similarity=0.9), read, tmp_path / "strict").ids == ["a/1", "a/2"]


def test_a_confirmed_duplicate_names_its_partner_and_both_similarities(tmp_path: Path) -> None:
    # 12 words, one changed: 20 of 26 shingles. "rest" and "stand" share "st": 60 + 61 characters, 2 * 58 of them unedited
    one = "how long should the dough of a sourdough loaf rest before baking"
    other = "how long should the dough of a sourdough loaf stand before baking"
    made = run(
        MinHash(character_similarity=0.8), inputs(tmp_path, [example("a/1", one), example("a/2", other)]), tmp_path / "out"
    )
    unedited = 2 * (len(one) - 2) / (len(one) + len(other))
    assert made.rejections == {"a/2": ("minhash", "duplicate", f"a/1 (similarity 0.77, {unedited:.2f} of the characters)")}


def test_a_less_similar_partner_counts_where_the_most_similar_one_is_not_confirmed(tmp_path: Path) -> None:
    words = "moss fern oak brook stone heron vole otter alder willow"
    turned = " ".join(reversed(words.split()))
    changed = words.replace("willow", "reed")
    made = run(
        MinHash(shingle_words=1, character_similarity=0.85),
        inputs(tmp_path, [example("a/1", turned), example("a/2", changed), example("a/3", words)]),
        tmp_path / "out",
    )
    # a/3 has all words of a/1 (in another order) and 9 of 11 with a/2 (in order)
    assert made.ids == ["a/1", "a/2"]
    assert made.rejections["a/3"][2].startswith("a/2 (similarity 0.82, ")
