"""What the commands of `artgan enlarger` do: train an enlarger of our own and judge it beside others."""

import argparse
from pathlib import Path

from artgan_lib.interface.arguments import Subparsers, add_command, read_path


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    enlarger = subparsers.add_parser(
        "enlarger", help="train and judge an enlarger of our own", description="Train and judge an enlarger of our own."
    )
    steps = enlarger.add_subparsers(required=True, metavar="STEP", title="steps")
    command = add_command(steps, "train", enlarger_train, "train it on paintings, or go on where it stood")
    command.add_argument("--data", metavar="CACHE", required=True, help="paintings at 256 pixels")
    command.add_argument(
        "--run-dir", metavar="RUN", type=read_path, default=Path("runs/enlarger"), help="default %(default)s"
    )
    command.add_argument("--budget", type=float, default=float("inf"), metavar="MINUTES", help="end after so many")
    command.add_argument("--steps", type=int, help="updates in all")
    command.add_argument("--pixels-only", action="store_true", help="compare no features of SqueezeNet")
    command.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")

    command = add_command(steps, "judge", enlarger_judge, "compare enlargers on paintings that were not trained on")
    command.add_argument("--data", metavar="CACHE", required=True, help="paintings at 256 pixels, not trained on")
    command.add_argument("--limit", type=int, help="the first so many")
    command.add_argument(
        "--upscaler", action="append", default=[], help="a name or file; may be repeated (default: all at hand)"
    )
    command.add_argument("--precision", default="float32", help="float32 (default) or auto")
    command.add_argument("--out", metavar="FILE", type=read_path, default=Path("build/enlarger.json"), help="numbers")


def enlarger_judge(options: argparse.Namespace) -> int:
    """Compare enlargers."""
    from artgan_lib.data.dataset import open_cache
    from artgan_lib.evaluation.perceptual import load_squeezenet
    from artgan_lib.experiments.judging import clearly_better, judge_enlargers
    from artgan_lib.interface.terminal import counter
    from artgan_lib.runlog import write_json
    from artgan_lib.studio.upscaling import BICUBIC, DEFAULT, INTERPOLATIONS, OWN, available, load_upscaler

    names = options.upscaler or [name for name in (*INTERPOLATIONS, OWN, DEFAULT) if available(name)]
    names = list(dict.fromkeys([BICUBIC, *names]))
    loaded = [load_upscaler(name, download=False, precision=options.precision) for name in names]
    upscalers = {upscaler.name: upscaler for upscaler in loaded}
    paintings = open_cache(options.data).images[: options.limit]
    found = judge_enlargers(upscalers, paintings, load_squeezenet(), progress=counter("enlarging"))
    found["precision"] = {name: upscaler.precision for name, upscaler in upscalers.items()}
    print(f"{'':<10} {'':<24} {'PSNR':>7} {'SSIM':>7} {'perceptual':>11}")
    for kind, rows in found["found"].items():
        for name, row in rows.items():
            numbers = f"{row['psnr']['mean']:>7.2f} {row['ssim']['mean']:>7.4f} {row['perceptual']['mean']:>11.4f}"
            better = "  clearly better than bicubic" if clearly_better(found, name, kind) else ""
            print(f"{kind:<10} {name:<24} {numbers}{better}")
    print(write_json(options.out, found))
    return 0


def enlarger_train(options: argparse.Namespace) -> int:
    """Train the enlarger; 130 if there is more to do."""
    from artgan_lib.data.dataset import open_cache
    from artgan_lib.evaluation.perceptual import load_squeezenet
    from artgan_lib.experiments.enlarger import EnlargerConfig, train_enlarger

    config = EnlargerConfig() if options.steps is None else EnlargerConfig(steps=options.steps)
    path, done = train_enlarger(
        config,
        open_cache(options.data).images,
        options.run_dir,
        minutes=options.budget,
        eyes=None if options.pixels_only else load_squeezenet(),
        device=options.device,
        progress=lambda line: print(
            f"step {line['step']:>6,} of {config.steps:,}  l1 {line['l1']:.4f}  perceptual {line['perceptual']:.4f}"
            f"  {line['seconds']:,.0f} s",
            flush=True,
        ),
    )
    print(f"{'done' if done else 'stopped; the same command goes on'} -> {path}")
    return 0 if done else 130
