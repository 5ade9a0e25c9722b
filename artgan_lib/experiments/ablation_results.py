"""What the runs of an ablation show: their scores, one table of all, and how sure a difference is.

How the runs came about is left to `ablation`, drawing to `interface`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import MetricCard, require_alike
from artgan_lib.evaluation.features import Extractor, features_of
from artgan_lib.evaluation.metrics import Kernel, Manifold, kernel_distance, manifold_scores
from artgan_lib.evaluation.protocols import Evaluation, Score
from artgan_lib.evaluation.records import read_run
from artgan_lib.experiments.ablation import SCHEMES, Planned, is_done
from artgan_lib.gan.checkpoints import load_generator
from artgan_lib.gan.sampling import sample
from artgan_lib.images import fingerprint
from artgan_lib.runlog import write_json

if TYPE_CHECKING:
    import pandas as pd


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
        if not is_done(path, planned.config):
            raise ArtganError(f"{path} is not done; train it first, the same command goes on")
    for planned, path in paths.items():
        if (path / "scores.json").exists():
            continue
        pictures = sample(load_generator(path / "generator.safetensors")[0], planned.seed, count)
        found = score(pictures, planned)
        write_json(path / "scores.json", found.to_dict())
        yield planned, found


def kernel_scorer(
    real: np.ndarray, others: np.ndarray, extractor: Extractor, about: str
) -> Callable[[np.ndarray, Planned], Evaluation]:
    """Return what scores pictures without a Frechet distance: the kernel distance has no bias, so few pictures do.

    Args:
        real: Pictures to compare with, uint8 (M, 64, 64, 3).
        others: Other real ones, for the floor.
        extractor: From `load_extractor`.
        about: What the card says of the real pictures.
    """
    features = {"real": features_of(real, extractor), "others": features_of(others, extractor)}

    def compare(found: np.ndarray) -> tuple[Kernel, Manifold]:
        some = features["real"][np.random.default_rng(0).permutation(len(real))[: len(found)]]
        return kernel_distance(features["real"], found, size=1000), manifold_scores(some, found[: len(some)])

    def score(pictures: np.ndarray, planned: Planned) -> Evaluation:
        (kernel, manifold), (floor, floors) = (
            compare(np.concatenate(list(extractor.batches([pictures])))),
            compare(features["others"][: len(pictures)]),
        )
        card = MetricCard(
            protocol="standard",
            real=about,
            real_hash=fingerprint(real),
            real_count=len(real),
            fake=planned.name,
            fake_hash=fingerprint(pictures),
            fake_count=len(pictures),
            seed=0,
            frechet=False,
            **extractor.provenance,
        )
        scores = [Score(card.kernel_name, kernel.mean, floor.mean, kernel.sd)]
        scores += [
            Score(name, value, floors._asdict()[name], better="higher") for name, value in manifold._asdict().items()
        ]
        return Evaluation(scores, card)

    return score


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
