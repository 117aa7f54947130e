"""The page in a browser: headless Chromium at the size of a laptop and of a phone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations_page.__main__ import write_page

from .example_run import run_facts, write_journal

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}

pytestmark = pytest.mark.skipif(
    None in (CHROMIUM, DRIVER), reason="needs Debian's chromium and chromium-driver"
)


@pytest.fixture(scope="module", params=["LATISS", "LSSTComCam"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return write_page(write_journal(folder, run_facts(request.param)))


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


@pytest.mark.parametrize("size", SIZES)
def test_the_first_screen_tells_the_story(page: Path, browser: Any, size: str) -> None:
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("performance")
    browser.get(page.as_uri())
    assert [each for each in browser.get_log("browser") if each["level"] == "SEVERE"] == []
    assert _outside(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    reason = "document.querySelector('ul.why li').getBoundingClientRect().bottom"
    assert browser.execute_script(f"return {reason}") < height
    failed = "document.querySelector('rect.failed').getBoundingClientRect().top"
    assert browser.execute_script(f"return {failed}") < height


def test_the_keyboard_reaches_the_numbers_of_an_amplifier(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    browser.execute_script("document.querySelector('rect.failed').focus()")
    tip = "document.getElementById('tip')"
    assert browser.execute_script(f"return {tip}.hidden") is False
    assert "C05 BIAS NOISE: FAILED" in browser.execute_script(f"return {tip}.textContent")


def test_texts_can_be_read_in_light_and_dark(page: Path, browser: Any) -> None:
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(page.as_uri())
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


def _outside(browser: Any) -> list[str]:
    """Addresses that the page asked for, itself and what it carries in it excepted."""
    messages = (json.loads(each["message"])["message"] for each in browser.get_log("performance"))
    asked = [
        each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"
    ]
    return [each for each in asked if not each.startswith(("data:", "file:"))]
