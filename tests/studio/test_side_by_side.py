import threading

import numpy as np
import pytest
import torch

from artgan_lib.studio.side_by_side import side_by_side
from artgan_lib.studio.upscaling import Upscaler


def threads_of_a_new_thread() -> int:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return seen[0]


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_things_come_out_in_order_and_threads_are_as_they_were(cores: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        told = side_by_side(lambda thing: (thing, torch.get_num_threads()), range(7))
        assert [thing for thing, _ in told] == list(range(7))
        assert {threads for _, threads in told} == {1}
        assert torch.get_num_threads() == threads_of_a_new_thread() == cores
    finally:
        torch.set_num_threads(before)


def test_what_is_raised_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda thing: 1 // thing, [1, 0, 2], workers=2)
    assert side_by_side(str, [], workers=2) == []


def test_pictures_enlarged_side_by_side_are_those_enlarged_alone() -> None:
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(3, 3, 3, padding=1).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def network(images: np.ndarray) -> np.ndarray:
        y = convolution(torch.tensor(images).permute(0, 3, 1, 2).float())
        return y.repeat_interleave(2, 2).repeat_interleave(2, 3).permute(0, 2, 3, 1).numpy()

    pictures = list(np.random.default_rng(0).integers(0, 256, (5, 12, 12, 3), dtype=np.uint8))
    upscaler = Upscaler("twice", 2, network, parallel=True)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert upscaler.at_once == 2
        together = upscaler.enlarge_batch(pictures)
    finally:
        torch.set_num_threads(before)
    for picture, enlarged in zip(pictures, together, strict=True):
        assert np.array_equal(enlarged, upscaler.enlarge(picture))
