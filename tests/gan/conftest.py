"""What tests of a run share: two runs are the same if all that they keep is, but for the clocks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from artgan_lib import read_log

CLOCKS = ["seconds", "images_per_second"]


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Name every leaf of a state."""
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {path: leaf for key, part in items for path, leaf in flat(part, f"{name}.{key}").items()}
    return {name: value}


def _assert_same_run(one: Path, other: Path) -> None:
    """Compare the last checkpoints (networks, optimisers, average, position, sums) and the logs, bit for bit."""
    states = [
        flat(torch.load(sorted((run / "checkpoints").glob("*.pt"))[-1], weights_only=True)) for run in (one, other)
    ]
    for state in states:
        for clock in (".seconds", ".log_size"):  # a clock's digits change the length of the log's lines
            del state[clock]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        same = torch.equal(value, states[1][name]) if isinstance(value, torch.Tensor) else value == states[1][name]
        assert same, name
    logs = [read_log(run / "log.jsonl").drop(columns=CLOCKS) for run in (one, other)]
    assert logs[0].equals(logs[1])
    assert logs[0]["epoch"].tolist() == list(range(1, len(logs[0]) + 1))


@pytest.fixture
def assert_same_run() -> Callable[[Path, Path], None]:
    return _assert_same_run
