"""Where the tools give other numbers than `cavga metrics` on the same maps, one row of docs/metrics.md after the other.

    venv/bin/python conformance/metrics/differences.py --case NAME     one row; --list names them; without --case all

Each row makes a small set, asks every tool that has the figure, and prints what they say beside one line of why.
"""

import argparse

import cases
import numpy as np
import oracles
import peculiar
import program


class Row:
    """One difference: the set, the figures looked at, and who is asked."""

    def __init__(self, case, figures, why, more=None, tools=None):
        self.case, self.figures, self.why = case, figures, why
        # Values that are no plain figure of a tool: a list of (who, figure, value).
        self.more = more or (lambda case: [])
        self.tools = list(oracles.ORACLES)[1:] if tools is None else tools

    def show(self, binary):
        case = self.case() if callable(self.case) else self.case
        ours = program.figures(binary, case)
        if isinstance(ours, str):
            line("cavga", "all", "refused: " + ours)
        else:
            for name in self.figures:
                value = ours.get(name)
                line("cavga", name, value if value is not None else "undefined: " + ours.get(f"{name}_undefined", "?"))
        for tool in self.tools:
            values = oracles.ORACLES[tool](case)
            for name in self.figures:
                if name in values:
                    line(tool, name, values[name])
        for who, name, value in self.more(case):
            line(who, name, value)
        print(f"\n{self.why}\n")


def line(who, name, value):
    shown = f"{float(value):.10g}" if isinstance(value, (int, float, np.floating, np.integer)) else str(value)
    print(f"| {who} | {name} | {shown} |")


AUROCS = ["image_auroc", "pixel_auroc"]
AVERAGES = ["image_average_precision", "pixel_average_precision"]
E = cases.EDGES

ROWS = {
    "constant": Row(
        E["constant"],
        ["pixel_auroc", "aupro_0.30", "aupro_0.30_100_ranks"],
        "All scores are equal. The exact curve has one step from nothing to everything, the straight line: AUROC 1/2, AUPRO up to\n"
        "0.30 is 0.15. The 100 ranks take the false-positive rate from the rank: it falls while no score does, and nothing above the\n"
        "one score is called, so the area is 0. adeval asserts that the lowest and the highest score differ.",
    ),
    "no-region": Row(
        E["no-region"],
        ["image_auroc", "pixel_auroc", "aupro_0.30", "pro_at_0.5", "aupimo"],
        "There is no anomaly to find. That is no number, neither 0 nor 1: cavga says so, and why.",
        more=peculiar.scikit_learn_one_class,
    ),
    "one-class": Row(
        E["one-class"],
        ["image_auroc", "pixel_auroc", "aupro_0.30", "pro_at_0.5"],
        "Everything is anomalous. anomalib's PRO counts the labels it sees, finds one, takes it for the background and answers 1.",
        more=peculiar.scikit_learn_one_class,
    ),
    "at-threshold": Row(
        E["at-threshold"],
        ["iou_at_0.5", "pro_at_0.5", "pixel_recall_at_fpr_0.05"],
        "Many scores are 0.5 exactly. At a threshold fixed beforehand cavga calls `score > 0.5`, as CAVGA and anomalib do; where the\n"
        "threshold is itself a score (curves, best thresholds, alarm rates) `score >= threshold`, as scikit-learn does.",
        more=peculiar.at_or_above,
    ),
    "resized": Row(
        E["resized"],
        ["pixel_auroc", "pixel_average_precision", "aupro_0.30"],
        "Masks of 64x64, maps of 16x16. cavga brings the map to the mask. A mask brought to the map and then compared with `> 0` grows\n"
        "every defect by up to a pixel of the map; by nearest neighbour it loses the small ones.",
        more=peculiar.masks_resized,
        tools=[],
    ),
    "fpr-pool": Row(
        E["fpr-pool"],
        ["aupro_0.05", "aupimo"],
        "False alarms close to the defects only. AUPRO counts all normal pixels, those of anomalous images too; AUPIMO's rate is the\n"
        "mean over the normal images alone.",
        more=peculiar.aupro_of_normal_images,
        tools=["anomalib"],
    ),
    "connectivity": Row(
        E["connectivity"],
        ["aupro_0.30"],
        "Two boxes touch at a corner, and regions of maps that follow each other touch when the maps are put in one tall image. cavga:\n"
        "8 neighbours, each map for itself.",
        more=peculiar.other_regions,
        tools=["anomalib"],
    ),
    "snake": Row(
        peculiar.snake,
        ["aupro_0.30"],
        "One region, a pixel wide and long. On a GPU anomalib spreads labels by 1000 steps of a 3x3 maximum, so a longer region falls\n"
        "into pieces, each of which weighs as much as a whole region.",
        more=peculiar.snake_in_pieces,
        tools=["anomalib"],
    ),
    "clamped": Row(
        E["clamped"],
        ["image_auroc", "pixel_auroc", "aupro_0.30"],
        "The scores were brought to [0, 1] and cut off there, as anomalib's post-processor does by default: what was beyond is equal\n"
        "now. All tools agree on these maps; the last rows are the maps before the cut.",
        more=peculiar.before_the_cut,
        tools=["scikit-learn"],
    ),
    "categories": Row(
        E["categories"],
        ["image_auroc", "pixel_auroc"],
        "Two categories with scores of different scale. Published tables are means over categories; pooling all of their pixels is\n"
        "another question. cavga rates the folders that it is given: run it once per category for the mean.",
        more=peculiar.mean_of_categories,
        tools=["scikit-learn"],
    ),
    "nan": Row(
        E["nan"],
        ["image_auroc", "pixel_auroc", "aupro_0.30"],
        "One pixel is NaN. cavga names the file and refuses, as scikit-learn does (without the file). torch sorts NaN above everything,\n"
        "so torchmetrics and anomalib count it as the highest score.",
    ),
    "many-pixels": Row(
        cases.many_pixels,
        ["pixel_auroc", "aupro_0.30"],
        "More pixels than float32 can count in ones (2^24 = 16,777,216). cavga counts in u64 and sums in f64. torch's own sum on a CPU\n"
        "keeps float64 inside, so that torchmetrics and anomalib stay right there; a plain float32 sum stops.",
        more=peculiar.counted_in_single,
        tools=[],
    ),
    "sigmoid": Row(
        peculiar.levels,
        AUROCS + AVERAGES + ["image_f1_max", "pixel_f1_max"],
        "Scores from 0 to 255. As soon as one score leaves [0, 1] torchmetrics takes all for logits and applies a sigmoid in float32,\n"
        "which is 1 above 17: the order is lost. anomalib's AUROC and AUPR inherit it, its F1Max does not.",
    ),
    "lengths": Row(
        peculiar.plain,
        [],
        "Scores and truth of different lengths. torchmetrics' BinaryAUROC does not compare them, its BinaryAveragePrecision does.",
        more=peculiar.other_lengths,
        tools=[],
    ),
    "bins": Row(
        peculiar.heavy,
        ["pixel_auroc", "pixel_average_precision", "aupro_0.30"],
        "A few scores are far out. adeval divides the range from the lowest to the highest score into 1000 strips, so nearly all pixels\n"
        "fall into a few of them; and its average precision is the trapezoidal area, which interpolates between points.",
        tools=["scikit-learn", "anomalib", "adeval"],
    ),
    "numpy": Row(
        peculiar.plain,
        ["pixel_auroc"],
        "adeval 1.1.0 calls `numpy.trapz`, which is gone since NumPy 2.4. The comparison gives it the new name of that function.",
        more=peculiar.adeval_as_it_comes,
        tools=[],
    ),
    "mcclish": Row(
        peculiar.plain,
        ["pixel_auroc_to_0.30", "pixel_auroc_to_0.30_mcclish"],
        "scikit-learn's `max_fpr` is McClish's rescaled area (chance is 1/2), not the area divided by the limit (chance is half of the\n"
        "limit). cavga has both, by name.",
        more=peculiar.max_fpr,
        tools=[],
    ),
    "ranks": Row(
        E["ties"],
        ["aupro_0.30", "aupro_0.30_100_ranks"],
        "Scores with many ties. MVTec 3D-AD's program looks at 100 ranks of the sorted normal scores, calls `score > threshold` and\n"
        "takes the false-positive rate from the rank: with ties it is too low for what is called, or the overlap too low for the rate.\n"
        "cavga has both forms; a paper's AUPRO may be either.",
        tools=["anomalib", "MVTec 3D-AD's program"],
    ),
    "average-precision": Row(
        E["ties"],
        ["pixel_average_precision"],
        "cavga's is the step-wise sum, as scikit-learn's. The trapezoidal area under the same points takes precision for a straight\n"
        "line between them, which it is not: with many ties it is far off, above or below. adeval's is that area of its strips.",
        more=peculiar.trapezoid_of_precision,
        tools=["scikit-learn", "torchmetrics", "anomalib", "adeval"],
    ),
    "soft-mask": Row(
        peculiar.plain,
        [],
        "A mask with soft edges. cavga's rule is stated with the number and warned about; other programs take `> 0`, `> 127` or `> 0.5`.",
        more=peculiar.soft_masks,
        tools=[],
    ),
    "float64": Row(
        peculiar.double,
        ["pixel_auroc"],
        "Scores that differ beyond the 24 bits of float32. cavga keeps float32, in which they are equal, and so do anomalib's AUPRO and\n"
        "every map file of MVTec's programs.",
        tools=["scikit-learn", "torchmetrics", "anomalib"],
    ),
    "pro-of-doubles": Row(
        peculiar.plain,
        ["pro_at_0.5"],
        "anomalib's PRO applies its threshold to float32 maps only; others are taken for masks already.",
        more=peculiar.pro_of_doubles,
        tools=["anomalib"],
    ),
    "single-precision": Row(
        peculiar.plain,
        AUROCS + ["aupro_0.30"],
        "torchmetrics and anomalib count and sum in float32, also where they are given float64: seven digits agree.",
        tools=["scikit-learn", "torchmetrics", "anomalib"],
    ),
    "aupimo": Row(
        peculiar.low_rates,
        ["aupimo"],
        "AUPIMO by all thresholds, and by anomalib's 300,000 equidistant ones with trapezoids between them. Its bounds are the nearest\n"
        "rates that occur, and the area is divided by the width asked for.",
        more=peculiar.aupimo_of_few_pixels,
        tools=["anomalib"],
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--case", choices=ROWS, metavar="NAME", help="one row; --list names them")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--cavga", help="the program; default: the newest of target/release and target/debug")
    arguments = parser.parse_args()
    if arguments.list:
        print(*ROWS, sep="\n")
        return
    binary = program.chosen = program.find(arguments.cavga)
    for name in [arguments.case] if arguments.case else ROWS:
        print(f"### {name}\n\n| who | figure | value |\n|---|---|---|")
        ROWS[name].show(binary)


if __name__ == "__main__":
    main()
