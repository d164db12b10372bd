import shutil
import subprocess
import sys

import pytest
from pydantic import ValidationError
from small_models import document, records, run

from align.errors import EmptyResult, InputError
from align.models import load_tokenizer
from align.records import Example
from align.tokens import EOT, encode_document, encode_text
from align.training.tokenizer import TokenizerStage, learn_tokenizer


def test_any_text_can_be_written_and_read_back(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    for text in ("Moss and fern.", "  two  blanks\n\ttab", "Häuser, 森, 🦦", EOT, "<|bos|>"):
        assert tokenizer.decode(encode_text(text, tokenizer)) == text


def test_eot_is_not_among_its_tokens_and_bos_eos_and_pad_are(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == ("<|bos|>", "<|eos|>", "<|pad|>")
    assert EOT not in tokenizer.get_vocab()
    assert len({tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}) == 3


def test_words_that_come_often_become_tokens(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    assert tokenizer.convert_ids_to_tokens(encode_text(" heron", tokenizer)) == ["Ġheron"]


def test_bos_and_eos_are_put_once(tokenizer_artifact):
    tokenizer = load_tokenizer(tokenizer_artifact)
    ids = encode_document("moss", tokenizer)
    assert (ids.count(tokenizer.bos_token_id), ids.count(tokenizer.eos_token_id)) == (1, 1)


def test_the_order_of_documents_and_the_process_do_not_matter():
    texts = [document(number).turns[0].text for number in range(20)]
    learned = learn_tokenizer(iter(texts), 320).to_str()
    assert learn_tokenizer(iter(reversed(texts)), 320).to_str() == learned
    code = (
        "import sys; from align.training.tokenizer import learn_tokenizer; "
        "sys.stdout.write(learn_tokenizer(iter(sys.stdin.read().split('|')), 320).to_str())"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], input="|".join(texts), capture_output=True, text=True, check=True)
    assert elsewhere.stdout == learned


def test_the_vocabulary_holds_the_bytes_at_least():
    with pytest.raises(ValidationError, match="greater than or equal to 259"):
        TokenizerStage(vocabulary=258)


def test_a_tokenizer_that_is_there_is_taken_whole_and_its_place_does_not_matter(tmp_path, tokenizer_artifact):
    taken = []
    for name in ("here", "there"):
        shutil.copytree(tokenizer_artifact.path / "model", tmp_path / name)
        stage = TokenizerStage(path=tmp_path / name)
        assert stage.inputs == ()  # it reads no documents, so it may stand first
        assert stage.forecast([], {}).model == {"vocab_size": 320}
        taken.append(run(stage, tmp_path / f"taken from {name}", "tokenizer"))
    assert taken[0].content == taken[1].content
    assert taken[0].counts.noted == {"tokens": 320}
    assert encode_document("moss heron", load_tokenizer(taken[0])) == encode_document(
        "moss heron", load_tokenizer(tokenizer_artifact)
    )


def test_a_tokenizer_is_learned_or_taken_and_not_both(tmp_path):
    with pytest.raises(ValidationError, match="either `vocabulary` .* or `path`"):
        TokenizerStage()
    with pytest.raises(ValidationError, match="either `vocabulary` .* or `path`"):
        TokenizerStage(vocabulary=300, path=tmp_path)
    with pytest.raises(ValidationError, match="reads no documents"):
        TokenizerStage(path=tmp_path, inputs=["corpus"])
    with pytest.raises(InputError, match=r"lacks tokenizer\.json"):
        run(TokenizerStage(path=tmp_path), tmp_path / "work", "tokenizer")
    assert TokenizerStage(path=tmp_path).forecast([], {}).model == {}


def test_no_documents_are_an_error(tmp_path):
    empty = records(tmp_path / "data", "data", [document(1)])
    for part in (empty.path / "examples").iterdir():
        part.unlink()
    assert empty.count(Example) == 0
    with pytest.raises(EmptyResult, match="no documents came in"):
        run(TokenizerStage(vocabulary=300), tmp_path / "tokenizer", "tokenizer", (empty,))
