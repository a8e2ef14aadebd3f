"""The state of an interrupted pretraining, in a file beside the weights."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch

from puclassify.io import replace_files
from puclassify.pretraining._settings import PretrainingSettings

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: Path, settings: PretrainingSettings, state: dict[str, Any]) -> None:
    """Write a state, replacing the file at once."""
    data = io.BytesIO()
    torch.save({"settings": _text(settings), **state}, data)
    replace_files({str(path): data.getvalue()})


def load_checkpoint(path: Path, settings: PretrainingSettings) -> dict[str, Any] | None:
    """Return the state in a file, None without one; refuse that of other settings."""
    if not path.exists():
        return None
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["settings"] != _text(settings):
        raise ValueError(
            f"{path} is the state of a pretraining with other settings; remove it to start anew, "
            f"or use these: {state['settings']}"
        )
    return state


def _text(settings: PretrainingSettings) -> str:
    return json.dumps(settings.as_json(), sort_keys=True, default=list)
