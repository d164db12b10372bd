"""What must hold before a training is worth its time. Each check says what would have gone wrong.

Those of `check_rows` need the rows alone. `check_gradients` looks at the gradients of the first real batch, just before the
first step: only there do freezing, adapters and sharding show.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from align.errors import TrainingRefused
from align.tokens import EOT, NO_LOSS, eot_id, render_prompt
from align.training.adapting import row_weights
from align.training.rows import Row

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

CHECKED_PROMPTS = 200
"""Prompts rendered a second time; they would all be wrong in the same way."""


def check_rows(rows: Sequence[Row], tokenizer: "PreTrainedTokenizerFast") -> None:
    """Refuse rows that would not teach to answer the prompt as it looks at inference, and to end there."""
    if not any(row.trained_tokens for row in rows):
        raise TrainingRefused(
            f"no token of the {len(rows):,} examples gives loss, so nothing would be learned. With loss_on: response an example "
            f"needs an assistant's turn within max_tokens; look at the rejections of this stage."
        )
    end = eot_id(tokenizer)
    for row in rows:
        if not row.trimmed and (row.input_ids[-1] != end or row.labels[-1] != end):
            last = "no loss" if row.labels[-1] == NO_LOSS else repr(tokenizer.decode([row.labels[-1]]))
            raise TrainingRefused(
                f"example {row.id}: its labels end on {last} and not on {EOT} (id {end}), so the model would not learn to stop. "
                f"The text was not trimmed, so the tokenizer or the rendering is at fault."
            )
    for row in rows[:CHECKED_PROMPTS]:
        prompt = render_prompt(row.turns, tokenizer)[: len(row.input_ids)]
        if row.input_ids[: len(prompt)] != prompt:
            raise TrainingRefused(
                f"example {row.id}: its training text does not begin with the prompt that the model sees at inference: "
                f"{tokenizer.decode(row.input_ids[:20])!r} and {tokenizer.decode(prompt[:20])!r}. The model would be asked "
                f"something it was not trained on."
            )


def check_context(max_tokens: int, config: Any, field: str = "max_tokens") -> None:
    """Refuse texts longer than the model can read."""
    context = getattr(config, "max_position_embeddings", None)
    if context is not None and max_tokens > context:
        raise TrainingRefused(
            f"{field}: {max_tokens}: the model reads {context} tokens (max_position_embeddings in its config.json); "
            f"write {field}: {context} or less."
        )


def check_gradients(model: "PreTrainedModel", tokens: Mapping[str, int], trained: set[int]) -> None:
    """Refuse where a token that must be learned has no gradient, or no optimizer, in the input or the output matrix.

    `trained` holds the identities of the optimizer's parameters. Beside an adapter only rows that it names are trained.
    """
    for name, module in {"input": model.get_input_embeddings(), "output": model.get_output_embeddings()}.items():
        for token, number in tokens.items():
            problem = _problem(*row_weights(module, number), trained)
            if problem:
                raise TrainingRefused(
                    f"the row of {token} in the {name} embedding {problem}, so the model could not learn "
                    f"{'to read' if name == 'input' else 'to write'} it. Train these rows: with all weights, or with an "
                    f"adapter that names them."
                )


def _problem(matrix: Any, row: int | None, trained: set[int]) -> str:
    if row is None or not matrix.requires_grad or id(matrix) not in trained:
        return "is not trained"
    if matrix.grad is None:
        return "got no gradient from the first batch"
    gradient = matrix.grad.full_tensor() if hasattr(matrix.grad, "full_tensor") else matrix.grad
    return "" if bool(gradient[row].any()) else "got a gradient of zero from the first batch"
