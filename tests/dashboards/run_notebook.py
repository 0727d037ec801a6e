#!/usr/bin/env python3
"""Runs the code of a notebook from top to bottom, as Jupyter would, but without Jupyter.

    run_notebook.py NOTEBOOK [FIGURES]

Figures are drawn off screen and written to the directory FIGURES. Exit code 77 if a library that the notebook
needs is missing.
"""
import json
import os
import sys


def main():
    try:
        import matplotlib
        import datasketches  # noqa: F401
        import redis  # noqa: F401
    except ImportError as why:
        print(f"skipped: {why}")
        return 77
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with open(sys.argv[1], encoding="utf-8") as f:
        book = json.load(f)
    space, figures = {}, 0
    for number, cell in enumerate(book["cells"]):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        exec(compile(source, f"cell {number}", "exec"), space)
        for name in plt.get_fignums():
            if len(sys.argv) > 2:
                plt.figure(name).savefig(os.path.join(sys.argv[2], f"figure-{figures}.png"))
            figures += 1
            plt.close(name)
    print(f"{len(book['cells'])} cells, {figures} figures")
    return 0 if figures else 1


if __name__ == "__main__":
    sys.exit(main())
