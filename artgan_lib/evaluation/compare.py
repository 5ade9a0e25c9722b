"""The paper's Table 3 with our runs beside it, made from run folders alone.

Owns which runs share a column, the rows of scores, and the table's forms. Rows without scores are left to `quantities`,
what a number was measured with to `cards`, when a run has collapsed to `collapse.rule`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import PAPER_FID, MetricCard, is_distance, is_kernel_distance, require_alike
from artgan_lib.evaluation.quantities import NONE, NOT_MEASURED, QUANTITIES, Cell, over
from artgan_lib.evaluation.records import RunRecord, read_run
from artgan_lib.presets import VARIANTS, preset

if TYPE_CHECKING:
    import pandas as pd

    from artgan_lib.config import TrainConfig

__all__ = ["Comparison", "Row", "RunRecord", "compare", "read_paper", "read_run"]


class Row(NamedTuple):
    """A quantity, in the paper and here."""

    quantity: str
    paper: dict[str, Cell]  # by the paper's variants
    here: dict[str, Cell]  # by our columns
    comparable: str  # yes, in part or no
    why: str


@dataclass(frozen=True)
class Comparison:
    """Table 3, twice: every row says whether its two halves may be compared."""

    columns: dict[str, str]  # ours: the variant of each
    rows: list[Row]
    runs: dict[str, list[str]]  # names of the runs in each column
    cards: dict[str, dict[str, Any]]  # by the Frechet distance's name

    def to_frame(self) -> "pd.DataFrame":
        """Return the table as it is read: a row a quantity, texts."""
        import pandas as pd

        table = []
        for row in self.rows:
            line = {"": row.quantity}
            for column, variant in self.columns.items():
                if variant in row.paper:
                    line[f"{variant}, paper"] = row.paper[variant].text
                line[f"{column}, here"] = row.here[column].text
            table.append(line | {"comparable": row.comparable})
        return pd.DataFrame(table).set_index("")

    def to_markdown(self) -> str:
        """Return the table in markdown, then why each row may be compared or not."""
        frame = self.to_frame()
        lines = [["", *frame.columns], ["---"] * (len(frame.columns) + 1), *map(list, frame.itertuples())]
        table = "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
        return f"{table}\n{self.remarks()}"

    def remarks(self) -> str:
        """Return in markdown what of the table may be compared, and why not."""
        alike: dict[tuple[str, str], list[str]] = {}
        for row in self.rows:
            alike.setdefault((row.comparable, row.why), []).append(row.quantity)
        told = "".join(f"- **{', '.join(names)}** ({how}): {why}.\n" for (how, why), names in alike.items())
        cards = "".join(
            f"- **{name}** here: {card['extractor']}, layer {card['layer']}, {card['fake_count']:,} generated against "
            f"{card['real_count']:,} real pictures ({card['real']})"
            + "".join(f"; {warning}" for warning in card["warnings"])
            + ".\n"
            for name, card in self.cards.items()
        )
        return told + cards

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON values."""
        rows = [
            row._asdict()
            | {side: {k: cell._asdict() for k, cell in getattr(row, side).items()} for side in ("paper", "here")}
            for row in self.rows
        ]
        return {"columns": self.columns, "runs": self.runs, "rows": rows, "cards": self.cards}


def compare(runs: Sequence[RunRecord], paper: Path | str) -> Comparison:
    """Set runs beside the paper's Table 3. Runs that differ in their seed alone share a column, as mean and spread.

    Args:
        runs: From `read_run`.
        paper: The table as `data/paper/table3.csv`.

    Raises:
        ArtganError: If there is no run, or two runs have scores of one name whose cards differ.
    """
    if not runs:
        raise ArtganError("there is nothing to compare: name the folder of at least one run")
    told = read_paper(paper)
    columns = _columns(runs)
    variants = {name: group[0].config.variant for name, group in columns.items()}
    shown = [variant for variant in VARIANTS if variant in variants.values()]

    rows = []
    for quantity in QUANTITIES:
        theirs = {variant: quantity.paper(told[variant], preset(variant)) for variant in shown}
        ours = {name: quantity.here(group) for name, group in columns.items()}
        rows.append(Row(quantity.name, theirs, ours, quantity.comparable, quantity.why))
    scored, cards = _score_rows(columns, shown)
    if not any(row.quantity == PAPER_FID for row in scored):
        scored.insert(0, _score_row(PAPER_FID, shown, dict.fromkeys(columns, Cell(NOT_MEASURED))))
    for row in scored:
        if row.quantity == PAPER_FID:
            row.paper.update({variant: Cell(text := told[variant]["final FID"], float(text)) for variant in shown})
    names = {name: [run.name for run in group] for name, group in columns.items()}
    return Comparison(variants, rows + scored, names, cards)


def _score_rows(columns: dict[str, list[RunRecord]], shown: list[str]) -> tuple[list[Row], dict[str, dict[str, Any]]]:
    """Make a row of each score that any run has; cards of one name must be alike."""
    cards: dict[str, list[MetricCard]] = {}
    names: dict[str, str] = {}  # of a score: the card's
    for group in columns.values():
        for run in group:
            for scores, card in run.scores:
                cards.setdefault(card.name, []).append(card)
                names |= dict.fromkeys((_row_name(name, card) for name in scores), card.name)
    for alike in cards.values():
        require_alike(alike)
    rows = []
    for name, of_card in names.items():
        here = {}
        for column, group in columns.items():
            found = [
                score
                for run in group
                for scores, card in run.scores
                for key, score in scores.items()
                if card.name == of_card and _row_name(key, card) == name
            ]
            floors = [score["floor"] for score in found if score["floor"] is not None]
            form = ".5f" if is_kernel_distance(name) else ".3f"
            here[column] = over((score["value"] for score in found), form, floors)
        rows.append(_score_row(name, shown, here))
    return rows, {name: alike[0].to_dict() for name, alike in cards.items()}


def _row_name(score: str, card: MetricCard) -> str:
    """Name a score so that it tells its features, which precision and its like do not by themselves."""
    return score if is_distance(score) else f"{score} ({card.name})"


def _score_row(name: str, shown: list[str], here: dict[str, Cell]) -> Row:
    if name == PAPER_FID:
        why = (
            "the paper's FID protocol, comparable by its steps, yet made with other real pictures, and 3,000 of them: "
            "the bias is large. The paper gives no floor. No other row may be set beside it"
        )
        return Row(name, dict.fromkeys(shown, Cell(NONE)), here, "in part", why)
    why = "not measured in the paper; to be compared with its floor, which is what other real pictures get"
    return Row(name, dict.fromkeys(shown, Cell(NONE)), here, "no", why)


def _columns(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Put runs that differ in their seed alone under one name: the variant, and what tells it from its namesakes."""
    groups: dict[TrainConfig, list[RunRecord]] = {}
    for run in runs:
        groups.setdefault(replace(run.config, seed=0), []).append(run)
    columns = {}
    order = [*VARIANTS, *sorted({config.variant for config in groups} - set(VARIANTS))]
    for config in sorted(groups, key=lambda config: order.index(config.variant)):
        namesakes = [other.to_dict() for other in groups if other.variant == config.variant]
        differ = [
            f"{key}={value}"
            for key, value in config.to_dict().items()
            if any(other[key] != value for other in namesakes)
        ]
        columns[" ".join([config.variant, *differ])] = groups[config]
    return columns


def read_paper(path: Path | str) -> dict[str, dict[str, str]]:
    """Read the paper's Table 3: by variant, what it says of each quantity.

    Raises:
        ArtganError: If the file is not that table.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("quantity")
        return {variant: {str(k): str(v) for k, v in table[variant].items()} for variant in VARIANTS}
    except (OSError, KeyError, ValueError):
        raise ArtganError(
            f"{path} is not the paper's Table 3; it comes with a clone as data/paper/table3.csv"
        ) from None
