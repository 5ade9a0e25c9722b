"""What the commands of `artgan` do that measure what a generator is worth."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path

if TYPE_CHECKING:
    import numpy as np


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "evaluate", evaluate, "score a generator against real pictures")
    command.add_argument("--model", metavar="FILE", type=read_path, help="generator.safetensors of a run; or")
    command.add_argument("--images", metavar="DIR", type=read_path, help="folder or archive of pictures to be scored")
    command.add_argument("--data", metavar="CACHE", type=read_path, required=True, help="real pictures to compare with")
    command.add_argument(
        "--floor", metavar="CACHE", type=read_path, help="other real pictures, for the floor (default: half of --data)"
    )
    command.add_argument("--n", type=int, default=10_000, help="pictures to be scored (default %(default)s)")
    command.add_argument("--extractor", default="inception-2015", help="feature network (default %(default)s)")
    command.add_argument("--layer", help="of the feature network, by its dimensions (default 2048)")
    command.add_argument("--weights", metavar="FILE", type=read_path, help="of the feature network")
    command.add_argument("--seed", type=int, default=0, help="default %(default)s")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument("--offline", action="store_true", help="fetch nothing")
    command.add_argument("--out", metavar="FILE", type=read_path, help="scores and card (build/scores/NAME.json)")


def evaluate(options: argparse.Namespace) -> int:
    """Score a generator, or a folder of pictures, against real ones."""
    import numpy as np

    from artgan_lib.data.cache import open_cache
    from artgan_lib.evaluation.evaluate import evaluate
    from artgan_lib.evaluation.extractors import load_extractor
    from artgan_lib.gan.models import choose_device
    from artgan_lib.runlog import write_json

    if (options.model is None) == (options.images is None):
        raise ArtganError("name what is to be scored by either --model or --images")
    where = choose_device(options.device)
    extractor = load_extractor(
        options.extractor, options.layer, weights=options.weights, device=where, download=not options.offline
    )
    real = np.asarray(open_cache(options.data).images)
    if options.floor:
        others = np.asarray(open_cache(options.floor).images)
        others = others[np.random.default_rng(options.seed).permutation(len(others))]
        about = f"{options.data.name}, {len(real):,} pictures"
    else:  # two halves of one set
        order = np.random.default_rng(options.seed).permutation(len(real))
        real, others = real[order[::2]], real[order[1::2]]
        about = f"half of {options.data.name}, {len(real):,} pictures"
    fake = _generated(options)
    found = evaluate(
        fake,
        real,
        others,
        extractor,
        about_fake=(options.model or options.images).name,
        about_real=about,
        seed=options.seed,
        progress=_progress({"generated": len(fake), "real": len(real), "other real": min(len(others), len(fake))}),
    )
    print(f"{found.card.name} and others, {found.card.fake_count:,} pictures against {about}")
    print(f"{'':<12} {'here':>10} {'real':>10}  better")
    for score in found.scores:
        spread = f"  ± {score.sd:.4f} over subsets" if score.sd is not None else ""
        print(f"{score.name:<12} {score.value:>10.4f} {score.floor:>10.4f}  {score.better}{spread}")
    for warning in found.card.warnings:
        print(f"note: {warning}")
    out = options.out or Path("build/scores") / f"{(options.model or options.images).stem}.json"
    print(write_json(out, found.to_dict()))
    return 0


def _generated(options: argparse.Namespace) -> "np.ndarray":
    from artgan_lib.data.preprocessing import load_pictures
    from artgan_lib.gan.checkpoints import load_generator
    from artgan_lib.gan.models import choose_device
    from artgan_lib.studio.sampling import sample

    if options.n < 2:
        raise ArtganError(f"scores need at least two pictures, not {options.n}")
    if options.images:
        return load_pictures(options.images).images[: options.n]
    generator, _ = load_generator(options.model)
    return sample(generator.to(choose_device(options.device)), options.seed, options.n)


def _progress(totals: dict[str, int]) -> Callable[[str, int], None]:
    from artgan_lib.interface.terminal import counter

    shown = {name: counter(f"looking at {name} pictures") for name in totals}
    return lambda name, done: shown[name](done, totals[name])
