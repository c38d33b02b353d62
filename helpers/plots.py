"""One plot style, and one colour a meaning, in the whole course."""

import matplotlib.pyplot as plt

from helpers.paths import ROOT

TRAIN, VALIDATION = "#0072b2", "#d55e00"  # blue, vermilion
BASE, TUNED = "#7f7f7f", "#009e73"  # grey, green
GOLD = "#e69f00"  # what a person or a language model wrote as the row's own description


def use_course_style() -> None:
    """Apply helpers/course.mplstyle to all plots that follow."""
    plt.style.use(ROOT / "helpers" / "course.mplstyle")
