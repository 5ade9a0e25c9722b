"""Does it matter how the first weights are drawn? Runs that differ in nothing else, over several seeds.

The paper's DCGAN-WI changes kernel, head and initial weights at once, so it cannot tell. Owns the plan, the runs and
the test of what they show; scores come from `evaluation`, figures are left to `interface`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import require_alike
from artgan_lib.evaluation.evaluate import Evaluation
from artgan_lib.evaluation.extractors import load_extractor
from artgan_lib.evaluation.metrics import vendi_score
from artgan_lib.evaluation.records import read_run
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.models import paint
from artgan_lib.gan.training import Callback, TrainResult, train
from artgan_lib.gan.updates import Networks
from artgan_lib.presets import preset
from artgan_lib.randomness import latents
from artgan_lib.runlog import read_log, write_json
from artgan_lib.studio.sampling import sample

if TYPE_CHECKING:
    import pandas as pd

SCHEMES = ("glorot-uniform", "glorot-normal", "normal", "uniform")
"""The paper's, as `TrainConfig.initial_weights` names them; the first is that of its DCGAN."""

QUARTER = {"width": 16, "batch_size": 32, "lr": 4e-4, "images_per_epoch": 1599}
"""A size that a processor can do: a quarter of the paper's width; 50 updates, 1,600 images, an epoch."""

PICTURES = 256
"""Pictures of fixed noise of which the variety is measured each epoch."""


@dataclass(frozen=True)
class Planned:
    """One run of the ablation."""

    scheme: str
    seed: int
    config: TrainConfig

    @property
    def name(self) -> str:
        """Of the run's folder."""
        return f"{self.config.variant}_{self.scheme}_seed{self.seed}"


def plan_ablation(base: str = "dcgan", seeds: Iterable[int] = range(3), images: int = 64_000) -> list[Planned]:
    """Plan the runs: seed by seed, so that a plan cut short is still balanced.

    Runs of one seed see the same pictures in the same order and the same noise; they differ in the first weights.

    Args:
        base: The variant that is kept but for its initial weights.
        seeds: One run of each scheme for each.
        images: Seen by each run, rounded down to whole epochs.

    Raises:
        ArtganError: If there is no such variant, or not one epoch fits.
    """
    settings: dict[str, Any] = dict(QUARTER)
    epoch = preset(base, **settings).steps_per_epoch * settings["batch_size"]
    if images < epoch:
        raise ArtganError(f"a run of the ablation sees at least one epoch of {epoch:,} images, not {images:,}")
    settings |= {"epochs": images // epoch, "checkpoint_every": max(1, images // epoch // 8)}
    return [
        Planned(scheme, seed, preset(base, **settings, initial_weights=scheme, seed=seed))
        for seed in seeds
        for scheme in SCHEMES
    ]


def run_ablation(
    plan: Sequence[Planned],
    images: np.ndarray,
    folder: Path | str,
    *,
    device: str = "auto",
    callbacks: Callable[[Planned], Sequence[Callback]] = lambda planned: (),
) -> Iterator[tuple[Planned, TrainResult]]:
    """Train every run that is not yet done, each in a folder of its own name; the same call goes on.

    Args:
        plan: From `plan_ablation`.
        images: uint8 (N, 64, 64, 3).
        folder: Of all runs.
        device: As `train` takes it.
        callbacks: What looks on at a run.

    Yields:
        Each run and where it has come to; after one that was interrupted, nothing more.
    """
    for planned in plan:
        path = Path(folder) / planned.name
        if _is_done(path, planned.config):  # even where its checkpoints were thrown away
            continue
        result = train(planned.config, images, path, device=device, callbacks=callbacks(planned), keep_every=0)
        yield planned, result
        if not result.finished:
            return


def score_ablation(
    plan: Sequence[Planned],
    folder: Path | str,
    count: int,
    score: Callable[[np.ndarray, Planned], Evaluation],
) -> Iterator[tuple[Planned, Evaluation]]:
    """Score every run that has no scores yet.

    The pictures are numbers 0 to `count` - 1 of the run's seed, so those of one seed are painted from the same noise.

    Args:
        plan: From `plan_ablation`.
        folder: Of all runs; each gets a `scores.json`.
        count: Pictures of each run.
        score: Given them, uint8 (count, 64, 64, 3), and their run.

    Yields:
        Each run and its scores.

    Raises:
        ArtganError: If a run is not done.
    """
    paths = {planned: Path(folder) / planned.name for planned in plan}
    for planned, path in paths.items():
        if not _is_done(path, planned.config):
            raise ArtganError(f"{path} is not done; train it first, the same command goes on")
    for planned, path in paths.items():
        if (path / "scores.json").exists():
            continue
        pictures = sample(load_generator(path / "generator.safetensors")[0], planned.seed, count)
        found = score(pictures, planned)
        write_json(path / "scores.json", found.to_dict())
        yield planned, found


def read_ablation(folder: Path | str, base: str = "dcgan") -> "pd.DataFrame":
    """Return a row for each run in a folder: scheme, seed, its scores, and means over the last quarter of its log.

    Raises:
        ArtganError: If there is no run of this variant, or the scores' cards differ.
    """
    import pandas as pd

    runs = [read_run(path.parent) for path in sorted(Path(folder).glob(f"{base}_*_seed*/config.json"))]
    if not runs:
        raise ArtganError(f"{folder} holds no runs of an ablation of {base}; `artgan ablation` makes them")
    require_alike([card for run in runs for _, card in run.scores])
    rows = []
    for run in runs:
        late = run.log.tail(max(1, len(run.log) // 4)).mean(numeric_only=True)
        row = {"scheme": run.config.initial_weights, "seed": run.config.seed, "images_seen": run.log.images_seen.max()}
        row |= {key: late[key] for key in ("loss_g_mean", "loss_d_mean", "vendi_ratio") if key in late}
        row |= {"score gap": late["score_real_mean"] - late["score_fake_mean"]}
        for scores, _ in run.scores:
            row |= {name: score["value"] for name, score in scores.items()}
            row |= {f"{name}, floor": score["floor"] for name, score in scores.items()}
        rows.append(row)
    table = pd.DataFrame(rows)
    table["scheme"] = pd.Categorical(table["scheme"], SCHEMES)
    return table.sort_values(["seed", "scheme"]).reset_index(drop=True)


def measures(table: "pd.DataFrame") -> list[str]:
    """Return the columns of `read_ablation` that measure something which is not real pictures alone."""
    return [
        name
        for name in table.columns
        if name not in ("scheme", "seed", "images_seen") and not name.endswith(", floor") and table[name].notna().all()
    ]


class Verdict(NamedTuple):
    """What an ablation shows of one measure."""

    measure: str
    means: dict[str, float]  # by scheme, over the seeds
    between: float  # standard deviation of those means
    within: float  # standard deviation over the seeds of a scheme, pooled over the schemes
    p: float  # share of shuffles within the seeds that set the means at least as far apart
    seeds: int

    @property
    def text(self) -> str:
        """Say it in a sentence."""
        means = ", ".join(f"{scheme} {mean:.3g}" for scheme, mean in self.means.items())
        return (
            f"{self.measure}: {means}; schemes differ by {self.between:.2g}, seeds of one scheme by {self.within:.2g} "
            f"(standard deviations); p = {self.p:.2g} from {self.seeds} seeds"
        )


def verdict(table: "pd.DataFrame", measure: str) -> Verdict:
    """Ask whether the schemes' means lie further apart than chance would set them.

    If the initial weights did not matter, the values of one seed could as well have come in any other order. So they
    are shuffled within each seed, in every way there is (at most 20,000 drawn ones), and the spread of the means is
    compared with what was found: a permutation test with the seeds as blocks. With 3 seeds and 4 schemes no p below
    24 / 13,824 = 0.0017 can come out.

    Args:
        table: From `read_ablation`; only seeds that have every scheme count.
        measure: One of its columns.

    Raises:
        ArtganError: If fewer than two seeds are whole.
    """
    from scipy.stats import permutation_test

    values = table.pivot_table(measure, "seed", "scheme", observed=True).dropna()
    if len(values) < 2:
        raise ArtganError(f"an ablation says nothing of {measure} with fewer than two seeds of every scheme")
    columns = [values[scheme].to_numpy() for scheme in values.columns]

    def spread(*of_schemes: np.ndarray, axis: int) -> np.ndarray:
        found: np.ndarray = np.std([scheme.mean(axis=axis) for scheme in of_schemes], axis=0)
        return found

    test = permutation_test(
        columns, spread, permutation_type="samples", vectorized=True, alternative="greater", n_resamples=20_000, rng=0
    )
    means = {str(scheme): float(values[scheme].mean()) for scheme in values.columns}
    return Verdict(
        measure,
        means,
        between=float(np.std(list(means.values()), ddof=1)),
        within=float(np.sqrt(np.mean([column.var(ddof=1) for column in columns]))),
        p=float(test.pvalue),
        seeds=len(values),
    )


def _is_done(path: Path, config: TrainConfig) -> bool:
    if not (path / "generator.safetensors").exists() or not (path / "log.jsonl").exists():
        return False
    log = read_log(path / "log.jsonl")
    return not log.empty and int(log["step"].iloc[-1]) == config.total_steps


class Variety(Callback):
    """Logs `vendi_ratio`: how many different pictures a generator paints, over as many as real ones count for.

    Both are Vendi scores of 256 pictures by their colours in a grid of 16 x 16 blocks (`random-projection`), the
    generated ones from the same noise each epoch. One is the variety of paintings, towards zero they are all alike.

    Args:
        config: Of the run.
        real: Pictures to compare with, uint8 (N, 64, 64, 3), at least 256.
    """

    def __init__(self, config: TrainConfig, real: np.ndarray) -> None:
        self.extractor = load_extractor("random-projection")
        chosen = np.sort(np.random.default_rng(config.seed).choice(len(real), PICTURES, replace=False))
        self.real = vendi_score(self.extractor.run(real[chosen]))
        self.noise = latents(config.seed, range(PICTURES), config.latent_dim)

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float]:
        """Count."""
        import torch

        device = next(networks.painter.parameters()).device
        batches = np.split(self.noise, 4)  # eval mode: a picture does not depend on its batch
        pictures = np.concatenate([paint(networks.painter, torch.from_numpy(noise).to(device)) for noise in batches])
        return {"vendi_ratio": vendi_score(self.extractor.run(pictures)) / self.real}
