"""The page in a browser: headless Chromium at the size of a laptop and of a phone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from lsst.ts.calibrations_page.__main__ import write_page

from .example_run import write_story

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}

pytestmark = pytest.mark.skipif(
    None in (CHROMIUM, DRIVER), reason="needs Debian's chromium and chromium-driver"
)


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Address of the page of a story, which is written once."""

    @cache
    def write(story: str) -> str:
        return write_page(write_story(tmp_path_factory.mktemp(story), story)).as_uri()

    return write


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium.webdriver import Chrome
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


STORIES = {
    "good": ("DONE", "BIAS passed", "0 of 160 tests failed", "No test that counts failed.", "BIAS C00 NOISE"),
    "noisy": ("DONE", "5 of 160 tests failed", "C05 NOISE failed in 5 of 5 exposures: 13.25 electron"),
    "three": ("FAILED", "BIAS rejected", "NOISE on all 16 amplifiers failed in 3 of 3", "only 3 images were"),
    "ptc": ("DONE", "PTC passed", "certified in LATISS/", "No test that counts failed."),
    "comcam": ("DONE", "R22_S00 C05 NOISE failed in 5 of 5 exposures: 13.25 electron", "5 of 1440 tests"),
}


@pytest.mark.parametrize("story", STORIES)
def test_the_first_screen_tells_the_story(page_of: Callable[[str], str], browser: Any, story: str) -> None:
    for size, (width, height) in SIZES.items():
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get_log("performance")
        browser.get(page_of(story))
        assert [each for each in browser.get_log("browser") if each["level"] == "SEVERE"] == []
        assert _outside(browser) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        seen = browser.execute_script(_SEEN).replace("\u00a0", " ")
        assert [each for each in STORIES[story] if each not in seen] == [], (size, seen)
        (shade,) = {"rect.failed"} if story in ("noisy", "three", "comcam") else {"rect.cell"}
        top = browser.execute_script(f"return document.querySelector('{shade}').getBoundingClientRect().top")
        assert top < height, size


_SEEN = """
var texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), seen = [];
var range = document.createRange();
while (texts.nextNode()) {
  range.selectNodeContents(texts.currentNode);
  var box = range.getBoundingClientRect();
  if (box.width && box.bottom <= window.innerHeight) { seen.push(texts.currentNode.textContent); }
}
return seen.join(" ").replace(/ +/g, " ");
"""
"""What can be read on the first screen."""


def test_the_keyboard_reaches_the_numbers_of_an_amplifier(
    page_of: Callable[[str], str], browser: Any
) -> None:
    browser.get(page_of("noisy"))
    browser.execute_script("document.querySelector('rect.failed').focus()")
    tip = "document.getElementById('tip')"
    assert browser.execute_script(f"return {tip}.hidden") is False
    assert "C05 BIAS NOISE: FAILED" in browser.execute_script(f"return {tip}.textContent")


@pytest.mark.parametrize("story", ["three", "ptc", "comcam"])
def test_texts_can_be_read_in_light_and_dark(page_of: Callable[[str], str], browser: Any, story: str) -> None:
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(page_of(story))
        assert browser.execute_script(_CONTRAST) >= 4.5, scheme


_CONTRAST = """
function light(colour) {
  return colour.match(/[0-9.]+/g).slice(0, 3).map(function (each) {
    each = each / 255; return each <= 0.03928 ? each / 12.92 : Math.pow((each + 0.055) / 1.055, 2.4);
  }).reduce(function (sum, each, place) { return sum + each * [0.2126, 0.7152, 0.0722][place]; }, 0);
}
function ground(element) {
  var colour = getComputedStyle(element).backgroundColor;
  return /, 0\\)$/.test(colour) ? ground(element.parentElement) : colour;
}
return Math.min.apply(null, Array.from(document.querySelectorAll("h1,h2,p,li,a,td,th,span,summary"))
  .filter(function (each) { return !each.matches(".skip"); })
  .map(function (each) {
    var text = light(getComputedStyle(each).color), back = light(ground(each));
    return (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
  }));
"""
"""The lowest contrast of any text, by the formula of WCAG 2."""


def test_a_printed_page_cuts_no_code_and_has_the_layout_of_a_wide_screen(
    page_of: Callable[[str], str], browser: Any
) -> None:
    """Browsers choose the layout by the width of the upright paper, also where the page lies across."""
    metrics = {"width": 720, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.get(page_of("ptc"))
    assert browser.execute_script(_PRINTED) == [True, 2, True]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


_PRINTED = """
var code = document.querySelector("pre");
return [code.scrollWidth <= code.clientWidth,
  getComputedStyle(document.querySelector(".two")).gridTemplateColumns.split(" ").length,
  parseFloat(getComputedStyle(document.querySelector("table.text")).fontSize) > 10.0];
"""
"""Whether the code fits, columns of the first screen, and whether tables of few columns can be read."""


def _outside(browser: Any) -> list[str]:
    """Addresses that the page asked for, itself and what it carries in it excepted."""
    messages = (json.loads(each["message"])["message"] for each in browser.get_log("performance"))
    asked = [
        each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"
    ]
    return [each for each in asked if not each.startswith(("data:", "file:"))]
