"""The only place where a dialogue becomes token ids and labels, for training and for inference alike.

    <bos> PROMPT <|eot|> RESPONSE <|eot|> PROMPT <|eot|> RESPONSE <|eot|>        a dialogue
    <bos> TEXT <eos>                                                            a document

Each utterance is encoded by itself, so that no token spans two of them and the prompt at inference is a
prefix of the text in training by construction. There are no names of speakers: as in LIMA §3 the end-of-turn
token (EOT) alone tells them apart. EOT is not EOS: EOS ends documents, and a base model's meaning of it stays.
A model that was tuned with a chat template of its own can keep it (chat_templates.py); its end of a turn is then the EOT.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from align.chat_templates import own_turn_end, template_dialogue, template_prompt
from align.errors import InputError
from align.records import Turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

EOT = "<|eot|>"
"""Ends every utterance of either speaker (LIMA §3); fine-tuning adds it to the tokenizer."""

NO_LOSS = -100
"""The label of a token that gives no loss."""

BETWEEN_TURNS = "\n\n"
"""Ends an utterance for a model that knows no EOT, that is, for a base model."""

LossOn = Literal["response", "all"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A dialogue as a model is trained on it; both lists have one entry a token."""

    input_ids: list[int]
    labels: list[int]
    """The token's own id where it gives loss, else `NO_LOSS`; the model shifts them by one."""


def render(turns: Sequence[Turn], tokenizer: "PreTrainedTokenizerFast", loss_on: LossOn) -> Rendered:
    """Ids and labels of a dialogue; `response` puts loss on the assistant's utterances and their EOT, `all` on every token."""
    _check_dialogue(turns)
    if own_turn_end(tokenizer) is not None:
        ids, said = template_dialogue(turns, tokenizer)
        return Rendered(ids, [token if loss_on == "all" or mine else NO_LOSS for token, mine in zip(ids, said, strict=True)])
    input_ids = _start(tokenizer)
    labels = [NO_LOSS] * len(input_ids)
    for turn, ids in zip(turns, _utterances(turns, tokenizer), strict=True):
        input_ids += ids
        labels += ids if loss_on == "all" or turn.role == "assistant" else [NO_LOSS] * len(ids)
    return Rendered(input_ids, labels)


def render_prompt(turns: Sequence[Turn], tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    """What the model sees before it answers; where the turns end with an answer, that one is left out."""
    asked = turns[:-1] if turns and turns[-1].role == "assistant" else turns
    if own_turn_end(tokenizer) is not None:
        _check_dialogue(asked)
        return template_prompt(asked, tokenizer)
    return render(asked, tokenizer, "response").input_ids


def encode_document(text: str, tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    """Ids of a plain text to pretrain on, ended with EOS so that a model learns where documents end."""
    return _start(tokenizer) + encode_text(text, tokenizer) + _end(tokenizer)


def encode_beginning(text: str, tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    """Ids of a plain text that a model is to go on with: as a document begins, without its end."""
    return _start(tokenizer) + encode_text(text, tokenizer)


def encode_documents(texts: Sequence[str], tokenizer: "PreTrainedTokenizerFast") -> list[list[int]]:
    """The same of many texts at once, on all cores: `encode_document` of each."""
    start, end = _start(tokenizer), _end(tokenizer)
    # The tokenizer's own batch: transformers' would compute offsets and masks, which takes twice as long.
    backend = tokenizer.backend_tokenizer
    before, backend.encode_special_tokens = backend.encode_special_tokens, True
    backend.no_truncation()  # which a tokenizer.json may ask for, and which transformers' own call turns off as well
    backend.no_padding()
    try:
        encoded = backend.encode_batch_fast(list(texts), add_special_tokens=False)
    finally:
        backend.encode_special_tokens = before
    return [start + item.ids + end for item in encoded]


def encode_text(text: str, tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    """Ids of the text alone. A text that quotes `<|eot|>` does not end a turn: special tokens are not looked for."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"])


def token_count(text: str, tokenizer: "PreTrainedTokenizerFast") -> int:
    """How many tokens the text has, without BOS, EOS or EOT."""
    return len(encode_text(text, tokenizer))


def eot_id(tokenizer: "PreTrainedTokenizerFast") -> int | None:
    """The id of EOT; None for a tokenizer that has none yet, that is, a base model's."""
    own = own_turn_end(tokenizer)
    if own is not None:
        return own
    found = tokenizer.convert_tokens_to_ids(EOT)
    # A tokenizer with an unknown token answers with that one's id for a token it lacks.
    if not isinstance(found, int) or tokenizer.convert_ids_to_tokens(found) != EOT:
        return None
    return found


def _start(tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    return [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]


def _end(tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    return [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]


def _utterances(turns: Sequence[Turn], tokenizer: "PreTrainedTokenizerFast") -> list[list[int]]:
    """The ids of each utterance with its end."""
    end = eot_id(tokenizer)
    end_ids = encode_text(BETWEEN_TURNS, tokenizer) if end is None else [end]
    return [encode_text(turn.text, tokenizer) + end_ids for turn in turns]


def _check_dialogue(turns: Sequence[Turn]) -> None:
    for turn in turns:
        if turn.role == "document":
            raise InputError(
                f"a document ({turn.text[:40]!r}...) stands where a dialogue is wanted: documents are for `pretrain`; "
                f"give this stage examples with turns of role user and assistant."
            )
