"""Push an exported folder to a hub: private unless asked, and never into a repository that is more open than asked."""

import os
import re
from pathlib import Path

from align.errors import AlignError, ExportRefused, InputError

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def push_folder(folder: Path, name: str, public: bool = False) -> str:
    """Upload all files of `folder` as one commit of the model repository `name`; return its address.

    The token is read from HF_TOKEN here and kept nowhere.
    """
    from huggingface_hub import HfApi

    token = os.environ.get("HF_TOKEN")
    if not _NAME.fullmatch(name):
        raise InputError(f"--push {name}: wanted OWNER/NAME")
    if not token:
        raise InputError("--push: HF_TOKEN is not set; put a token that may write into the environment")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    try:
        api.create_repo(name, private=not public, exist_ok=True)
        if not public and not api.model_info(name).private:
            raise ExportRefused(
                f"--push {name}: this repository is public; --public pushes to it all the same, another name makes a private one"
            )
        api.upload_folder(repo_id=name, folder_path=folder, commit_message=f"Add {folder.name}")
    except AlignError:
        raise
    except Exception as error:  # the client's HTTP library, and with it its errors, changes from version to version
        raise InputError(f"--push {name}: the hub at {api.endpoint} refused: {str(error).splitlines()[0]}") from error
    return f"{api.endpoint}/{name}"
