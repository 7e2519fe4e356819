#!/usr/bin/env bash
# Makes the runs behind the tables of docs/baselines.md: docs/baselines.sh OUT, from an installed `cavga`, in some four hours on two cores.
# SETS: a folder with MVTec AD's `toothbrush` and, in its layout, `ucsd_ped2`; MNIST: one with the four IDX files.
set -euo pipefail
out=$1
methods=vae,ae-l2,ae-ssim,beta-vae,gamma-vae-grad,advae,lsa,avid,capsnet-pp,capsnet-re

# 860 looks at an image each.
flips=(--set data.augment.flip_horizontal=true --set train.batch=4)
for table in 3 6; do
  cavga tables "$table" --data "$SETS" --rows toothbrush --methods "$methods,cavga-d-u" --budget passes=20 "${flips[@]}" --out "$out/toothbrush" --jobs 2
done
# 918 looks. `capsnet-re` is `capsnet-pp`'s network, and its score stands beside the other's.
cavga tables 4 --data "$SETS" --rows ucsd_ped2 --methods "${methods%,capsnet-re}" --budget passes=2 --set "data.size=[128,192]" \
  --set gamma-vae-grad:method.projection.iterations=10 --out "$out/ped2" --jobs 2

# Longer, for what has a figure of toothbrush to meet.
for method in ae-l2 ae-ssim; do
  cavga train "$method" --data "$SETS/toothbrush" --out "$out/$method-long" "${flips[@]}" --set train.passes=200
  cavga eval "$out/$method-long" --no-maps
done

# Digits: 1,000 images, ten times, of each class, or of all but it.
mnist=(--dataset mnist --data "$MNIST" --set train.batch=64 --set method.adam.rate=1e-3)
small=("${mnist[@]}" --set "data.size=[28,28]")
short=("${small[@]}" --set train.passes=10 --set data.shots=1000)
cavga one-class beta-vae "${short[@]}" --out "$out/mnist-beta-vae"
cavga one-class lsa "${short[@]}" --out "$out/mnist-lsa"
cavga one-class capsnet-pp "${short[@]}" --protocol rest-vs-one --out "$out/mnist-capsnet"
cavga one-class capsnet-pp "${short[@]}" --classes 0,1 --out "$out/mnist-capsnet-one"

# Longer: all images of a hard class, or of all but one.
cavga one-class lsa "${small[@]}" --set train.passes=30 --classes 8 --out "$out/mnist-lsa-long"
cavga one-class capsnet-pp "${small[@]}" --set train.passes=1 --classes 3 --protocol rest-vs-one --out "$out/mnist-capsnet-long"
cavga one-class beta-vae "${mnist[@]}" --set "data.size=[32,32]" --set train.passes=8 --out "$out/mnist-beta-vae-long"
