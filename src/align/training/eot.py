"""Teach a tokenizer and a model the end-of-turn token (LIMA §3)."""

from typing import TYPE_CHECKING, Any

from align.tokens import EOT, eot_id

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def add_eot(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerFast") -> None:
    """Give both an EOT if they have none: a new row at the mean of the others in the input and the output matrix.

    The mean is where a token is neither likely nor unlikely; a random row would start at an arbitrary meaning.
    """
    if eot_id(tokenizer) is not None:
        return
    known = len(tokenizer)
    tokenizer.add_special_tokens({"extra_special_tokens": [EOT]}, replace_extra_special_tokens=False)
    # Some models have more rows than their tokenizer has tokens (pythia: 50,304 and 50,277): then one of those is taken.
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    new = eot_id(tokenizer)
    output = model.get_output_embeddings()
    for rows in (model.get_input_embeddings().weight, output.weight, getattr(output, "bias", None)):
        if rows is not None:
            _set_to_mean(rows, new, known)


def _set_to_mean(rows: Any, new: int | None, known: int) -> None:
    import torch

    with torch.no_grad():
        rows[new] = rows[:known].float().mean(dim=0).to(rows.dtype)
