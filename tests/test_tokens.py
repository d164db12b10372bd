import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.errors import InputError
from align.records import Turn
from align.tokens import EOT, NO_LOSS, encode_document, encode_documents, encode_text, eot_id, render, render_prompt, token_count

ROLES = st.sampled_from(["system", "user", "assistant"])
TURNS = st.lists(st.builds(Turn, role=ROLES, text=st.text(max_size=20)), max_size=5)


def letters(special_tokens: dict[str, str], **more):
    """A tokenizer with one token a byte: the ids of a text can be read off."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, **more)
    tokenizer.add_special_tokens(special_tokens)
    return tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    found = letters({"bos_token": "<s>", "eos_token": "</s>"})
    found.add_special_tokens({"extra_special_tokens": [EOT]})
    return found


@pytest.fixture(scope="module")
def names(tokenizer):
    return lambda ids: tokenizer.convert_ids_to_tokens(ids)


def test_every_utterance_of_either_speaker_ends_with_eot_and_loss_is_on_the_response(tokenizer, names):
    rendered = render([Turn("user", "Hi"), Turn("assistant", "Yo")], tokenizer, "response")
    assert names(rendered.input_ids) == ["<s>", "H", "i", EOT, "Y", "o", EOT]
    # bos, the prompt and its EOT give no loss; the response and its EOT do
    assert rendered.labels == [NO_LOSS] * 4 + rendered.input_ids[4:]


def test_both_responses_of_two_turns_and_their_ends_give_loss(tokenizer, names):
    turns = [Turn("system", "s"), Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"), Turn("assistant", "d")]
    rendered = render(turns, tokenizer, "response")
    assert names(rendered.input_ids) == ["<s>", "s", EOT, "a", EOT, "b", EOT, "c", EOT, "d", EOT]
    assert [label != NO_LOSS for label in rendered.labels] == [False] * 5 + [True] * 2 + [False] * 2 + [True] * 2


def test_loss_on_all_leaves_out_only_bos_which_nothing_predicts(tokenizer):
    rendered = render([Turn("user", "Hi"), Turn("assistant", "Yo")], tokenizer, "all")
    assert rendered.labels == [NO_LOSS, *rendered.input_ids[1:]]


def test_a_tokenizer_without_bos_starts_with_the_first_utterance():
    bare = letters({"eos_token": "</s>"})
    bare.add_special_tokens({"extra_special_tokens": [EOT]})
    assert bare.convert_ids_to_tokens(render_prompt([Turn("user", "a")], bare)) == ["a", EOT]


def test_a_document_ends_with_eos_and_not_with_eot(tokenizer, names):
    assert names(encode_document("ab", tokenizer)) == ["<s>", "a", "b", "</s>"]


def test_a_text_that_quotes_a_special_token_does_not_end_a_turn(tokenizer):
    # one token a letter of "<|eot|>", as if it were any other word
    assert len(encode_text(EOT, tokenizer)) == len(EOT)
    assert tokenizer.eos_token_id not in encode_text("a</s>b", tokenizer)
    assert eot_id(tokenizer) not in encode_text(f"a{EOT}b", tokenizer)


@given(turns=TURNS, loss_on=st.sampled_from(["response", "all"]))
def test_the_prompt_is_a_prefix_of_the_training_text_after_any_number_of_turns(tokenizer, turns, loss_on):
    whole = render(turns, tokenizer, loss_on)
    assert len(whole.input_ids) == len(whole.labels)
    for count in range(len(turns) + 1):
        prompt = render_prompt(turns[:count], tokenizer)
        assert whole.input_ids[: len(prompt)] == prompt


@given(turns=TURNS)
def test_there_are_as_many_eots_as_utterances_whatever_they_say(tokenizer, turns):
    assert render(turns, tokenizer, "all").input_ids.count(eot_id(tokenizer)) == len(turns)


def test_the_prompt_leaves_out_an_answer_at_the_end(tokenizer):
    asked = [Turn("user", "a")]
    assert render_prompt([*asked, Turn("assistant", "b")], tokenizer) == render_prompt(asked, tokenizer)


def test_a_base_model_knows_no_eot_and_reads_blank_lines_between_turns():
    base = letters({"bos_token": "<s>", "eos_token": "</s>"})
    assert eot_id(base) is None
    assert base.decode(render_prompt([Turn("user", "a")], base)) == "<s>a\n\n"


def test_an_unknown_token_is_not_taken_for_eot():
    # convert_tokens_to_ids answers with the unknown token's id for a token that is not there
    assert eot_id(letters({"unk_token": "<unk>"})) is None


def test_a_document_among_the_turns_is_refused(tokenizer):
    with pytest.raises(InputError, match="documents are for `pretrain`"):
        render([Turn("document", "Once upon a time")], tokenizer, "all")


def test_token_count_leaves_special_tokens_out(tokenizer):
    assert token_count("abc", tokenizer) == 3


@given(st.lists(st.text(max_size=30), max_size=5))
def test_many_documents_at_once_are_encoded_as_one_by_one(texts):
    tokenizer = letters({"bos_token": "<s>", "eos_token": "</s>"})
    assert encode_documents(texts, tokenizer) == [encode_document(text, tokenizer) for text in texts]


def test_a_tokenizer_file_that_asks_for_truncation_does_not_get_it():
    tokenizer = letters({"bos_token": "<s>", "eos_token": "</s>"})
    tokenizer.backend_tokenizer.enable_truncation(3)
    tokenizer.backend_tokenizer.enable_padding(length=10)
    (ids,) = encode_documents(["newts </s>"], tokenizer)
    assert len(ids) == 1 + 10 + 1  # BOS, a token a byte, EOS: neither cut nor filled, and the quoted </s> ends nothing
    assert ids.count(tokenizer.eos_token_id) == 1
    assert tokenizer("x </s>", add_special_tokens=False)["input_ids"][-1] == tokenizer.eos_token_id  # as before
