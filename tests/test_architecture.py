"""What holds the rooms of the library apart: direction of imports, public names, a light import, few needs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import artgan_lib

LIBRARY = Path(artgan_lib.__file__).parent
ROOMS = ("data", "gan", "evaluation", "studio", "experiments", "interface")
MODULES = sorted(path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py"))


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_of(names: set[str]) -> set[str]:
    parts = (name.split(".") for name in names if name.startswith("artgan_lib."))
    return {part[1] for part in parts if part[1] in ROOMS}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_flow_one_way(module: Path) -> None:
    used = rooms_of(imported_modules(LIBRARY / module))
    if module.name in ("__init__.py", "__main__.py") and len(module.parts) == 1:
        return
    if module.parts[0] not in ROOMS:
        assert not used, f"{module} is on the ground floor and imports {used}"
        return
    own = ROOMS.index(module.parts[0])
    assert all(ROOMS.index(room) <= own for room in used), f"{module} imports a room below it: {used}"
    if module.parts[0] == "gan":
        assert "data" not in used, "training knows pictures, not where they come from"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_modules_say_what_they_own_and_stay_small(module: Path) -> None:
    text = (LIBRARY / module).read_text()
    assert ast.get_docstring(ast.parse(text)), f"{module} has no docstring"
    assert len(text.splitlines()) <= 320, f"{module} has outgrown one screen after another; split it"


def test_public_names() -> None:
    assert set(artgan_lib.__all__) == {
        *("config", "data", "evaluation", "experiments", "gan", "images", "interface", "presets", "runlog", "studio"),
        *("POINTS", "PRESETS", "PROFILES", "VARIANTS", "TrainConfig", "preset"),
        *(
            "ImageDataset",
            "load_images",
            "open_cache",
            "prepare",
            "SYNTHETIC_CLASSES",
            "synthetic_paintings",
            "Survey",
            "survey",
        ),
        "ArtganError",
        *("export_generator", "load_generator", "gradient_penalty", "build_models"),
        *("Callback", "TrainResult", "train"),
        *("CollapseWatch", "Measuring", "collapse_events", "evaluate", "load_extractor"),
        *("image_grid", "read_metadata", "read_log"),
        *("ConvertingSettings", "EnhancingSettings", "GenerationJob", "GenerationSettings"),
        *("Recipe", "variations", "walk", "paint_recipes", "sample", "load_upscaler"),
    }
    for name in artgan_lib.__all__:
        assert getattr(artgan_lib, name) is not None


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_the_library_loads_nothing_heavy() -> None:
    done = run_python(
        "import sys, artgan_lib, artgan_lib.interface.cli\n"
        "print(sorted({'torch', 'numpy', 'pandas', 'matplotlib', 'PIL', 'IPython'} & set(sys.modules)))"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_networks_preprocessing_and_sampling_need_few_packages() -> None:
    """A GPU machine with the first block of pyproject.toml's dependencies can train and paint."""
    done = run_python(
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'torchvision', 'matplotlib', 'seaborn', 'pandas', 'spandrel', 'IPython',\n"
        "                                  'jupyterlab', 'ipywidgets', 'papermill', 'nbconvert', 'nbformat'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import artgan_lib.gan.training, artgan_lib.gan.checkpoints\n"
        "import artgan_lib.data.preprocessing, artgan_lib.studio.sampling\n"
        "from artgan_lib import preset, build_models, sample\n"
        "print(sample(build_models(preset('dcgan', 'smoke'))[0], 0, 1).shape)"
    )
    assert done.stdout.strip() == "(1, 64, 64, 3)", done.stderr
