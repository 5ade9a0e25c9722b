"""The texts of the generation panel in every language that it speaks: one file a language in `texts`.

Sentences that the library itself raises stay English: they stand under a sentence of the panel's, as its detail.
"""

import json
from pathlib import Path
from typing import Any

from artgan_lib.config import known
from artgan_lib.errors import ArtganError

LANGUAGES = {"en": "English", "uk": "Українська"}

TEXTS: dict[str, dict[str, str]] = {
    language: json.loads((Path(__file__).parent / "texts" / f"{language}.json").read_text(encoding="utf-8"))
    for language in LANGUAGES
}
"""Language -> key -> text; `{gaps}` are filled by `Texts`."""


class RefusalError(ArtganError):
    """What the panel refuses, as the key of a text, so that it is told in the language of the panel.

    Args:
        key: Of the text.
        detail: What stands in the fold below it; English, as the library tells it.
        values: For the gaps of the text.
    """

    def __init__(self, key: str, detail: str = "", **values: Any) -> None:
        super().__init__(Texts("en")(key, **values))
        self.key, self.detail, self.values = key, detail, values


class Texts:
    """The texts in one language.

    Raises:
        ArtganError: If the panel does not speak it.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = known(language, LANGUAGES, "language")

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text with its gaps filled."""
        return TEXTS[self.language][key].format(**values)

    def name(self, upscaler: str | None) -> str | None:
        """Return what the menu calls an enlarger, or two that followed one another; others keep their own names."""
        parts = [part.removesuffix("-fp16") for part in (upscaler or "").split("+")]
        return " + ".join(self(part) if part in TEXTS[self.language] else part for part in parts) or None

    def times(self, count: int) -> str:
        """Say how many times as far."""
        return f"{self.number(count)} {self(f'time_{self._form(count)}')}"

    def _form(self, count: int) -> str:
        """Return which form of a word a number asks for: that of `one`, of a `few`, or of `many`."""
        tens, ones = count % 100, count % 10
        if self.language == "en":
            return "one" if count == 1 else "many"
        if 10 < tens < 20 or ones == 0 or ones > 4:
            return "many"
        return "one" if ones == 1 else "few"

    def pictures(self, count: int, *, accusative: bool = False) -> str:
        """Count pictures, with the form of the word that number and case ask for."""
        form = self._form(count)
        case = "_accusative" if accusative and form == "one" else ""
        return f"{count} {self(f'picture_{form}{case}')}"

    def duration(self, seconds: float) -> str:
        """Write a time as a person would."""
        if seconds < 100:
            return self("seconds", n=max(1, round(seconds)))
        return self("minutes", n=round(seconds / 60))

    def number(self, number: int) -> str:
        """Write a whole number, its thousands apart."""
        return f"{number:,}".replace(",", self("thousands"))

    def score(self, score: float) -> str:
        """Write a score: four decimals at most, and no sign of what is rounded away."""
        shown = f"{score:.4f}".rstrip("0").rstrip(".")
        return "0" if shown == "-0" else shown.replace(".", self("decimal"))

    def megabytes(self, size: int) -> str:
        """Write a number of bytes as a person would."""
        if size < 100_000:
            return self("kilobytes", n=max(1, round(size / 1000)))
        shown = f"{size / 1e6:.1f}" if size < 9.95e6 else f"{size / 1e6:.0f}"
        return self("megabytes", n=shown.replace(".", self("decimal")))
