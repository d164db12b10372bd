import pytest
from small_models import dialogue

from align.errors import InputError
from align.models import load_tokenizer
from align.records import Example, Origin, Turn
from align.tokens import EOT, NO_LOSS, eot_id
from align.training.rows import make_rows


@pytest.fixture(scope="module")
def tokenizer(tokenizer_artifact):
    found = load_tokenizer(tokenizer_artifact)
    found.add_special_tokens({"extra_special_tokens": [EOT]})
    return found


def test_labels_of_one_turn_token_by_token(tokenizer):
    rows = make_rows([dialogue(1, "12", "345")], tokenizer, "response", 64, "error").rows
    assert tokenizer.convert_ids_to_tokens(rows[0].input_ids) == ["<|bos|>", "1", "2", EOT, "3", "4", "5", EOT]
    # loss on 3, 4, 5 and the EOT after them
    assert rows[0].labels == [NO_LOSS] * 4 + rows[0].input_ids[4:]
    assert rows[0].trained_tokens == 4


def test_labels_of_two_turns_token_by_token(tokenizer):
    rows = make_rows([dialogue(1, "1", "2", "3", "4")], tokenizer, "response", 64, "error").rows
    assert tokenizer.convert_ids_to_tokens(rows[0].input_ids) == ["<|bos|>", "1", EOT, "2", EOT, "3", EOT, "4", EOT]
    ids = rows[0].input_ids
    assert rows[0].labels == [NO_LOSS] * 3 + ids[3:5] + [NO_LOSS] * 2 + ids[7:]


def test_loss_on_all_leaves_out_only_bos(tokenizer):
    row = make_rows([dialogue(1, "12", "345")], tokenizer, "all", 64, "error").rows[0]
    assert row.labels == [NO_LOSS, *row.input_ids[1:]]


def test_a_trimmed_row_ends_without_eot_and_is_listed_with_its_length(tokenizer):
    # bos 1 2 EOT 3 4 5 EOT: eight tokens, cut to six
    rows = make_rows([dialogue(1, "12", "345")], tokenizer, "response", 6, "trim")
    assert tokenizer.convert_ids_to_tokens(rows.rows[0].input_ids) == ["<|bos|>", "1", "2", EOT, "3", "4"]
    assert rows.rows[0].trimmed
    assert rows.trimmed == {"dialogue/1": 8}


def test_a_row_whose_response_is_cut_away_is_rejected_and_not_silently_lost(tokenizer):
    rows = make_rows([dialogue(1, "12", "345")], tokenizer, "response", 4, "trim")
    assert rows.rows == []
    assert rows.trimmed == {}
    assert rows.dropped == {"sft: nothing to learn": 1}


def test_dropped_rows_leave_a_rejection_with_their_length(tokenizer):
    rows = make_rows([dialogue(1, "12", "345"), dialogue(2, "1", "2")], tokenizer, "response", 6, "drop")
    assert [row.id for row in rows.rows] == ["dialogue/2"]
    assert [(item.example_id, item.detail) for item in rows.rejections] == [("dialogue/1", "8 tokens, 6 allowed")]


def test_overlong_error_names_all_and_the_remedy(tokenizer):
    with pytest.raises(InputError, match=r"2 of 2 have more than max_tokens = 4 tokens: dialogue/1 \(8\), dialogue/2 \(5\)"):
        make_rows([dialogue(1, "12", "345"), dialogue(2, "1", "2")], tokenizer, "response", 4, "error")


def test_a_row_of_exactly_max_tokens_stays_whole(tokenizer):
    rows = make_rows([dialogue(1, "12", "345")], tokenizer, "response", 8, "error").rows
    assert rows[0].input_ids[-1] == eot_id(tokenizer)


def test_a_prompt_alone_is_rejected(tokenizer):
    alone = Example("prompt/1", (Turn("user", "1"),), Origin("invented", "1"))
    assert make_rows([alone], tokenizer, "all", 64, "trim").dropped == {"sft: no response": 1}


def test_the_digest_of_rows_follows_every_id_and_label(tokenizer):
    one = make_rows([dialogue(1, "1", "2")], tokenizer, "response", 64, "trim")
    other = make_rows([dialogue(1, "1", "2")], tokenizer, "all", 64, "trim")
    assert one.digest() != other.digest()
