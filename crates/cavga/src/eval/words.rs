//! What a reader is told of each figure: its name in words, and its rule.

/// Name and rule of a figure; `key` as in `metrics.json`, without the prefix of a map or score. Both empty of one that no reader is told of.
pub(super) fn words(key: &str) -> (&'static str, &'static str) {
    let of_key = WORDS.iter().find(|(known, ..)| *known == key);
    of_key.map_or(("", ""), |&(_, name, rule)| (name, rule))
}

/// Key, name and rule.
const WORDS: &[(&str, &str, &str)] = &[
    (
        "image_auroc",
        "AUROC",
        "chance that an anomalous image scores higher than a normal one",
    ),
    (
        "image_average_precision",
        "Average precision",
        "mean precision over all anomalous images, by score",
    ),
    (
        "image_f1_max",
        "F1, best threshold",
        "the threshold is the best on these test images: optimistic",
    ),
    (
        "image_auroc_to_0.10",
        "AUROC up to 10 % false alarms",
        "area up to that rate, divided by it: mean share of anomalies found; chance is 0.05",
    ),
    (
        "image_auroc_to_0.10_mcclish",
        "AUROC up to 10 % false alarms, McClish's scale",
        "the same area where chance is 0.5; scikit-learn's max_fpr",
    ),
    (
        "image_recall_at_fpr_0.05",
        "Recall at 5 % false alarms",
        "at the lowest threshold that at most 5 % of the normal test images reach: optimistic",
    ),
    (
        "image_precision_at_fpr_0.05",
        "Precision at 5 % false alarms",
        "at the lowest threshold that at most 5 % of the normal test images reach: optimistic",
    ),
    (
        "aupro_0.05",
        "AUPRO to 0.05",
        "as to 0.30, at false positive rates that fewer users mind",
    ),
    (
        "aupro_1.00",
        "AUPRO to 1.00",
        "as to 0.30, over all false positive rates",
    ),
    (
        "aupro_0.30_100_ranks",
        "AUPRO to 0.30, MVTec 3D's form",
        "at 100 thresholds of equal rank, ties told apart at will: another number under the same name",
    ),
    (
        "aupro_0.30_smallest_third",
        "AUPRO to 0.30, smallest regions",
        "of the third of the regions that is smallest",
    ),
    (
        "aupro_0.30_middle_third",
        "AUPRO to 0.30, regions of middle size",
        "of the third of the regions between",
    ),
    (
        "aupro_0.30_largest_third",
        "AUPRO to 0.30, largest regions",
        "of the third of the regions that is largest",
    ),
    (
        "auspro_0.05",
        "AUsPRO to 0.05",
        "a defect counts as found whole from a number of its pixels on (MVTec LOCO)",
    ),
    (
        "aupimo",
        "AUPIMO",
        "recall of each anomalous image at false positive rates from 1e-5 to 1e-4 of normal images alone, on a logarithmic scale",
    ),
    (
        "pro_at_0.5",
        "Per-region overlap at 0.5",
        "value above 0.5; mean over the regions of the share found",
    ),
    (
        "iou_best_threshold_mean",
        "IoU, best threshold of each image, mean",
        "each image at a threshold of its own: very optimistic",
    ),
    (
        "pixel_auroc_to_0.30",
        "AUROC up to a false positive rate of 0.30",
        "area up to that rate, divided by it; chance is 0.15",
    ),
    (
        "pixel_auroc_to_0.30_mcclish",
        "AUROC up to a false positive rate of 0.30, McClish's scale",
        "the same area where chance is 0.5",
    ),
    (
        "pixel_recall_at_fpr_0.05",
        "Recall at a false positive rate of 0.05",
        "at the lowest threshold that at most 5 % of the normal pixels reach",
    ),
    (
        "pixel_precision_at_fpr_0.05",
        "Precision at a false positive rate of 0.05",
        "at the lowest threshold that at most 5 % of the normal pixels reach",
    ),
    (
        "pixel_auroc_mean",
        "AUROC, mean over images",
        "of each anomalous image's own pixels",
    ),
    (
        "pixel_average_precision_mean",
        "Average precision, mean over images",
        "of each anomalous image's own pixels",
    ),
    (
        "pixel_f1_max_mean",
        "F1, best threshold of each image, mean",
        "each image at a threshold of its own: very optimistic",
    ),
    (
        "balanced_accuracy_at_0.5_test_set",
        "Balanced accuracy at 0.5, normalised over the test set",
        "scores min-max normalised over the test images, as the paper can be read: the test set is looked at",
    ),
    (
        "balanced_accuracy_at_0.5_train",
        "Balanced accuracy at 0.5, normalised over training images",
        "scores min-max normalised over the training images, or over held-out ones where the method remembers those: nothing is taken \
        from the test set",
    ),
    (
        "balanced_accuracy_at_threshold",
        "Balanced accuracy at the calibrated threshold",
        "anomalous if the score exceeds the threshold, which is from held-out normal images alone",
    ),
    (
        "false_alarm_rate_at_threshold",
        "False alarms at the calibrated threshold",
        "share of the normal test images whose score exceeds the threshold",
    ),
    (
        "recall_at_threshold",
        "Recall at the calibrated threshold",
        "share of the anomalous test images whose score exceeds the threshold",
    ),
    (
        "false_alarm_rate_at_own_boundary",
        "False alarms at the method's own boundary",
        "share of the normal test images that the method calls anomalous",
    ),
    (
        "recall_at_own_boundary",
        "Recall at the method's own boundary",
        "share of the anomalous test images that the method calls anomalous",
    ),
    (
        "share_unsure_normal",
        "Normal images called unsure",
        "share of the normal test images between the unsure threshold and that of an alarm",
    ),
    (
        "share_unsure_anomalous",
        "Anomalous images called unsure",
        "share of the anomalous test images between the unsure threshold and that of an alarm",
    ),
    (
        "balanced_accuracy_at_own_boundary",
        "Balanced accuracy at the method's own boundary",
        "the method decides by itself: a fixed boundary, chosen on no image",
    ),
    (
        "pixel_auroc",
        "AUROC",
        "chance that a defective pixel's value is higher than another pixel's",
    ),
    (
        "pixel_average_precision",
        "Average precision",
        "mean precision over all defective pixels, by value",
    ),
    (
        "pixel_f1_max",
        "F1, best threshold",
        "the threshold is the best on these test images: optimistic",
    ),
    (
        "aupro_0.30",
        "AUPRO to 0.30",
        "area under per-region overlap up to a false positive rate of 0.30, divided by 0.30; regions 8-connected",
    ),
    (
        "iou_at_0.5",
        "IoU at 0.5",
        "value above 0.5; pixels of all test images pooled",
    ),
    (
        "iou_at_0.5_mean",
        "IoU at 0.5, mean",
        "value above 0.5; mean over the anomalous images",
    ),
    (
        "iou_best_threshold",
        "IoU, best threshold",
        "the threshold is the best on these test images: optimistic",
    ),
    (
        "prior_pixel_auroc",
        "Control: AUROC of the prior alone",
        "the map's mean over training images, the same for every test image: what knowing where things lie is worth",
    ),
];
