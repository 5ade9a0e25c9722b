"""What the command `artgan collapse` does: read events of mode collapse from runs, and measure generators."""

import argparse
from pathlib import Path

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(
        subparsers, "collapse", collapse, "tell when runs collapsed, and how often, or whether generators are"
    )
    command.add_argument(
        "runs", metavar="RUN", nargs="+", type=read_path, help="folder or log of a watched run, or a generator file"
    )
    command.add_argument("--data", metavar="CACHE", type=read_path, help="real pictures to compare generators with")
    command.add_argument("--seed", type=int, default=0, help="of the generators' pictures (default %(default)s)")
    command.add_argument("--out", metavar="FILE", type=read_path, help="what was measured of generators, as JSON")


def collapse(options: argparse.Namespace) -> int:
    """List each run's events and frequency, and how many runs collapsed; measure a generator as it stands."""
    from artgan_lib.evaluation.collapse.rule import collapse_events, collapse_frequency, collapsed_of, log_of
    from artgan_lib.runlog import read_log

    models = [path for path in options.runs if path.suffix == ".safetensors"]
    runs = [path for path in options.runs if path not in models]
    logs = [read_log(log_of(path)) for path in runs]
    for path, log in zip(runs, logs, strict=True):
        events, epochs = collapse_events(log), int(log["epoch"].iloc[-1])
        print(f"{path}: {collapse_frequency(events, epochs).text}")
        for event in events:
            until = f"to {event.end_epoch - 1}" if event.end_epoch else f"to the end ({epochs})"
            seen = f"{event.start_images:,} images"
            print(
                f"  epochs {event.start_epoch} {until}, from {seen}: {_name(event.signal)} "
                f"{event.value:.2f}, alarming from {event.threshold:.2f}"
            )
    if len(logs) > 1:
        print(f"collapsed: {collapsed_of(logs).text}, a 95 % interval by Wilson")
    if models:
        _measure_generators(options, models)
    elif options.out:
        raise ArtganError("--out takes what was measured of generators, and none is named")
    return 0


def _measure_generators(options: argparse.Namespace, models: list[Path]) -> None:
    """Measure pictures of generator files beside real ones, and tell which are collapsed."""
    from artgan_lib.data.dataset import open_cache
    from artgan_lib.evaluation.collapse.rule import THRESHOLDS, alarming
    from artgan_lib.evaluation.collapse.signals import Reference
    from artgan_lib.gan.checkpoints import load_generator
    from artgan_lib.gan.sampling import sample
    from artgan_lib.runlog import write_json

    if options.data is None:
        raise ArtganError("a generator is compared with real pictures; name a cache by --data")
    real = open_cache(options.data)
    reference = Reference(real.images, real.labels, seed=options.seed)
    found = {}
    for path in models:
        pictures = sample(load_generator(path)[0], options.seed, reference.count)
        signals = {n: round(v, 4) for n, v in reference.signals(pictures)._asdict().items() if v is not None}
        alarm = alarming(signals)
        told = ", ".join(f"{_name(name)} {value:.2f}" for name, value in signals.items())
        state = f"collapsed ({_name(alarm)}, alarming from {THRESHOLDS[alarm]:.2f})" if alarm else "in order"
        print(f"{path}: {told}: {state}")
        found[path.stem] = signals | {"collapsed": alarm is not None}
    if options.out:
        card = {"seed": options.seed, "pictures": reference.count, "real": len(real.images), "thresholds": THRESHOLDS}
        print(write_json(options.out, card | {"generators": found}))


def _name(signal: str) -> str:
    return signal.replace("_", " ")
