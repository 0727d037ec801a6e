#!/usr/bin/env python3
"""Pictures of a page that is being served:  screenshots.py URL DIRECTORY"""
import os
import sys
import time

from webdriver import Browser

# name, width, the element at its bottom, preferred colour scheme, the feature shown
SHOTS = (("page-light", 1280, ".pair", "light", "PULocationID"),
         ("page-dark", 1280, ".pair", "dark", "trip_distance"),
         ("page-narrow", 390, "#drift", "light", "PULocationID"))


def wait_drawn(browser):
    """Waits until all charts are drawn and the newest answer has arrived."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if browser.js("""return document.querySelectorAll("#error canvas, #feature canvas, .models li").length > 2 &&
                document.getElementById("connection").dataset.state === "good";"""):
            return
        time.sleep(0.2)
    raise SystemExit("the page does not come to rest")


def main():
    url, out = sys.argv[1:]
    browser = Browser()
    try:
        for name, width, last, scheme, feature in SHOTS:
            browser.size(width, 1000)
            browser.media(prefers_color_scheme=scheme)
            browser.go(url)
            wait_drawn(browser)
            browser.js("""[...document.querySelectorAll(".heatmap button")].find((b) => b.textContent === arguments[0])
                .click(); document.activeElement.blur();""", feature)
            time.sleep(1.5)
            browser.js("scrollTo(0, 0)")
            browser.size(width, round(browser.js(
                "return document.querySelector(arguments[0]).getBoundingClientRect().bottom", last)) + 16)
            time.sleep(0.5)
            path = os.path.join(out, f"{name}.png")
            browser.screenshot(path)
            print(f"{path}: {os.path.getsize(path) // 1024} KB")
    finally:
        browser.quit()


main()
