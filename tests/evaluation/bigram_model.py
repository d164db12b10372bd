"""A model whose likelihoods are known: the logit of a token depends on the one before it alone, and is written down."""

from collections.abc import Mapping
from pathlib import Path

from evaluation_setting import make_tokenizer

from align.artifact import Artifact

VOCABULARY = 259
"""Bytes, BOS, EOS and EOT."""
EOT_NAME = "EOT"


def save_bigrams(folder: Path, name: str, logits: Mapping[tuple[str, str], float], context: int = 512) -> Artifact:
    """A Llama that passes each token on unchanged: `logits` holds (token before, token) with its logit, 0 where it says nothing.

    Embeddings are unit vectors, attention and feed-forward add nothing, and the last norm multiplies by the root of the width.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer()
    assert len(tokenizer) == VOCABULARY
    width = VOCABULARY + 1
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=4,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=context,
        rms_norm_eps=0.0,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = LlamaForCausalLM(config).eval()
    ids = {token: tokenizer.convert_tokens_to_ids("<|eot|>" if token == EOT_NAME else token) for pair in logits for token in pair}
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(VOCABULARY, width))
        layer = model.model.layers[0]
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        for (before, token), logit in logits.items():
            model.lm_head.weight[ids[token], ids[before]] = logit / width**0.5
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return Artifact(name, f"key-{name}", f"content-{name}", folder, {"kind": "sft"})
