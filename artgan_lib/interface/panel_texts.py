"""Every text of the generation panel, in every language that it speaks; a new language is a new column here.

Sentences that the library itself raises stay English: they stand under a sentence of the panel's, as its detail.
"""

from typing import Any

from artgan_lib.config import known
from artgan_lib.errors import ArtganError

LANGUAGES = {"en": "English", "uk": "Українська"}

TEXTS: dict[str, dict[str, str]] = {
    # Settings, by the interfaces of Fig. 2 that they travel on.
    "generation": {"en": "What to paint", "uk": "Що малювати"},
    "model": {"en": "Model", "uk": "Модель"},
    "learned": {
        "en": "Learned to paint from {paintings} pictures.",
        "uk": "Навчилася малювати на {paintings} картинах.",
    },
    "far": {
        "en": "By a program’s measure its pictures are {times} as far from real ones as those are from one another.",
        "uk": "За мірою програми її картини у {times} далі від справжніх, ніж справжні між собою.",
    },
    "near": {
        "en": "By a program’s measure its pictures are as near to real ones as real ones are to one another.",
        "uk": "За мірою програми її картини такі ж близькі до справжніх, як справжні між собою.",
    },
    "numbers": {"en": "In numbers", "uk": "У числах"},
    "score": {
        "en": "{name}, the distance: {value}; of real pictures: {floor}; lower is nearer.",
        "uk": "{name}, відстань: {value}; у справжніх: {floor}; менше — ближче.",
    },
    "score_alone": {
        "en": "{name}, the distance from real pictures: {value}; lower is nearer.",
        "uk": "{name}, відстань від справжніх: {value}; менше — ближче.",
    },
    "seen": {
        "en": "{variant}: trained with {images} looks at a picture.",
        "uk": "{variant}: за навчання роздивилася картини {images} разів.",
    },
    "variant": {"en": "A {variant}.", "uk": "Це {variant}."},
    "thousands": {"en": ",", "uk": "\u00a0"},
    "style": {"en": "Style", "uk": "Стиль"},
    "any_style": {"en": "any", "uk": "будь-який"},
    "number": {"en": "Pictures", "uk": "Картин"},
    "number_hint": {"en": "{count} at a time at most.", "uk": "Щонайбільше {count} за раз."},
    "too_large": {
        "en": "{value} is over the limit of {limit}, so {limit} is taken.",
        "uk": "{value} — понад межу {limit}, тож узято {limit}.",
    },
    "too_small": {
        "en": "{value} is under the least, {limit}, so {limit} is taken.",
        "uk": "{value} — менше за найменше, {limit}, тож узято {limit}.",
    },
    "seed": {"en": "Seed", "uk": "Зерно"},
    "surprise": {"en": "Surprise me", "uk": "Навмання"},
    "seed_hint": {
        "en": "Same seed, same pictures; 7:3 is number 3 of seed 7.",
        "uk": "Те саме зерно — ті самі картини; 7:3 — номер 3 зерна 7.",
    },
    "variety": {"en": "Variety", "uk": "Розмаїття"},
    "variety_full": {"en": "full", "uk": "повне"},
    "variety_less": {"en": "a little less", "uk": "трохи менше"},
    "variety_half": {"en": "half", "uk": "половина"},
    "variety_low": {"en": "little, safer", "uk": "мале, надійніше"},
    "enhancement": {"en": "How large", "uk": "Який розмір"},
    "size": {"en": "Pixels a side", "uk": "Пікселів"},
    "upscaler": {"en": "Enlarged by", "uk": "Збільшує"},
    "auto": {"en": "Real-ESRGAN", "uk": "Real-ESRGAN"},
    "RealESRGAN_x4plus": {"en": "Real-ESRGAN x4plus", "uk": "Real-ESRGAN x4plus"},
    "RealESRGAN_x4plus_anime_6B": {"en": "Real-ESRGAN, drawings", "uk": "Real-ESRGAN, малюнки"},
    "realesr-animevideov3": {"en": "Real-ESRGAN, animation", "uk": "Real-ESRGAN, анімація"},
    "realesr-general-x4v3": {"en": "Real-ESRGAN, quick", "uk": "Real-ESRGAN, швидка"},
    "bicubic": {"en": "bicubic, no network", "uk": "бікубічно, без мережі"},
    "lanczos": {"en": "Lanczos, no network", "uk": "Ланцош, без мережі"},
    "not_here": {"en": "{name} ↓", "uk": "{name} ↓"},
    "fetch_hint": {"en": "↓ is fetched first, once.", "uk": "↓ спершу завантажується, один раз."},
    "size_hint": {
        "en": "The model paints 64 × 64. Finer strokes are the enlarger's.",
        "uk": "Модель малює 64 × 64. Дрібніші штрихи додає збільшувач.",
    },
    "conversion": {"en": "Which file", "uk": "Який файл"},
    "format": {"en": "Format", "uk": "Формат"},
    "quality": {"en": "Quality", "uk": "Якість"},
    "lossless": {"en": "without loss", "uk": "без втрат"},
    "sheet": {"en": "Contact sheet as well", "uk": "Також контактний аркуш"},
    "folder": {"en": "Results", "uk": "Тека"},
    # Before, during and after a run.
    "paint": {"en": "Paint {pictures}", "uk": "Намалювати {pictures}"},
    "cancel": {"en": "Cancel", "uk": "Скасувати"},
    "estimate": {"en": "About {time}, {megabytes}", "uk": "Приблизно {time}, {megabytes}"},
    "estimating": {"en": "Estimating …", "uk": "Оцінюю …"},
    "no_estimate": {"en": "No estimate with these settings", "uk": "Для цих параметрів оцінки немає"},
    "estimate_later": {"en": "The estimate follows after this run", "uk": "Оцінка буде після цієї роботи"},
    "estimate_fetch": {
        "en": "No estimate: the enlarger is fetched first, once",
        "uk": "Оцінки немає: збільшувач спершу буде завантажено",
    },
    "ready": {"en": "Ready", "uk": "Готово до роботи"},
    "running": {"en": "Working", "uk": "Працюю"},
    "cancelling": {"en": "Stopping", "uk": "Зупиняю"},
    "done": {"en": "Done", "uk": "Зроблено"},
    "cancelled": {"en": "Cancelled", "uk": "Скасовано"},
    "failed": {"en": "Not done", "uk": "Не зроблено"},
    "loading": {"en": "loading the model", "uk": "завантажую модель"},
    "image generation": {"en": "painting", "uk": "малюю"},
    "image enhancement": {"en": "enlarging", "uk": "збільшую"},
    "image conversion": {"en": "converting", "uk": "перетворюю"},
    "results store": {"en": "saving", "uk": "зберігаю"},
    "progress": {"en": "{done} of {total} done", "uk": "готово {done} з {total}"},
    "progress_film": {"en": "{done} of {total} frames done", "uk": "готово {done} з {total} кадрів"},
    "left": {"en": "about {time} left", "uk": "ще приблизно {time}"},
    "made": {"en": "{pictures} in {time}", "uk": "{pictures} за {time}"},
    "made_film": {"en": "Film of {frames} frames in {time}", "uk": "Фільм, кадрів: {frames}, за {time}"},
    "kept": {"en": "{done} of {total} kept", "uk": "збережено {done} з {total}"},
    "seconds": {"en": "{n} s", "uk": "{n} с"},
    "minutes": {"en": "{n} min", "uk": "{n} хв"},
    "kilobytes": {"en": "{n} KB", "uk": "{n} КБ"},
    "megabytes": {"en": "{n} MB", "uk": "{n} МБ"},
    "decimal": {"en": ".", "uk": ","},
    "summary_seed": {"en": "seed {seed}", "uk": "зерно {seed}"},
    # The gallery.
    "empty": {
        "en": "Your pictures will appear here, one by one.",
        "uk": "Тут одна по одній з’являтимуться ваші картини.",
    },
    "empty_hint": {
        "en": "A model has looked at thousands of paintings and makes up new ones. It knows palettes, light and layout "
        "better than things, so expect moods rather than scenes.",
        "uk": "Модель роздивилася тисячі картин і вигадує нові. Палітру, світло й композицію вона знає краще, ніж "
        "предмети, тож чекайте радше настроїв, ніж сцен.",
    },
    "runs": {"en": "Show", "uk": "Показати"},
    "this_run": {"en": "newest pictures (open for earlier ones)", "uk": "найновіші картини (тут і давніші)"},
    "run": {"en": "{when} · {model} · seed {seed} · {pictures}", "uk": "{when} · {model} · зерно {seed} · {pictures}"},
    "run_film": {"en": "{when} · morph", "uk": "{when} · перетікання"},
    "enlarge": {"en": "Enlarge picture {name}", "uk": "Збільшити картину {name}"},
    "choose": {"en": "{name}", "uk": "{name}"},
    "film": {"en": "morph", "uk": "перетікання"},
    "chosen_none": {
        "en": "Click a picture to see it large; tick some to do more with them.",
        "uk": "Клацніть картину, щоб побачити її великою; позначте кілька, щоб зробити з ними більше.",
    },
    "chosen": {"en": "Chosen: {pictures}", "uk": "Вибрано: {pictures}"},
    "all": {"en": "Choose all", "uk": "Вибрати всі"},
    "none": {"en": "Choose none", "uk": "Зняти вибір"},
    "larger": {"en": "Again larger", "uk": "Ще раз, більші"},
    "morph": {"en": "Morph between two", "uk": "Перетікання двох"},
    "like": {"en": "More like this", "uk": "Ще схожих"},
    "zip": {"en": "Download all as zip", "uk": "Завантажити всі (zip)"},
    "download": {"en": "Download", "uk": "Завантажити"},
    "downloading": {"en": "Download {name} ({megabytes})", "uk": "Завантажити {name} ({megabytes})"},
    "back": {"en": "Back to all", "uk": "До всіх"},
    "origin": {"en": "Back to the pictures", "uk": "Назад до картин"},
    "previous": {"en": "Previous", "uk": "Попередня"},
    "next": {"en": "Next", "uk": "Наступна"},
    "picture": {"en": "picture {name}", "uk": "картина {name}"},
    "fact_recipe": {"en": "Recipe", "uk": "Рецепт"},
    "fact_seed": {"en": "Seed, number", "uk": "Зерно, номер"},
    "fact_model": {"en": "Model", "uk": "Модель"},
    "fact_size": {"en": "Size", "uk": "Розмір"},
    "fact_upscaler": {"en": "Enlarged by", "uk": "Збільшено"},
    "fact_variety": {"en": "Variety", "uk": "Розмаїття"},
    "fact_style": {"en": "Style", "uk": "Стиль"},
    "fact_file": {"en": "File", "uk": "Файл"},
    "language": {"en": "Language", "uk": "Мова"},
    "title": {"en": "Generation panel", "uk": "Панель генерації"},
    # What goes wrong, each in one sentence; {detail} is left to the fold below it.
    "detail": {"en": "What exactly?", "uk": "Що саме?"},
    "error_busy": {
        "en": "A run is going on; cancel it, or wait until it is done.",
        "uk": "Уже триває робота; скасуйте її або дочекайтеся кінця.",
    },
    "error_disk": {
        "en": "The disk is full; the pictures that are whole are kept. Make room and start again.",
        "uk": "Диск заповнено; готові картини збережено. Звільніть місце й почніть знову.",
    },
    "error_file": {
        "en": "A file or folder could not be used: {what}.",
        "uk": "Не вдалося скористатися файлом або текою: {what}.",
    },
    "error_model": {
        "en": "The model {name} cannot be read; choose another one.",
        "uk": "Модель {name} не читається; виберіть іншу.",
    },
    "error_no_models": {
        "en": "There is no model in {where}; train one, or name the folder of yours.",
        "uk": "У {where} немає моделей; навчіть модель або вкажіть теку зі своєю.",
    },
    "error_weights": {
        "en": "The enlarger {name} is not on this machine; choose another one, or size 64.",
        "uk": "Збільшувача {name} немає на цьому комп’ютері; виберіть інший або розмір 64.",
    },
    "error_input": {"en": "This cannot be done: {what}.", "uk": "Це неможливо: {what}."},
    "error_limit": {
        "en": "Here a run paints at most {count} pictures, at most {size} pixels a side.",
        "uk": "Тут за один раз — щонайбільше {count} картин, не більших за {size} пікселів.",
    },
    "error_gone": {
        "en": "This picture is not on the disk any more: {name}.",
        "uk": "Цієї картини вже немає на диску: {name}.",
    },
    "error_run_gone": {
        "en": "This run is not among the results any more: {name}.",
        "uk": "Цієї роботи вже немає серед результатів: {name}.",
    },
    "error_foreign": {
        "en": "This picture was painted by a model that is not in the list, {name}.",
        "uk": "Цю картину намалювала модель, якої немає у списку: {name}.",
    },
    "error_largest": {
        "en": "The chosen pictures have the largest size already.",
        "uk": "Вибрані картини вже найбільшого розміру.",
    },
    "error_two": {"en": "Choose exactly two pictures to morph between.", "uk": "Виберіть рівно дві картини."},
    "error_none": {"en": "Choose a picture first.", "uk": "Спершу виберіть картину."},
    "error_zip": {
        "en": "All together is too much for a browser; the pictures lie in {name}.",
        "uk": "Усі разом — забагато для браузера; картини лежать тут: {name}.",
    },
    "error_defect": {
        "en": "Something failed that should not; the panel can still be used.",
        "uk": "Сталася помилка, якої не мало бути; панеллю можна користуватися далі.",
    },
}

_PICTURES = {"en": ("picture", "pictures", "pictures"), "uk": ("картина", "картини", "картин")}

_TIMES = {"en": ("time", "times", "times"), "uk": ("раз", "рази", "разів")}


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
        return TEXTS[key][self.language].format(**values)

    def name(self, upscaler: str | None) -> str | None:
        """Return what the menu calls an enlarger, or two that followed one another; others keep their own names."""
        parts = [part.removesuffix("-fp16") for part in (upscaler or "").split("+")]
        return " + ".join(self(part) if part in TEXTS else part for part in parts) or None

    def times(self, count: int) -> str:
        """Say how many times as far."""
        return f"{self.number(count)} {_TIMES[self.language][self._form(count)]}"

    def _form(self, count: int) -> int:
        """Return which form of a word a number asks for: that of one, of a few, or of many."""
        tens, ones = count % 100, count % 10
        if self.language == "en":
            return 0 if count == 1 else 2
        if 10 < tens < 20 or ones == 0 or ones > 4:
            return 2
        return 0 if ones == 1 else 1

    def pictures(self, count: int, *, accusative: bool = False) -> str:
        """Count pictures, with the form of the word that number and case ask for."""
        form = self._form(count)
        word = "картину" if self.language == "uk" and accusative and form == 0 else _PICTURES[self.language][form]
        return f"{count} {word}"

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
