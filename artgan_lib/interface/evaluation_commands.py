"""What the commands of `artgan` do that measure what a generator is worth."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path

if TYPE_CHECKING:
    from artgan_lib.evaluation.features import Extractor
    from artgan_lib.evaluation.protocols import Evaluation, Score
    from artgan_lib.evaluation.reference import Labelled

_DEFAULTS = {"standard": ("inception-2015", 10_000), "paper": ("inception-imagenet", 3_000)}
"""Extractor and number of pictures of each protocol."""

_WIDTH = 44  # of a score's name


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "evaluate", evaluate, "score a generator against real pictures")
    command.add_argument("--model", metavar="FILE", type=read_path, help="generator.safetensors of a run; or")
    command.add_argument("--images", metavar="DIR", type=read_path, help="folder or archive of pictures to be scored")
    command.add_argument("--data", metavar="CACHE", type=read_path, required=True, help="real pictures to compare with")
    command.add_argument("--split", choices=("train", "test", "val"), help="of --data; the rest is for the floor")
    command.add_argument(
        "--floor", metavar="CACHE", type=read_path, help="other real pictures, for the floor (default: half of --data)"
    )
    command.add_argument("--protocol", choices=tuple(_DEFAULTS), default="standard", help="default %(default)s")
    command.add_argument("--n", type=int, help="pictures to be scored (default 10000; 3000 by the paper's protocol)")
    command.add_argument("--by-style", action="store_true", help="against the real pictures of each style as well")
    command.add_argument(
        "--trained-on", metavar="CACHE", type=read_path, help="look for generated pictures that repeat one of these"
    )
    command.add_argument("--extractor", help="feature network (default inception-2015; the paper's by its protocol)")
    command.add_argument(
        "--layer", help="of the feature network, by its dimensions (default: the deepest that the weights have)"
    )
    command.add_argument("--weights", metavar="FILE", type=read_path, help="of the feature network")
    command.add_argument("--seed", type=int, default=0, help="default %(default)s")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    command.add_argument("--offline", action="store_true", help="fetch nothing")
    command.add_argument("--out", metavar="FILE", type=read_path, help="scores and card (build/scores/NAME.json)")


def evaluate(options: argparse.Namespace) -> int:
    """Score a generator, or a folder of pictures, against real ones."""
    from artgan_lib.evaluation.protocols import evaluate, evaluate_as_paper, evaluate_by_style
    from artgan_lib.evaluation.reference import choose_reference
    from artgan_lib.interface.figures import save_figure
    from artgan_lib.interface.figures_scores import score_sheet
    from artgan_lib.runlog import write_json

    paper = options.protocol == "paper"
    extractor = _extractor(options)
    reference = choose_reference(
        options.data, split=options.split, floor=options.floor, halves=not paper, seed=options.seed
    )
    scored = _scored(options, reference.size)
    named = {"about_fake": (options.model or options.images).name, "about_real": reference.about}
    named["about_floor"] = reference.about_others
    shared = {"split": reference.split, "seed": options.seed, "progress": progress()}
    if paper:
        others = reference.others.images if len(reference.others.images) else None
        found = evaluate_as_paper(scored.images, reference.real.images, others, extractor, **named, **shared)
    else:
        found = evaluate(
            scored.images,
            reference.real.images,
            reference.others.images,
            extractor,
            left_out=reference.left_out,
            **named,
            **shared,
        )
        if options.by_style:
            found = evaluate_by_style(
                found, scored, reference.real, reference.others, extractor, progress=shared["progress"]
            )
    tell(found)
    out = options.out or Path("build/scores") / f"{(options.model or options.images).stem}.json"
    told = found.to_dict()
    if options.trained_on:
        told["memorization"] = _look_for_copies(options, scored, reference.real, extractor, out)
    print(write_json(out, told))
    print(save_figure(score_sheet(told, scored.images), out.with_suffix(".png")))
    return 0


def tell(found: "Evaluation") -> None:
    """Print scores, what they were measured on, and what a reader has to know."""
    card = found.card
    print(f"{card.name} and others, {card.fake_count:,} pictures against {card.real}, {card.real_count:,} pictures")
    print(f"{'':<{_WIDTH}} {'here':>10} {'real':>10}  better")
    _tell_scores(found.scores)
    for style, scores in found.styles.items():
        print(style)
        _tell_scores(scores)
    if card.left_out:
        print(f"note: {card.left_out} real pictures nearly stand among the others, too, and were left out")
    for warning in card.warnings:
        print(f"note: {warning}")


def _tell_scores(scores: "Sequence[Score]") -> None:
    from artgan_lib.interface.figures_scores import in_thousandths

    for score in scores:
        if score.value is None:
            print(f"{score.name:<{_WIDTH}} {score.note}")
            continue
        name, times = in_thousandths(score.name)
        spread = f"  ± {times * score.sd:.3f} over subsets" if score.sd is not None else ""
        here, real = (f"{times * value:.3f}" if value is not None else "–" for value in (score.value, score.floor))
        print(f"{name:<{_WIDTH}} {here:>10} {real:>10}  {score.better}{spread}")


def _extractor(options: argparse.Namespace) -> "Extractor":
    """Check what was asked for, and load the feature network, before any work starts."""
    from artgan_lib.evaluation.features import load_extractor
    from artgan_lib.gan.models import choose_device
    from artgan_lib.randomness import check_seed

    if (options.model is None) == (options.images is None):
        raise ArtganError("name what is to be scored by either --model or --images")
    own, count = _DEFAULTS[options.protocol]
    if options.protocol == "paper" and options.extractor not in (None, own):
        raise ArtganError(
            f"the paper's protocol measures with {own}, not with {options.extractor}; leave --extractor out"
        )
    if options.protocol == "paper" and (options.by_style or options.trained_on):
        raise ArtganError("the paper's protocol is one number; --by-style and --trained-on belong to the standard one")
    options.n = count if options.n is None else options.n
    if options.n < 2:
        raise ArtganError(f"scores need at least two pictures, not {options.n}")
    check_seed(options.seed)
    device = choose_device(options.device)
    return load_extractor(
        options.extractor or own, options.layer, weights=options.weights, device=device, download=not options.offline
    )


def _scored(options: argparse.Namespace, size: int) -> "Labelled":
    """Return the pictures that are to be scored."""
    import numpy as np

    from artgan_lib.config import IMAGE_SIZE
    from artgan_lib.evaluation.reference import Labelled, open_scored
    from artgan_lib.gan.checkpoints import load_generator
    from artgan_lib.gan.models import choose_device
    from artgan_lib.gan.sampling import sample
    from artgan_lib.images import truncated

    paper = options.protocol == "paper"
    if options.images:
        found = open_scored(options.images, size)
        order = np.sort(np.random.default_rng(options.seed).permutation(len(found.images))[: options.n])
        found = found.take(order)  # not the first ones: they may be of one style
        return Labelled(truncated(found.images), found.styles) if paper else found
    if size != IMAGE_SIZE:
        raise ArtganError(f"a generator paints {IMAGE_SIZE} pixels, and the real pictures have {size}")
    generator, _ = load_generator(options.model)
    painted = sample(generator.to(choose_device(options.device)), options.seed, options.n, truncate=paper)
    return Labelled(painted)


def _look_for_copies(
    options: argparse.Namespace, scored: "Labelled", held_out: "Labelled", extractor: "Extractor", out: Path
) -> dict[str, float | int | str]:
    """Compare distances to the training pictures, and draw the nearest pairs beside the scores, for your eyes only."""
    import functools

    from artgan_lib.data.dataset import open_cache
    from artgan_lib.evaluation.features import features_of
    from artgan_lib.evaluation.memorization import memorization, nearest
    from artgan_lib.interface.figures import save_figure
    from artgan_lib.interface.figures_scores import neighbour_sheet

    training, shown = open_cache(options.trained_on).images, progress()
    sets = {"generated": scored.images, "held-out": held_out.images, "training": training}
    mine, theirs, known = (
        features_of(images, extractor, functools.partial(shown, name)) for name, images in sets.items()
    )
    found, usual = nearest(mine, known), nearest(theirs, known)
    numbers = memorization(found.distances[:, 0], usual.distances[:, 0])
    print(
        f"nearest training picture: {numbers.generated:.3f} away (held-out pictures {numbers.held_out:.3f}); a "
        f"generated picture is the nearer one in {numbers.nearer:.0%} of all pairs, and {numbers.suspicious:.1%} are "
        "nearer than all but 1 % of the held-out ones"
    )
    figure = neighbour_sheet(scored.images, training, found)
    print(save_figure(figure, out.with_name(f"{out.stem}_neighbours.png")), "(shows paintings: look, do not publish)")
    return {"training": options.trained_on.name, "training_count": len(training), **numbers._asdict()}


def progress() -> Callable[[str, int], None]:
    """Return a function that shows how many pictures of a set are looked at."""
    from artgan_lib.interface.terminal import interactive

    said: dict[str, int] = {}

    def show(name: str, done: int) -> None:
        if done // 500 > said.get(name, 0) // 500 or (interactive() and done != said.get(name)):
            end = "\r" if interactive() else "\n"
            sys.stdout.write(f"looking at {name} pictures: {done:,}{end}")
            sys.stdout.flush()
        said[name] = done

    return show
