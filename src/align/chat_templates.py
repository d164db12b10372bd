"""Dialogues in a model's own words: its chat template, for models that were tuned with one before.

The ids are those of `apply_chat_template`. What the template does not say is worked out from it: where an assistant's
utterance begins (after the prompt with its generation prompt) and ends (at the token that ends a turn).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from align.errors import InputError
from align.records import Turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

TURN_END = "align_turn_end"
"""Where tokenizer_config.json keeps the token that ends a turn, in a tokenizer whose own template is used."""

_PROBE = "a word that stands for an answer"


def own_turn_end(tokenizer: "PreTrainedTokenizerFast") -> int | None:
    """Id of the token that ends a turn by the tokenizer's own template; None where the template is not used."""
    token = tokenizer.init_kwargs.get(TURN_END)
    return None if token is None else int(tokenizer.convert_tokens_to_ids(token))


def use_own_template(tokenizer: "PreTrainedTokenizerFast") -> None:
    """From now on `tokens.render` writes dialogues by the tokenizer's own template; saved with the tokenizer."""
    if not tokenizer.chat_template:
        raise InputError(
            "chat_format: template: the model's tokenizer has no chat template; write chat_format: eot, which needs none."
        )
    text = _written([Turn("user", "?"), Turn("assistant", _PROBE)], tokenizer)
    rest = text[text.rindex(_PROBE) + len(_PROBE) :]
    ids = list(tokenizer(rest, add_special_tokens=False)["input_ids"])
    ends = [number for number in ids if number in set(tokenizer.all_special_ids) | _added(tokenizer)]
    if not ends:
        raise InputError(
            f"chat_format: template: the chat template ends an answer with {rest!r}, which has no special token, so the model "
            f"could not learn to stop; write chat_format: eot."
        )
    tokenizer.init_kwargs[TURN_END] = tokenizer.convert_ids_to_tokens(ends[0])


def template_prompt(turns: Sequence[Turn], tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    """What the model sees before it answers."""
    return _ids(_written(turns, tokenizer, answers=True), tokenizer)[0]


def template_dialogue(turns: Sequence[Turn], tokenizer: "PreTrainedTokenizerFast") -> tuple[list[int], list[bool]]:
    """Ids of a dialogue, and which of them the assistant says: its utterances and the tokens that end them."""
    text = _written(turns, tokenizer)
    ids, places = _ids(text, tokenizer)
    said = [False] * len(ids)
    for number, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        begin, end = _utterance(text, turns[:number], tokenizer)
        for place, (first, last) in enumerate(places):
            said[place] = said[place] or (begin <= first and last <= end and first < last)
    return ids, said


def _utterance(text: str, before: Sequence[Turn], tokenizer: Any) -> tuple[int, int]:
    """Characters of the utterance that follows `before`, its end token included."""
    asked = _written(before, tokenizer, answers=True)
    if not text.startswith(asked):
        raise InputError(
            "chat_format: template: the chat template writes earlier turns otherwise once an answer follows (some leave out what "
            "a model thought), so a prompt is not the beginning of its dialogue. Write chat_format: eot, or single turns."
        )
    token = tokenizer.init_kwargs[TURN_END]
    return len(asked), text.index(token, len(asked)) + len(token)


def _written(turns: Sequence[Turn], tokenizer: Any, answers: bool = False) -> str:
    controls = sorted(_controls(tokenizer), key=len, reverse=True)
    messages = [{"role": turn.role, "content": _harmless(turn.text, controls)} for turn in turns]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answers))


def _harmless(text: str, controls: Sequence[str]) -> str:
    """A text that quotes a control token does not end a turn: a space breaks the token."""
    for token in controls:
        if token in text:
            text = text.replace(token, f"{token[0]} {token[1:]}")
    return text


def _controls(tokenizer: Any) -> set[str]:
    return {token for token in (*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()) if len(token) > 1}


def _added(tokenizer: Any) -> set[int]:
    return set(tokenizer.get_added_vocab().values())


def _ids(text: str, tokenizer: Any) -> tuple[list[int], list[tuple[int, int]]]:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return list(encoded["input_ids"]), [tuple(pair) for pair in encoded["offset_mapping"]]
