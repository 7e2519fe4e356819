"""Figures of pixels in Python, on arrays that are in memory already: --tool says whose."""

import argparse
import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

from protocol import serve

# What they say of their own defaults.
warnings.filterwarnings("ignore")


def scikit_learn(scores, masks):
    from sklearn import metrics

    flat = masks.ravel(), scores.ravel()

    def work():
        area, precision = metrics.roc_auc_score(*flat), metrics.average_precision_score(*flat)
        return {"pixel_auroc": area, "pixel_average_precision": precision}

    return work


def torchmetrics(scores, masks):
    import torch
    from torchmetrics.functional.classification import binary_auroc, binary_average_precision

    flat = torch.from_numpy(scores).flatten(), torch.from_numpy(masks).flatten().int()

    def work():
        return {
            "pixel_auroc": binary_auroc(*flat).item(),
            "pixel_average_precision": binary_average_precision(*flat).item(),
        }

    return work


def anomalib(scores, masks):
    import torch
    from anomalib.metrics.aupro import _AUPRO

    given = torch.from_numpy(scores), torch.from_numpy(masks).int()

    def work():
        metric = _AUPRO(fpr_limit=0.3)
        metric.update(*given)
        return {"aupro_0.30": metric.compute().item()}

    return work


def adeval(scores, masks):
    import adeval as package

    if not hasattr(np, "trapz"):
        # Gone since NumPy 2.4, and adeval 1.1.0 still asks for it.
        np.trapz = np.trapezoid
    masks = masks.view(np.uint8)

    def work():
        names = "pixel_auroc", "pixel_average_precision", "aupro_0.30"
        return dict(zip(names, map(float, package.auroc_aupr_aupro(scores, masks))))

    return work


TOOLS = {"scikit-learn": scikit_learn, "torchmetrics": torchmetrics, "anomalib": anomalib, "adeval": adeval}


def prepare(case, tool):
    folder, shape = Path(case["folder"]), (case["count"], case["height"], case["width"])
    scores = np.fromfile(folder / "scores.f32", np.float32).reshape(shape)
    masks = np.fromfile(folder / "masks.u8", np.bool_).reshape(shape)
    work = TOOLS[tool](scores, masks)
    if "out" not in case:
        return work
    return lambda: Path(case["out"]).write_text(json.dumps(work()), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", choices=TOOLS, required=True)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    if arguments.tool in ("torchmetrics", "anomalib"):
        import torch

        torch.set_num_threads(arguments.threads)
    serve(f"{arguments.tool} {version(arguments.tool)}", lambda case: prepare(case, arguments.tool))


if __name__ == "__main__":
    main()
