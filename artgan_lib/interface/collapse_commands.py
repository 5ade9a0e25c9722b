"""What the commands of `artgan` do about mode collapse: read events from runs, and calibrate the rule."""

import argparse
import json
from pathlib import Path

from artgan_lib.interface.arguments import Subparsers, add_command, read_path

CALIBRATION = Path("data/results/collapse_calibration.json")


def register(subparsers: Subparsers) -> None:
    """Describe the commands of this module."""
    command = add_command(subparsers, "collapse", collapse, "tell when runs collapsed, and how often")
    command.add_argument("runs", metavar="RUN", nargs="+", type=read_path, help="folder or log of a watched run")

    command = add_command(subparsers, "calibrate", calibrate, "set the thresholds of the rule of collapse, and test it")
    command.add_argument("--data", metavar="CACHE", type=read_path, help="real paintings, beside the synthetic looks")
    command.add_argument("--healthy", type=int, help="healthy samplers on each (default 60)")
    command.add_argument("--others", type=int, help="samplers of each collapsed kind on each (default 12)")
    command.add_argument("--seed", type=int, default=0, help="default %(default)s")
    command.add_argument("--out", metavar="FILE", type=read_path, default=CALIBRATION, help="default %(default)s")


def collapse(options: argparse.Namespace) -> int:
    """List each run's events, its frequency, and how many runs collapsed."""
    from artgan_lib.evaluation.collapse import collapse_events, collapse_frequency, collapsed_of, read_run_log

    logs = [read_run_log(path) for path in options.runs]
    for path, log in zip(options.runs, logs, strict=True):
        events, epochs = collapse_events(log), int(log["epoch"].iloc[-1])
        print(f"{path}: {collapse_frequency(events, epochs).text}")
        for event in events:
            until = f"to {event.end_epoch - 1}" if event.end_epoch else f"to the end ({epochs})"
            seen = f"{event.start_images:,} images"
            print(
                f"  epochs {event.start_epoch} {until}, from {seen}: {event.signal.replace('_', ' ')} "
                f"{event.value:.2f}, alarming from {event.threshold:.2f}"
            )
    if len(logs) > 1:
        print(f"collapsed: {collapsed_of(logs).text}, a 95 % interval by Wilson")
    return 0


def calibrate(options: argparse.Namespace) -> int:
    """Measure samplers of known modes, set the thresholds on one half and judge them on the other."""
    from artgan_lib.data.cache import open_cache
    from artgan_lib.errors import ArtganError
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
