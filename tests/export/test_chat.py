import json
from pathlib import Path
from random import Random

import pytest
from export_setting import DIALOGUES, make_sentencepiece, trained_stage

from align.artifact import Artifact
from align.errors import InputError
from align.evaluation.decoding import Sampling
from align.export.chat import Chat, sampling_of
from align.export.speaker import Speaker, speaker_at, stage_speaker
from align.records import Example, Turn
from align.sources.json_lines import JsonLines

GREEDY = Sampling(1.0, 0.0, 1.0, "generated")


@pytest.fixture(scope="module")
def speaker(sft: Artifact) -> Speaker:
    return stage_speaker(sft)


def chat(speaker: Speaker, limit: int = 64) -> Chat:
    return Chat(speaker, GREEDY, limit, Random(0))


def test_the_sampling_is_limas_unless_said_otherwise() -> None:
    # LIMA §4: nucleus 0.9, temperature 0.7, repetition penalty 1.2, of what was said and not of the prompt
    assert sampling_of({}) == Sampling(0.9, 0.7, 1.2, "generated")
    assert sampling_of({"top_p": None, "temperature": 0.0}) == Sampling(0.9, 0.0, 1.2, "generated")


def test_the_answer_comes_in_pieces_that_are_whole_characters(speaker: Speaker) -> None:
    talk = chat(speaker)
    pieces = list(talk.answer("What does the otter eat?"))
    assert "".join(pieces) == DIALOGUES[1][1]
    assert len(pieces) > 5
    assert "\ufffd" not in "".join(pieces), "the dash is three bytes and so may be three tokens"
    assert talk.turns == (Turn("user", "What does the otter eat?"), Turn("assistant", DIALOGUES[1][1]))
    assert talk.ended


def test_the_next_question_is_asked_with_all_that_was_said(speaker: Speaker) -> None:
    talk = chat(speaker)
    list(talk.answer("Name a tree."))
    list(talk.answer("Is the brook deep?"))
    assert [turn.role for turn in talk.turns] == ["user", "assistant", "user", "assistant"]
    alone = chat(speaker)
    alone.turns = talk.turns[:2]
    assert "".join(alone.answer("Is the brook deep?")) == talk.turns[3].text
    assert talk.undo()
    assert [turn.text for turn in talk.turns] == ["Name a tree.", "Alder."]
    talk.reset()
    assert (talk.turns, talk.undo()) == ((), False)


def test_an_answer_that_is_broken_off_stays_as_far_as_it_came(speaker: Speaker) -> None:
    talk = chat(speaker)
    pieces = talk.answer("Where does the heron nest?")
    said = next(pieces) + next(pieces)
    pieces.close()
    assert talk.turns[1] == Turn("assistant", said)
    assert not talk.ended
    assert DIALOGUES[0][1].startswith(said)


def test_a_dialogue_longer_than_the_model_reads_is_refused_and_leaves_what_was_said(speaker: Speaker) -> None:
    talk = chat(speaker)
    list(talk.answer("Name a tree."))
    with pytest.raises(InputError, match=r"the dialogue has \d+ tokens and the model reads 256: shorten it with /undo or /reset"):
        list(talk.answer("and another " * 100))
    assert [turn.text for turn in talk.turns] == ["Name a tree.", "Alder."]


def test_what_was_saved_is_an_example_that_json_lines_reads(speaker: Speaker, tmp_path: Path) -> None:
    path = tmp_path / "said" / "pond.jsonl"
    talk = chat(speaker)
    with pytest.raises(InputError, match="nothing was said yet"):
        talk.save(path)
    list(talk.answer("Name a tree."))
    talk.save(path)
    list(talk.answer("What does the otter eat?"))
    talk.save(path)
    source = JsonLines(paths=(path,))
    one, two = source.read(source.shards()[0], {})  # type: ignore[arg-type]
    assert isinstance(one, Example)
    assert one.turns == (Turn("user", "Name a tree."), Turn("assistant", "Alder."))
    assert len(two.turns) == 4
    assert one.id != two.id
    assert json.loads(path.read_text().splitlines()[0])["origin"]["authors"][0]["name"] == "sft"


@pytest.mark.parametrize("prefix", ["prepend", "first", "never"])
def test_words_keep_their_spaces_piece_by_piece(tmp_path: Path, prefix: str) -> None:
    """SentencePiece's tokens carry their space in front; decoded alone each would lose it."""
    stage = trained_stage(tmp_path, tokenizer=make_sentencepiece(prefix))
    talk = chat(stage_speaker(stage))
    pieces = list(talk.answer("What does the otter eat?"))
    assert "".join(pieces) == DIALOGUES[1][1]
    assert len(pieces) > 5
    assert talk.turns[1].text == DIALOGUES[1][1]


def test_an_exported_folder_speaks_as_the_stage_does(hf_folder: Path, speaker: Speaker) -> None:
    written = speaker_at(hf_folder)
    assert written.stop_ids == speaker.stop_ids
    for asked, answered in DIALOGUES:
        assert "".join(chat(written).answer(asked)) == answered


def test_sampled_answers_go_on_from_one_seed(speaker: Speaker) -> None:
    hot = sampling_of({"temperature": 5.0, "top_p": 1.0})
    first, again, other = (Chat(speaker, hot, 12, Random(seed)) for seed in (1, 1, 2))
    said = "".join(first.answer("Name a tree."))
    assert "".join(again.answer("Name a tree.")) == said
    assert "".join(other.answer("Name a tree.")) != said
    first.undo()
    assert "".join(first.answer("Name a tree.")) != said, "asked again, it answers anew"


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no exported model: wanted a folder with config.json"):
        speaker_at(tmp_path)
