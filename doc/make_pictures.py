"""Make the pictures of the documentation: pages in Debian's Chromium, and what a terminal shows.

usage: python doc/make_pictures.py FOLDER

FOLDER has, or gets, the run directories ``good``, ``noisy``, ``three`` and ``ptc`` of the tutorials. Debian's
chromium, chromium-driver and tmux are needed, and the extras simulation and test.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from lsst.ts.simulated_observatory.session.overview import show_overview

DOC = Path(__file__).resolve().parent
PICTURES = DOC / "pictures"
RUNS: dict[str, Sequence[str]] = {
    "good": (),
    "noisy": ("-p", "script_mode=BIAS", "--fault", "amplifier-noise:amplifier=C05,factor=1.2"),
    "three": ("-c", "three.yaml"),
    "ptc": ("-c", "night.yaml"),
}
"""The runs of the tutorials, with their options."""

LAPTOP = (1280, 800)
COLUMNS = 100
MOMENT = "FLAT 14"
"""Exposure during which the terminal is shown."""

PAGE = """<html><body style="background:{background};margin:14px"><pre id="all" style="font:15px/1.3
monospace;color:{foreground};display:inline-block;margin:0">{code}</pre></body></html>"""


def write_configurations(folder: Path) -> None:
    """Write the configurations that the tutorial on a set prints."""
    text = (DOC / "tutorials" / "making_a_set.rst").read_text(encoding="utf-8")
    blocks = text.split(".. code-block:: yaml\n\n")[1:]
    for name, block in zip(("three.yaml", "night.yaml"), blocks, strict=True):
        lines = [line.strip() for line in block.split("\n\n", 1)[0].splitlines()]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def play(folder: Path, name: str) -> None:
    """Make a run in a terminal of tmux, and keep what that shows while flats are taken; runs may fail."""
    command = [sys.executable, "-m", "lsst.ts.simulated_observatory.cli.run_script"]
    arguments = ["auxtel/make_latiss_calibrations.py", *RUNS[name], "--out", name]
    size = ["-x", str(COLUMNS), "-y", "24"]
    subprocess.run(
        ["tmux", "new-session", "-d", "-s", name, *size, "-c", folder, *command, *arguments], check=True
    )
    while (
        subprocess.run(["tmux", "has-session", "-t", name], capture_output=True, check=False).returncode == 0
    ):
        pane = ["tmux", "capture-pane", "-t", name, "-e", "-p"]
        shown = subprocess.run(pane, capture_output=True, text=True, check=False).stdout
        if f"Exposing {MOMENT}" in shown:
            (folder / f"{name}.running").write_text(shown.rstrip(), encoding="utf-8")
        time.sleep(0.2)


def drawn(show: Callable[[Console], None]) -> str:
    """What a terminal shows, as HTML."""
    console = Console(
        record=True, width=COLUMNS, force_terminal=True, color_system="truecolor", file=io.StringIO()
    )
    show(console)
    return console.export_html(inline_styles=True, code_format=PAGE, theme=MONOKAI)


def end_of(folder: Path) -> Callable[[Console], None]:
    """Table at the end of a run, in a directory as the tutorials name it, below the present one."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    number = list(RUNS).index(folder.name) + 1
    shown = Path(f"runs/make_latiss_calibrations-{number:03d}")
    shown.parent.mkdir(exist_ok=True)
    shown.unlink(missing_ok=True)
    shown.symlink_to(folder)
    return lambda console: show_overview(summary, shown, console)


def middle_of(folder: Path) -> Callable[[Console], None]:
    """Terminal during a run."""
    shown = folder.with_suffix(".running").read_text(encoding="utf-8")
    return lambda console: console.print(Text.from_ansi(shown))


@contextmanager
def chromium() -> Iterator[Chrome]:
    """Headless Chromium, in light colours."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


def shoot(driver: Chrome, page: Path, picture: Path, element: str | None = None) -> None:
    """Make a picture of the first screen of a page, or of one of its elements."""
    metrics = {"width": LAPTOP[0], "height": LAPTOP[1], "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(page.absolute().as_uri())
    if element is None:
        driver.save_screenshot(str(picture))
    else:
        driver.find_element("id", element).screenshot(str(picture))


def main(folder: Path) -> None:
    """Make the runs that are missing, and all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.absolute()
    write_configurations(folder)
    for name in RUNS:
        if not (folder / name).exists():
            play(folder, name)
    terminals = {"running": middle_of(folder / "good")}
    with chdir(folder), chromium() as driver:
        terminals |= {name: end_of(folder / name) for name in ("good", "noisy")}
        for name in RUNS:
            shoot(driver, folder / name / "report.html", PICTURES / f"page_{name}.png")
        for name, show in terminals.items():
            page = folder / "terminal.html"
            page.write_text(drawn(show), encoding="utf-8")
            shoot(driver, page, PICTURES / f"terminal_{name}.png", "all")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
