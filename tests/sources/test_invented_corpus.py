import re
from collections import Counter

import pytest
from pydantic import ValidationError

from align.files import read_records, write_records
from align.records import Example
from align.sources.invented.facts import read_subject, subjects
from align.sources.invented.phrase import Draw, inflect, listed, polish
from align.sources.invented_corpus import InventedCorpus, invent_document


def corpus(megabytes: float, seed: int = 1) -> list[Example]:
    source = InventedCorpus(megabytes=megabytes, seed=seed)
    return [item for shard in source.shards() for item in source.read(shard, Counter()) if isinstance(item, Example)]


def test_it_makes_as_many_megabytes_as_asked_in_documents_of_readable_length():
    examples = corpus(0.6)
    sizes = [len(example.turns[0].text.encode()) for example in examples]
    # Three shards of at most 250,000 bytes; each may run over by less than one document.
    assert 600_000 <= sum(sizes) < 600_000 + 3 * 2000
    assert all(300 <= len(example.turns[0].text) <= 1500 for example in examples)
    assert {turn.role for example in examples for turn in example.turns} == {"document"}
    assert {author.license for example in examples for author in example.origin.authors} == {"CC0-1.0"}


def test_the_same_seed_gives_the_same_text_and_another_seed_another():
    assert corpus(0.02) == corpus(0.02)
    assert corpus(0.02)[0].turns != corpus(0.02, seed=2)[0].turns


def test_the_draw_rests_on_the_one_sequence_that_python_promises():
    # random.Random("1/0").random() three times, times 1000, as CPython gives it since 3.2.
    draw = Draw("1/0")
    assert [draw.number(0, 999) for _ in range(3)] == [906, 381, 439]


def test_more_megabytes_begin_with_the_same_documents_whose_ids_are_unique():
    small, large = corpus(0.3), corpus(0.55)
    assert [example.id for example in small] == [example.id for example in large][: len(small)]
    assert len({example.id for example in large}) == len(large)
    assert small[0].id == "invented_corpus/1/00000"


def test_the_text_is_varied_enough_to_learn_from():
    texts = [re.findall(r"\w+", example.turns[0].text.lower()) for example in corpus(1.2)]
    words = [word for text in texts for word in text]
    fours = [tuple(text[start : start + 4]) for text in texts for start in range(len(text) - 3)]
    assert len(set(words)) > 1500
    assert len(set(fours)) / len(fours) > 0.2


def test_no_document_keeps_markup_of_the_grammar():
    for number in range(300):
        _, text = invent_document(3, number)
        assert not re.search(r"[{}<>\[\]|/]|  |\n\n\n| [.,?!]|\b[Aa] [aeio]", text), text


def test_a_document_stays_with_its_subject():
    nouns = {subject.name: {polish(thing.one) for thing in subject.things} for subject in subjects()}
    for number in range(200):
        subject, text = invent_document(5, number)
        strangers = [name for other, names in nouns.items() if other != subject for name in names if f" {name} is " in text]
        assert strangers == [], text


def test_every_subject_has_all_that_the_shapes_need():
    for subject in subjects():
        assert subject.who, subject.name
        assert subject.where, subject.name
        assert subject.when, subject.name
        assert all(len(thing.does) >= 2 for thing in subject.things), subject.name
        assert all(cause.because and cause.notes and cause.so for cause in subject.causes), subject.name
        assert all(task.tools and len(task.steps) >= 4 and task.warnings and task.sign for task in subject.tasks), subject.name
        assert len(subject.pairs) >= 2, subject.name
        assert len(subject.terms) >= 3, subject.name
        assert any(thing.parts and thing.many for thing in subject.things), subject.name


def test_an_unknown_word_in_a_file_of_facts_is_an_error():
    with pytest.raises(ValueError, match="unknown fact 'colour': red"):
        read_subject("subject paint\ncolour red\n")


def test_small_grammar():
    assert inflect("[clings/cling] to [its/their] rock", plural=True) == "cling to their rock"
    assert inflect("[clings/cling] to [its/their] rock", plural=False) == "clings to its rock"
    assert listed(["a pen", "a cup", "a hat"]) == "a pen, a cup and a hat"
    assert (
        polish('why? because.\n- a egg, a unit\n"so," she said. "go," then. x')
        == 'Why? Because.\n- An egg, a unit\n"So," she said. "Go," then. X'
    )


def test_no_megabytes_is_refused():
    with pytest.raises(ValidationError, match="greater than 0"):
        InventedCorpus(megabytes=0, seed=1)


def test_it_writes_and_reads_back_as_records(tmp_path):
    examples = corpus(0.02)
    write_records(tmp_path, Example, examples)
    assert list(read_records(tmp_path, Example)) == examples
