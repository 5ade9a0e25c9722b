"""The panel in a real browser: in JupyterLab as a person uses it, and as a page with two visitors at once."""

import io
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.browser

NAMELESS = """panel => [...panel.querySelectorAll('button, input, select, a')]
  .filter(one => one.offsetParent && !(one.labels?.[0]?.textContent || one.textContent).trim())
  .map(one => one.outerHTML)"""

FAINT = """panel => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = colour => { const [r, g, b] = colour.slice(0, 3).map(v => (v /= 255) <= 0.04045
      ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = one => { for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor); if ((colour[3] ?? 1) === 1) return colour; }
      return [255, 255, 255]; };
  const found = [];
  const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !one.offsetParent || one.closest('.artgan-tile button, option, style')) continue;
    const colour = parse(getComputedStyle(one).color), pair = [light(colour), light(ground(one))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) found.push(`${text}: ${contrast.toFixed(2)}`);
  }
  return found; }"""

WATCH = """panel => { window.seen = []; new MutationObserver(() => {
  const bar = panel.querySelector('[role=progressbar]');
  if (bar) window.seen.push([Number(bar.getAttribute('aria-valuenow')), bar.getAttribute('aria-valuetext')]); })
  .observe(panel, {subtree: true, childList: true, attributes: true}); }"""

CLIPPED = """panel => { const found = [], pen = document.createElement('canvas').getContext('2d');
  for (const one of panel.querySelectorAll('select, .artgan-segments label, button, h3, dd')) {
    if (!one.offsetParent || one.closest('.artgan-tile, .artgan-runs')) continue;
    const style = getComputedStyle(one); pen.font = style.font;
    if (one.tagName === 'SELECT') for (const option of one.options) {
      const room = one.clientWidth - parseFloat(style.paddingLeft) - 20;  // the arrow's
      if (pen.measureText(option.text).width > room) found.push(option.text);
    } else if (one.scrollWidth > one.clientWidth + 1) found.push(one.textContent);
  }
  return found; }"""

LOADED = "images => images.every(one => one.complete && one.naturalWidth > 0)"


def choose(panel: Any, number: int, size: int, seed: int | None = None) -> None:
    panel.get_by_label("Pictures", exact=True).fill(str(number))
    panel.get_by_label("Pictures", exact=True).press("Tab")
    if seed is not None:
        panel.get_by_label("Seed", exact=True).fill(str(seed))
        panel.get_by_label("Seed", exact=True).press("Tab")
    panel.get_by_label(str(size), exact=True).check()
    panel.get_by_role("button", name=f"Paint {number} picture").wait_for()


def paint(panel: Any) -> None:
    panel.get_by_role("button", name=re.compile("^Paint")).click()


def wait_for_state(panel: Any, state: str) -> None:
    panel.locator(f".artgan-is-{state}").wait_for()


def tiles(panel: Any) -> int:
    return int(panel.locator(".artgan-tile").count())


def test_a_person_uses_the_panel_in_jupyterlab(
    visit: Callable[..., Any], lab: Any, pictures_folder: Path, tmp_path: Path
) -> None:
    page = visit(lab.address)
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
    # All cells run, by the menu, once the kernel is there.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    results = lab.project / "build" / "09_generation_panel" / "results.json"
    deadline = time.monotonic() + 45
    while not results.exists() and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    page.screenshot(path=pictures_folder / "lab_all_cells.png")
    failed = page.locator(
        "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type*='error']"
    ).all_inner_texts()
    assert failed == []
    assert results.exists(), "the last cell has not run; build/browser/lab_all_cells.png shows what is there"
    panel = page.locator(".artgan-panel").first
    panel.scroll_into_view_if_needed()

    # Six pictures of 256 pixels: progress moves, thumbnails come.
    choose(panel, 6, 256)
    panel.locator(".artgan-estimate", has_text=re.compile(r"About \d+ (s|min), [\d.]+ MB")).wait_for()
    panel.evaluate(WATCH)
    paint(panel)
    wait_for_state(panel, "running")
    wait_for_state(panel, "done")
    seen = page.evaluate("window.seen")
    assert len({number for number, _ in seen}) >= 3, seen
    assert any(re.search(r"(enlarging|saving) · \d of 6 done · about \d+ s left", told) for _, told in seen), seen
    assert tiles(panel) == 6
    assert panel.locator(".artgan-tile img").evaluate_all(LOADED)
    page.screenshot(path=pictures_folder / "lab_1440_light.png")

    # One picture seen large; the keyboard finds it, and goes back to where it was.
    second = panel.get_by_role("button", name=re.compile("^Enlarge picture .*:1$"))
    second.focus()
    page.keyboard.press("Enter")
    large = panel.locator(".artgan-large img")
    large.wait_for()
    page.wait_for_function("document.activeElement.textContent === 'Back to all'")  # the focus follows the picture
    assert large.evaluate("one => one.decode().then(() => one.naturalWidth)") == 256
    assert ", 1" in panel.locator(".artgan-facts dd").first.inner_text()
    with page.expect_download() as got:
        panel.get_by_role("link", name="Download", exact=True).click()
    with Image.open(got.value.path()) as picture:
        assert picture.size == (256, 256)
    panel.get_by_role("button", name="Back to all").focus()
    page.keyboard.press("Enter")
    panel.locator(".artgan-grid").wait_for()
    page.wait_for_function("document.activeElement.textContent.endsWith(':1')", timeout=5000)

    # All of them as a zip file.
    with page.expect_download() as got:
        panel.get_by_role("button", name="Download all as zip").click()
    assert re.fullmatch(r".*_seed\d+(-\d+)?\.zip", got.value.suggested_filename)
    names = zipfile.ZipFile(io.BytesIO(Path(got.value.path()).read_bytes())).namelist()
    assert sum(name.endswith("_256px.png") for name in names) == 6

    # A second run, cancelled half-way.
    choose(panel, 60, 256)
    paint(panel)
    wait_for_state(panel, "running")
    panel.locator(".artgan-tile").nth(1).wait_for()
    panel.get_by_role("button", name="Cancel").click()
    wait_for_state(panel, "cancelled")
    assert 2 <= tiles(panel) < 60
    assert f"{tiles(panel)} of 60 kept" in panel.locator(".artgan-line").inner_text()

    # What goes wrong is one sentence with a fold, and the panel can be used again.
    folder = panel.get_by_label("Results", exact=True)
    right = folder.input_value()
    (tmp_path / "file").write_text("")
    folder.fill(str(tmp_path / "file"))
    folder.press("Tab")
    choose(panel, 1, 64)
    paint(panel)
    alert = panel.get_by_role("alert")
    alert.wait_for()
    assert "is a file" in alert.inner_text()
    page.screenshot(path=pictures_folder / "lab_1440_error.png")
    folder.fill(right)
    folder.press("Tab")
    paint(panel)
    wait_for_state(panel, "done")
    assert tiles(panel) == 1
    alert.wait_for(state="hidden")

    # Earlier runs come back from the results store; two of their pictures make a morph.
    earlier = panel.locator(".artgan-runs select")
    offered = [told.replace("\xa0", " ") for told in earlier.locator("option").all_text_contents()]
    earlier.select_option(index=next(place for place, told in enumerate(offered) if "· 6 pictures" in told))
    panel.locator(".artgan-tile").nth(5).wait_for()
    for number in (0, 3):
        panel.locator(".artgan-tile").nth(number).get_by_role("checkbox").check()
    panel.get_by_role("button", name="More like this").wait_for()
    panel.get_by_role("button", name="Again larger").wait_for()
    panel.get_by_role("button", name="Morph between two").click()
    panel.get_by_text(re.compile(r"Film of \d+ frames in \d+ s")).wait_for()
    page.screenshot(path=pictures_folder / "lab_1440_film.png")
    panel.get_by_role("button", name="Back to the pictures").click()
    panel.locator(".artgan-tile").nth(5).wait_for()
    assert panel.evaluate(NAMELESS) == []
    assert panel.evaluate(FAINT) == []

    # JupyterLab's dark theme, and a narrow window.
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    page.mouse.move(0, 0)
    for width in (1440, 800):
        page.set_viewport_size({"width": width, "height": 900})
        panel.scroll_into_view_if_needed()
        page.screenshot(path=pictures_folder / f"lab_{width}_dark.png")
        assert panel.evaluate(FAINT) == []


def test_the_keyboard_walks_from_choosing_to_painting_to_looking(
    visit: Callable[..., Any], served: str, pictures_folder: Path
) -> None:
    page = visit(served)
    panel = page.locator(".artgan-panel")
    wait_for_state(panel, "ready")
    panel.get_by_label("Language").focus()
    order = []
    for _ in range(17):
        page.keyboard.press("Tab")
        order.append(
            page.evaluate(
                "(() => { const one = document.activeElement; "
                "return (one.labels?.[0]?.textContent || one.textContent).trim(); })()"
            )
        )
    wanted = [
        "Model",
        "In numbers",
        "Style",
        "Pictures",
        "Seed",
        "Surprise me",
        "Variety",
        "64",
        "256",
        "1024",
        "Enlarged by",
    ]
    assert order[:15] == [*wanted, "PNG", "JPEG", "WebP", "Contact sheet as well"]
    assert order[15].startswith("Paint ")
    panel.get_by_label("64", exact=True).focus()
    page.keyboard.press("Space")
    assert panel.get_by_label("64", exact=True).is_checked()
    panel.locator(".artgan-line", has_text="64 × 64").wait_for()
    panel.get_by_role("button", name=re.compile("^Paint")).focus()
    page.keyboard.press("Enter")
    wait_for_state(panel, "done")
    panel.get_by_label("Language").select_option(label="Українська")
    panel.get_by_role("button", name="Намалювати 12 картин").wait_for()
    panel.locator(".artgan-told", has_text="Клацніть").wait_for()
    page.screenshot(path=pictures_folder / "page_1440_uk.png")
    assert panel.evaluate(NAMELESS) == []
    assert panel.evaluate(FAINT) == []


def test_two_visitors_paint_at_once_and_see_their_own(visit: Callable[..., Any], served: str) -> None:
    stranger = visit(served.split("?")[0])
    stranger.get_by_label("Password or token:").wait_for()  # no token: a form that asks for it, and no panel
    assert stranger.locator(".artgan-panel").count() == 0
    panels = [visit(served).locator(".artgan-panel") for _ in range(2)]
    for seed, panel in enumerate(panels):
        wait_for_state(panel, "ready")
        field = panel.get_by_label("Pictures", exact=True)
        field.fill("500")
        field.press("Tab")
        panel.get_by_role("alert").get_by_text("500 is over the limit of 12, so 12 is taken.").wait_for()
        assert field.input_value() == "12"
        assert not panel.get_by_label("Results", exact=True).is_visible()
        choose(panel, 6, 256, seed=seed)
    for panel in panels:
        paint(panel)
    for panel in panels:
        wait_for_state(panel, "running")
        assert panel.get_by_role("button", name=re.compile("^Paint")).is_disabled()  # one run at a time
    for seed, panel in enumerate(panels):
        wait_for_state(panel, "done")
        assert tiles(panel) == 6
        names = (
            panel.locator(".artgan-tile")
            .get_by_role("checkbox")
            .evaluate_all("all => all.map(one => one.labels[0].textContent.trim())")
        )
        assert names == [f"{seed}:{number}" for number in range(6)]
        assert panel.locator(".artgan-runs option").count() == 2  # the newest, and the one run of this visitor


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_looks_as_it_should(theme: str, visit: Callable[..., Any], served: str, pictures_folder: Path) -> None:
    page = visit(f"{served}&theme={theme}")
    panel = page.locator(".artgan-panel")
    wait_for_state(panel, "ready")
    choose(panel, 10, 256, seed=7)
    panel.locator(".artgan-estimate", has_text="About").wait_for()
    page.screenshot(path=pictures_folder / f"page_1440_{theme}_empty.png")
    paint(panel)
    wait_for_state(panel, "done")
    assert tiles(panel) == 10
    panel.locator(".artgan-tile img").evaluate_all("all => Promise.all(all.map(one => one.decode()))")
    for number in (3, 6):
        panel.locator(".artgan-tile").nth(number).get_by_role("checkbox").check()
    panel.locator(".artgan-told", has_text="Chosen: 2 pictures").wait_for()
    page.mouse.move(0, 0)
    for width, height in ((1440, 900), (800, 1000), (420, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=pictures_folder / f"page_{width}_{theme}.png")
        assert panel.evaluate(FAINT) == []
        overflow = "one => one.scrollWidth - one.clientWidth"
        assert panel.evaluate(overflow) <= 0, f"wider than a window of {width}"
        assert panel.evaluate(CLIPPED) == []
    panel.locator(".artgan-language select").select_option(label="Українська")
    panel.get_by_role("button", name="Намалювати 10 картин").wait_for()
    for width, height in ((1440, 900), (800, 1000), (390, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=pictures_folder / f"page_{width}_{theme}_uk.png")
        assert panel.evaluate(CLIPPED) == []
        assert panel.evaluate(overflow) <= 0, f"wider than a window of {width}"
    panel.locator(".artgan-language select").select_option(label="English")
    panel.get_by_role("button", name="Paint 10 pictures").wait_for()
    page.set_viewport_size({"width": 1440, "height": 900})
    panel.get_by_role("button", name="Enlarge picture 7:2").click()
    panel.get_by_role("button", name="Download all as zip").wait_for(state="hidden")
    panel.locator(".artgan-large img").evaluate("one => one.decode()")
    page.screenshot(path=pictures_folder / f"page_1440_{theme}_large.png")
    assert panel.evaluate(FAINT) == []
