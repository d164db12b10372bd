"""A Modelfile for Ollama, so that it renders a dialogue as the model was trained on."""

import json

from align.tokens import EOT


def modelfile(weights: str, context: int) -> str:
    """`ollama create NAME -f Modelfile` in the folder that holds `weights`. Ollama puts BOS in front by itself."""
    return f"""FROM ./{weights}
TEMPLATE \"\"\"{{{{- range .Messages }}}}{{{{ .Content }}}}{EOT}{{{{ end }}}}\"\"\"
PARAMETER stop {json.dumps(EOT)}
PARAMETER num_ctx {context}
PARAMETER temperature 0.7
PARAMETER top_p 0.9
# Ollama counts the prompt as said, its {EOT} too: a penalty would keep the model from ending.
PARAMETER repeat_penalty 1.0
"""
