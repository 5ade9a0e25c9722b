"""How large a benchmark is: as the table asks, or as small as a test can bear."""

from dataclasses import dataclass

from artgan_lib import TrainConfig, preset


@dataclass(frozen=True)
class Sizes:
    """Sizes of all rows; the fields' values are those of the table."""

    rounds: int = 5  # pairs of each row
    steps: int = 50  # iterations between two looks at the clock, on a GPU
    width: int | None = None  # of the networks; None is the paper's
    batch: int | None = None
    pictures: int = 2048
    paintings: int | None = None  # of the shared archive; None takes its train split
    epochs: int = 20  # through the cache, between two looks
    enlarged: tuple[int, int] = (8, 4)  # pictures to 256 and to 1024 pixels
    painted: int = 100
    growing: tuple[int, int] = (12, 40)  # pictures at 1024 pixels
    features: int = 64
    feature_batch: int = 32
    growth: tuple[int, ...] = (1000, 4000, 16_000, 64_000)

    def config(self, variant: str) -> TrainConfig:
        """Return a variant at the size of the table."""
        settings = {"width": self.width, "batch_size": self.batch}
        return preset(variant, **{name: value for name, value in settings.items() if value is not None})


TABLE = Sizes()
TOY = Sizes(
    rounds=1,
    steps=2,
    width=2,
    batch=4,
    pictures=16,
    paintings=12,
    epochs=1,
    enlarged=(2, 1),
    painted=4,
    growing=(1, 2),
    features=4,
    feature_batch=2,
    growth=(8, 16),
)
