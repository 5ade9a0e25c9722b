"""Is the panel quick to the hand? Through a real browser, on the page of `artgan panel`, with a loaded model.

    python benchmarks/panel.py [--repeats 5] [--out data/results/panel.json]

From the click on *Paint* to the first thumbnail drawn, 64 and 256 pixels a side; and from the click on a control to its
answer while a run at 1024 pixels goes on, beside the same with nothing going on: the answer is what the kernel changes,
so the way goes from the browser through the kernel and back. The control is the menu of languages, which changes every
text; between two clicks nobody waits longer than a person would. Each has to stay under its limit by the slowest click.
A Chromium has to be on the machine, and Real-ESRGAN's weights.
"""

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Locator, Page, sync_playwright

from artgan_lib.runlog import write_json

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
REACH = {"click_to_first_thumbnail_64": 2.0, "click_to_first_thumbnail_256": 2.0, "latency_while_1024_runs": 0.1}
"""What each should stay under, in seconds, the slowest time included."""

PAUSE = 250  # milliseconds between two clicks: what the one before set going is over by then

# Both are timed inside the page, so that what drives the browser does not count.
FIRST = """panel => new Promise(done => {
  let cleared = !panel.querySelector('.artgan-tile');
  new MutationObserver(() => { cleared ||= !panel.querySelector('.artgan-tile'); })
    .observe(panel, {childList: true, subtree: true});
  const begun = performance.now();
  const look = () => { const image = cleared && panel.querySelector('.artgan-tile img');
    if (image && image.complete && image.naturalWidth) done((performance.now() - begun) / 1000);
    else setTimeout(look, 1); };
  panel.querySelector('.artgan-paint').click(); look(); })"""
ANSWER = """panel => new Promise(done => {
  const heading = panel.querySelector('.artgan-title span'), menu = panel.querySelector('.artgan-language select');
  const told = heading.textContent, begun = performance.now();
  const look = () => { if (panel.querySelector('.artgan-title span').textContent !== told)
    done((performance.now() - begun) / 1000); else setTimeout(look, 1); };
  menu.selectedIndex = 1 - menu.selectedIndex; menu.dispatchEvent(new Event('change', {bubbles: true})); look(); })"""


def measure(page: Page, repeats: int) -> dict[str, list[float]]:
    """Measure on a page that was just opened."""
    panel = page.locator(".artgan-panel")
    panel.locator(".artgan-is-ready").wait_for()
    found: dict[str, list[float]] = {}
    for size in (64, 256):
        choose(panel, 4, size)
        panel.locator(".artgan-estimate", has_text="About").wait_for()  # the model is loaded by then
        for _ in range(repeats):
            found.setdefault(f"click_to_first_thumbnail_{size}", []).append(panel.evaluate(FIRST))
            panel.locator(".artgan-is-done").wait_for()
    at_rest = found["latency_at_rest"] = []
    for _ in range(8 * repeats):
        page.wait_for_timeout(PAUSE)
        at_rest.append(panel.evaluate(ANSWER))
    choose(panel, 16, 1024)
    panel.locator(".artgan-estimate", has_text="About").wait_for()
    panel.locator(".artgan-paint").click()
    panel.locator(".artgan-is-running").wait_for()
    panel.locator(".artgan-tile").first.wait_for()
    answers = found["latency_while_1024_runs"] = []
    while len(answers) < 8 * repeats and panel.locator(".artgan-is-running").count():
        page.wait_for_timeout(PAUSE)
        answers.append(panel.evaluate(ANSWER))
    if panel.locator(".artgan-is-running").count():
        panel.locator(".artgan-cancel").click()
    return found


def choose(panel: Locator, count: int, size: int) -> None:
    """Set number and size."""
    panel.get_by_label("Pictures", exact=True).fill(str(count))
    panel.get_by_label("Pictures", exact=True).press("Tab")
    panel.get_by_label(str(size), exact=True).check()
    panel.locator(".artgan-paint", has_text=f"Paint {count} ").wait_for()


def main() -> None:
    """Serve a page, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("data/results/panel.json"))
    options = parser.parse_args()
    chromium = os.environ.get("ARTGAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        command = [sys.executable, "-m", "artgan_lib", "panel", "--port", "8977", "--out", f"{folder}/results"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address is not None
            page = playwright.chromium.launch(executable_path=chromium, args=QUIET).new_page()
            page.set_default_timeout(120_000)
            page.goto(address[0])
            times = measure(page, options.repeats)
        finally:
            server.terminate()
            server.wait()
    rows: list[dict[str, Any]] = []
    for name, values in times.items():
        ordered = sorted(values)
        row: dict[str, Any] = {"name": name, "median": statistics.median(values), "n": len(values)}
        row |= {"low": ordered[0], "high": ordered[-1], "reach": REACH.get(name)}
        if name in REACH:
            row["met"] = row["high"] < REACH[name]
        rows.append({key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()})
        print(rows[-1])
    about = {"cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    write_json(options.out, {**about, "python": platform.python_version(), "unit": "seconds", "rows": rows})


if __name__ == "__main__":
    main()
