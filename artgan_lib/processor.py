"""What this machine's processor computes by itself."""

from typing import Any

import torch


def has_only_avx2() -> bool:
    """Tell whether PyTorch computes with AVX2 on this processor: eight numbers at once, so that products weigh most."""
    return torch.backends.cpu.get_cpu_capability() == "AVX2"


def has_bfloat16() -> bool:
    """Tell whether this processor multiplies in bfloat16 itself; one that does not is slower by it."""
    found: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
