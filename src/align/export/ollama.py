"""A Modelfile for Ollama, so that it renders a dialogue as the model was trained on."""

import json

from align.tokens import EOT


def modelfile(weights: str, context: int, own_end: str | None = None) -> str:
    """`ollama create NAME -f Modelfile` in the folder that holds `weights`. Ollama puts BOS in front by itself.

    `own_end` ends a turn in a template of the model's own, which Ollama reads from the weights' file.
    """
    template = f'TEMPLATE """{{{{- range .Messages }}}}{{{{ .Content }}}}{EOT}{{{{ end }}}}"""\n' if own_end is None else ""
    return f"""FROM ./{weights}
{template}PARAMETER stop {json.dumps(own_end or EOT)}
PARAMETER num_ctx {context}
PARAMETER temperature 0.7
PARAMETER top_p 0.9
# Ollama counts the prompt as said, its {own_end or EOT} too: a penalty would keep the model from ending.
PARAMETER repeat_penalty 1.0
"""
