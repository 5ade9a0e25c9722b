"""What the commands of `artgan` do about mode collapse: read events from runs, and calibrate the rule."""

import argparse
import json
from pathlib import Path

from artgan_lib.errors import ArtganError
from artgan_lib.interface.arguments import Subparsers, add_command, read_path

CALIBRATION = Path("data/results/collapse_calibration.json")


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

    command = add_command(subparsers, "calibrate", calibrate, "set the thresholds of the rule of collapse, and test it")
    command.add_argument("--data", metavar="CACHE", type=read_path, help="real paintings, beside the synthetic looks")
    command.add_argument("--healthy", type=int, help="healthy samplers on each (default 96)")
    command.add_argument("--others", type=int, help="samplers of each collapsed kind on each (default 24)")
    command.add_argument("--seed", type=int, default=0, help="default %(default)s")
    command.add_argument("--out", metavar="FILE", type=read_path, default=CALIBRATION, help="default %(default)s")


def collapse(options: argparse.Namespace) -> int:
    """List each run's events and frequency, and how many runs collapsed; measure a generator as it stands."""
    from artgan_lib.evaluation.collapse import collapse_events, collapse_frequency, collapsed_of, log_of
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
    from artgan_lib.evaluation.collapse import THRESHOLDS, alarming
    from artgan_lib.evaluation.collapse_signals import Reference
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


def calibrate(options: argparse.Namespace) -> int:
    """Measure samplers of known modes, set the thresholds on one half and judge them on the other."""
    from artgan_lib.data.dataset import open_cache
    from artgan_lib.evaluation import collapse_calibration as calibration
    from artgan_lib.evaluation.collapse import THRESHOLDS
    from artgan_lib.evaluation.collapse_samplers import painted_world, samplers, synthetic_world
    from artgan_lib.interface.terminal import counter
    from artgan_lib.runlog import write_atomic, write_json

    healthy = calibration.HEALTHY if options.healthy is None else options.healthy
    others = calibration.OTHERS if options.others is None else options.others
    if min(healthy, others) < calibration.FEWEST:
        raise ArtganError(f"two halves need at least {calibration.FEWEST} samplers of a kind, one of each hand in each")
    worlds = [synthetic_world(seed=options.seed)]
    if options.data:
        paintings = open_cache(options.data)
        worlds.append(painted_world(paintings.images, paintings.labels, seed=options.seed))
    told = counter("measuring samplers")
    made = [sampler for world in worlds for sampler in samplers(world, healthy, others, options.seed)]
    measured = calibration.measure(made, told)
    found = calibration.report(measured, seed=options.seed)
    print(f"{'':<18}" + "".join(f"{world.name:>20}" for world in worlds))
    for kind in ("false alarms", *next(iter(found["held_out"]["detected"].values()))):
        cells = [
            found["held_out"]["false_alarms"][world.name]
            if kind == "false alarms"
            else found["held_out"]["detected"][world.name][kind]
            for world in worlds
        ]
        print(f"{kind:<18}" + "".join(f"{cell['count']:>14} of {cell['of']:<2}" for cell in cells))
    print("thresholds: " + ", ".join(f"{name} {value:g}" for name, value in found["thresholds"].items()))
    if found["thresholds"] != THRESHOLDS:
        print("note: the library's are " + ", ".join(f"{name} {value:g}" for name, value in THRESHOLDS.items()))
    lines = "".join(json.dumps(one.to_dict()) + "\n" for one in measured)
    print(write_atomic(options.out.with_suffix(".samplers.jsonl"), lines))
    print(write_json(options.out, found))
    return 0
