//! What a number means: ROC, precision-recall, per-region overlap, IoU, F1. Slices in, numbers out.
