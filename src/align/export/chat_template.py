"""The chat template of an exported model, and the proof that it renders as align does.

align encodes each utterance by itself; a chat template makes one text of them, which is then encoded as a whole. For most
tokenizers that comes to the same ids. Whether it does for this one is checked, on the folder as written.
"""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from align.chat_templates import own_turn_end
from align.errors import ExportRefused
from align.records import Role, Turn
from align.tokens import EOT, render, render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAID = (
    "Where does the heron nest?",
    "In a reed bed, at the water's edge.\n\n1. Early in March.\n2. Again in May.",
    " and how many eggs, 3 or 12? ",
    "```python\nfor egg in range(4):\n\tprint(egg)\n```\n",
    "Et à l'été, où va-t-il? 鷺は? 🐦‍⬛",
)
"""What the checked dialogues say: lists, code, white space at both ends, numbers, other scripts."""


def chat_template(tokenizer: "PreTrainedTokenizerFast", leading_space: bool = False) -> str:
    """Jinja source of align's format: BOS once, then each utterance with its EOT.

    A text that quotes a special token gets a space behind the token's first character: no template can tell the tokenizer to
    read it as plain text, as align does, and left as it is it would end the turn. `leading_space` suits tokenizers that put a
    space before a text that stands alone, and none before one that follows BOS or EOT.
    """
    start = f"{{{{- {json.dumps(tokenizer.bos_token, ensure_ascii=False)} -}}}}" if tokenizer.bos_token_id is not None else ""
    space = "{{- ' ' if said.text and not said.text.startswith(' ') else '' -}}" if leading_space else ""
    pairs = json.dumps([[text, f"{text[0]} {text[1:]}"] for text in special_texts(tokenizer)], ensure_ascii=False)
    wanted = "wanted: a system, user or assistant turn whose content is a text"
    return (
        f"{start}\n"
        "{%- for message in messages -%}\n"
        "{%- if message['role'] not in ['system', 'user', 'assistant'] or message['content'] is not string -%}\n"
        f"{{{{- raise_exception({json.dumps(wanted)}) -}}}}\n"
        "{%- endif -%}\n"
        "{%- set said = namespace(text=message['content']) -%}\n"
        f"{{%- for pair in {pairs} -%}}\n"
        # and not `| replace`, which the Jinja of onnxruntime-genai lacks
        "{%- set said.text = said.text.split(pair[0]) | join(pair[1]) -%}\n"
        "{%- endfor -%}\n"
        f"{space}\n"
        f"{{{{- said.text + {json.dumps(EOT)} -}}}}\n"
        "{%- endfor -%}\n"
    )


def special_texts(tokenizer: "PreTrainedTokenizerFast") -> list[str]:
    """The texts that the tokenizer takes for special tokens wherever they stand."""
    return [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]


def fitting_template(tokenizer: "PreTrainedTokenizerFast") -> str:
    """The chat template that gives align's ids with this tokenizer; refuses where none does.

    A model that was tuned in a template of its own keeps that one.
    """
    own = own_turn_end(tokenizer) is not None
    faults = []
    for template in [str(tokenizer.chat_template)] if own else [chat_template(tokenizer, space) for space in (False, True)]:
        fault = template_fault(tokenizer, tokenizer, template)
        if not fault:
            return template
        faults.append(fault)
    raise ExportRefused(
        f"no chat template gives the ids that the model was trained on: {faults[0]}. The tokenizer reads a text in a dialogue "
        f"otherwise than by itself; a server that renders with align.tokens.render_prompt can still use the model."
    )


def template_fault(tokenizer: "PreTrainedTokenizerFast", written: "PreTrainedTokenizerFast", template: str | None = None) -> str:
    """Where `written` with its chat template and align's own rendering give other ids; empty where they agree."""
    for turns in _dialogues():
        asked = turns[:-1] if turns[-1].role == "assistant" else turns
        for spoken, is_prompt in ((turns, False), (asked, True)):
            wanted = render_prompt(spoken, tokenizer) if is_prompt else render(spoken, tokenizer, "all").input_ids
            got = template_ids(written, spoken, is_prompt, template)
            if got != wanted:
                return _difference(got, wanted, len(spoken), tokenizer)
    # A template of the model's own leaves quoted tokens as they are: to break them is up to whoever asks the model.
    for special in special_texts(tokenizer) if own_turn_end(tokenizer) is None else []:
        number = tokenizer.convert_tokens_to_ids(special)
        quoted = template_ids(written, [Turn("user", f"It says {special} here.")], True, template)
        plain = template_ids(written, [Turn("user", "It says that here.")], True, template)
        if quoted.count(number) != plain.count(number):
            return f"a text that quotes {special} is read as if it were that token"
    return ""


def template_ids(
    tokenizer: "PreTrainedTokenizerFast", turns: Sequence[Turn], is_prompt: bool, template: str | None = None
) -> list[int]:
    """What plain transformers makes of a dialogue."""
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    given: dict[str, Any] = {} if template is None else {"chat_template": template}
    found = tokenizer.apply_chat_template(messages, add_generation_prompt=is_prompt, return_dict=False, **given)
    return list(found)


def _dialogues() -> Iterator[list[Turn]]:
    """One, two, three and five turns, each text in each place, and one with a system's turn."""
    roles: tuple[Role, Role] = ("user", "assistant")
    for count in (1, 2, 3, 5):
        for first in range(len(SAID)):
            texts = [SAID[(first + number) % len(SAID)] for number in range(count)]
            yield [Turn(roles[number % 2], text) for number, text in enumerate(texts)]
    yield [Turn("system", SAID[1]), Turn("user", SAID[0]), Turn("assistant", SAID[4])]


def _difference(got: list[int], wanted: list[int], turns: int, tokenizer: "PreTrainedTokenizerFast") -> str:
    place = next((number for number, pair in enumerate(zip(got, wanted, strict=False)) if pair[0] != pair[1]), None)
    if place is None:
        place = min(len(got), len(wanted))
    said = [tokenizer.convert_ids_to_tokens(ids[place : place + 4]) for ids in (got, wanted)]
    return f"a dialogue of {turns} turns gives at token {place} {said[0]} and not {said[1]}"
