"""What the commands of `artgan` do that train."""

import argparse
from typing import TYPE_CHECKING

from artgan_lib.config import TrainConfig, parse_setting
from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path
from artgan_lib.presets import POINTS, PRESETS, PROFILES, VARIANTS, moved_from, preset

if TYPE_CHECKING:
    from artgan_lib.data.dataset import ImageDataset
    from artgan_lib.evaluation.callbacks.scores import Measuring
    from artgan_lib.evaluation.collapse.watch import CollapseWatch
    from artgan_lib.gan.training import Callback


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "train", train, "train one variant, or go on with a run that was stopped")
    command.add_argument("--variant", metavar="NAME", required=True, help=f"{', '.join(PRESETS)} or a point of ours")
    command.add_argument("--data", metavar="CACHE", required=True, help="a cache, or the word synthetic")
    command.add_argument("--run-dir", metavar="RUN", type=read_path, required=True, help="folder of the run")
    command.add_argument("--profile", choices=tuple(PROFILES), default="paper", help="default %(default)s")
    command.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="replace a setting")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument(
        "--init-from",
        metavar="PATH",
        type=read_path,
        help="start from the networks of another run, a checkpoint or a generator file",
    )
    command.add_argument(
        "--keep-every",
        type=int,
        default=5,
        metavar="K",
        help="every K-th checkpoint stays for good (default %(default)s)",
    )
    command.add_argument(
        "--precision",
        choices=("float32", "tf32", "bf16"),
        default="float32",
        help="of products; default float32",
    )
    command.add_argument("--fused", action="store_true", help="use PyTorch's fused Adam; not tried on a GPU by us")
    command.add_argument("--compile", action="store_true", help="compile both networks; not with a gradient penalty")
    command.add_argument(
        "--measure-every", type=int, metavar="K", help="score the generator every K epochs, and keep the best snapshot"
    )
    command.add_argument(
        "--measure-against", metavar="CACHE", type=read_path, help="real pictures, best held-out ones (default: --data)"
    )
    command.add_argument(
        "--measure-with",
        metavar="NAME[:LAYER]",
        default="inception-2015",
        help="feature network (default: inception-2015 at the deepest layer that its weights have)",
    )
    command.add_argument("--measure-n", type=int, default=2000, metavar="N", help="pictures (default %(default)s)")
    command.add_argument(
        "--held-out", metavar="CACHE", type=read_path, help="log the judge's scores of these pictures as well"
    )
    command.add_argument("--tensorboard", action="store_true", help="write the log for TensorBoard as well")
    command.add_argument(
        "--watch-collapse",
        type=int,
        metavar="K",
        help="look for mode collapse every K epochs (default: after at least 2,048 images; 0: never)",
    )
    command.add_argument("--stop-on-collapse", action="store_true", help="end the run when the pictures collapse")

    add_command(subparsers, "variants", variants, "list the paper's variants and our own points of its Table 2")


def train(options: argparse.Namespace) -> int:
    """Train, go on, or start from trained networks."""
    from artgan_lib.data.preprocessing import load_images
    from artgan_lib.gan.distributed import leads
    from artgan_lib.gan.training import train
    from artgan_lib.presets import profile

    config = preset(options.variant, options.profile, **dict(parse_setting(text) for text in options.set))
    pictures = load_images(options.data, count=profile(options.profile).pictures)
    result = train(
        config,
        pictures.images,
        options.run_dir,
        labels=pictures.labels,
        classes=pictures.styles,
        device=options.device,
        callbacks=_callbacks(options, config, pictures) if leads() else (),  # the first process alone measures
        init_from=options.init_from,
        keep_every=options.keep_every,
        precision=options.precision,
        fused=options.fused,
        compiled=options.compile,
    )
    if not leads():
        return 0 if result.finished else 130
    state = "done" if result.finished else f"stopped{result.reason and f' ({result.reason})'}; the same command goes on"
    print(f"{state}: {result.step:,} of {config.total_steps:,} steps -> {result.generator}")
    return 0 if result.finished else 130  # so that `train && generate` does not go on with half a model


def _callbacks(options: argparse.Namespace, config: TrainConfig, pictures: "ImageDataset") -> "list[Callback]":
    """Make what looks on at the run, in the order in which it is told of an epoch."""
    from artgan_lib.data.dataset import open_cache
    from artgan_lib.evaluation.callbacks.overfitting import HeldOut
    from artgan_lib.interface.progress import TrainingProgress
    from artgan_lib.interface.tensorboard import TensorBoard

    callbacks: list[Callback] = [TrainingProgress(config)]
    if options.measure_every is not None:
        callbacks.insert(0, _measuring(options, config, pictures))  # so that its numbers are shown
    if options.held_out:
        callbacks.append(HeldOut(config, open_cache(options.held_out).images, pictures.images))
    if options.tensorboard:
        callbacks.append(TensorBoard())
    watch = _watch(options, config, pictures)
    if watch:
        callbacks.insert(0, watch)
    return callbacks


def _measuring(options: argparse.Namespace, config: TrainConfig, pictures: "ImageDataset") -> "Measuring":
    """Make the callback that scores the generator; whatever it lacks is told before the run begins."""
    import numpy as np

    from artgan_lib.data.preprocessing import load_images
    from artgan_lib.evaluation.callbacks.scores import Measuring
    from artgan_lib.evaluation.features import load_extractor
    from artgan_lib.gan.distributed import local_device
    from artgan_lib.interface.terminal import counter

    name, _, layer = options.measure_with.partition(":")
    extractor = load_extractor(name, layer or None, device=local_device(options.device))
    held_out = options.measure_against
    real = load_images(held_out).images if held_out else pictures.images
    if real.shape[1:] != pictures.images.shape[1:]:
        raise ArtganError(
            f"{held_out} holds images of {real.shape[1]} pixels, those that are trained on have "
            f"{pictures.images.shape[1]}; prepare both at one size"
        )
    some = np.sort(np.random.default_rng(config.seed).permutation(len(real))[: max(options.measure_n, 0)])
    real = np.asarray(real[some])  # as many as are generated
    shown = counter("looking at real pictures")
    return Measuring(
        real,
        extractor,
        every=options.measure_every,
        epochs=config.epochs,
        count=options.measure_n,
        seed=config.seed,
        about_real=held_out.name if held_out else "the training pictures",
        progress=lambda done: shown(done, len(real)),
    )


def _watch(options: argparse.Namespace, config: TrainConfig, pictures: "ImageDataset") -> "CollapseWatch | None":
    """Return what looks for collapse, unless it is told not to or there are too few pictures to compare with."""
    from tqdm import tqdm

    from artgan_lib.evaluation.collapse.signals import FEWEST
    from artgan_lib.evaluation.collapse.watch import CollapseWatch

    if options.watch_collapse == 0 or len(pictures.images) < FEWEST:
        if options.stop_on_collapse:
            raise ArtganError("--stop-on-collapse needs a run that is watched, and pictures to compare with")
        return None
    return CollapseWatch(
        config,
        pictures.images,
        pictures.labels,
        every=options.watch_collapse or 0,
        stop=options.stop_on_collapse,
        tell=tqdm.write,
    )


def variants(options: argparse.Namespace) -> int:
    """List the named configs."""
    for name in VARIANTS:
        print(f"{name:<22} the paper's")
    print(f"{'projected':<22} a modern GAN that learns on two cores, by class where the data have classes")
    for name in POINTS:
        base, moved = moved_from(name)
        print(f"{name:<22} {base} with {', '.join(f'{field}={value}' for field, value in moved.items())}")
    return 0
