"""The files around the library: what they promise must be there."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from artgan_lib import POINTS
from artgan_lib.interface.cli import build_parser

NAMED = {
    "jupyterlab",
    "torch",
    "torchvision",
    "matplotlib",
    "seaborn",
    "ipywidgets",
    "scipy",
    "realesrgan",
    "papermill",
}
LISTED_INDEX = re.compile(r"--(extra-)?index-url|--find-links|https?://", re.IGNORECASE)


def test_readme_counts_our_points(root: Path) -> None:
    assert f"and {len(POINTS)} points of our own around its Table 2" in (root / "README.md").read_text()


def requirements(root: Path) -> dict[str, str]:
    """Name -> constraint of all that pyproject.toml asks for, extras included, markers left out."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    split = (re.match(r"([\w.-]+)(.*)", line.split(";")[0].strip()) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in split if match}


def test_environment_yml_is_in_step_with_pyproject(root: Path) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text())
    assert "python=3.12" in environment["dependencies"]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert "--editable ." in pip
    listed = {re.split(r"[=>]", line)[0]: line for line in pip if not line.startswith("--")}
    assert set(listed) == NAMED
    wanted = requirements(root)
    assert {name: name + wanted[name] for name in NAMED} == listed


def test_the_lock_pins_all_by_hash_for_every_platform_and_names_no_index(root: Path) -> None:
    text = (root / "requirements.lock").read_text()
    assert not LISTED_INDEX.search(text)
    blocks = re.split(r"\n(?=\S)", text.split("\n", 2)[2])
    pinned = {re.match(r"([\w.-]+)==", block)[1].lower() for block in blocks if block.strip()}  # type: ignore[index]
    assert all("--hash=sha256:" in block for block in blocks if block.strip())
    wanted = set(requirements(root)) - {"realesrgan"}
    assert {name.replace("-", "_") for name in wanted} <= {name.replace("-", "_") for name in pinned}
    assert "realesrgan" not in pinned
    assert "sys_platform == 'win32'" in text
    assert "sys_platform == 'darwin'" in text


def test_no_file_names_an_index_or_a_path_of_one_machine(root: Path) -> None:
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    patterns = ["--index-url", "/" + "root/", "/" + "home/", "/" + "work/"]
    for pattern in patterns:
        found = subprocess.run(
            ["git", "grep", "-lF", "--", pattern, ":!*.lock", ":!tests/test_project.py"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.stdout == "", f"{pattern} stands in {found.stdout}"


def test_every_command_of_the_readme_exists(root: Path) -> None:
    text = "\n".join(path.read_text() for path in [root / "README.md", *root.glob("*/README.md")])
    fenced = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    inline = "\n".join(re.findall(r"`([^`\n]+)`", text))

    targets = set(re.findall(r"^([a-z-]+):.*## ", (root / "Makefile").read_text(), re.MULTILINE))
    made = set(re.findall(r"^make ([a-z-]+)", f"{fenced}\n{inline}", re.MULTILINE))
    assert {"run", "test"} <= made <= targets

    parser = build_parser()
    whole = [line.split("#")[0] for line in re.findall(r"^artgan (.+)", fenced, re.MULTILINE)]
    assert len(whole) >= 5
    for command in whole:
        parser.parse_args(command.split())  # raises if a command or an option is not there
    for command in re.findall(r"^artgan (\w+)", inline, re.MULTILINE):
        with pytest.raises(SystemExit) as stopped:
            parser.parse_args([command, "--help"])
        assert stopped.value.code == 0


def test_every_link_of_the_readmes_leads_somewhere(root: Path) -> None:
    for path in [root / "README.md", *root.glob("*/README.md")]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
            assert link.startswith("https://") or (path.parent / link).exists(), f"{path}: {link} leads nowhere"


def test_make_help_lists_every_target(root: Path) -> None:
    told = subprocess.run(["make", "--no-print-directory"], cwd=root, capture_output=True, text=True, check=True).stdout
    for target in ("help", "run", "test", "lab", "lint", "format", "notebooks", "figures", "check"):
        assert re.search(rf"^  make {target} ", told, re.MULTILINE)


def test_ci_calls_make_test(root: Path) -> None:
    assert "make test" in (root / ".ci" / "run").read_text()


def test_git_ignores_large_data_and_not_the_librarys_data_room(root: Path) -> None:
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")

    def ignored(path: str) -> bool:
        return subprocess.run(["git", "check-ignore", "-q", path], cwd=root, check=False).returncode == 0

    assert ignored("data/artbench10/x.jpg")
    assert ignored("build/x")
    assert not ignored("artgan_lib/data/artbench.py")
    assert not ignored("data/results/x.jsonl")
    assert not ignored("data/pretrained/x.safetensors")
