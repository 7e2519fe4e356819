#!/usr/bin/env bash
# Makes the runs behind the tables of docs/baselines.md: docs/baselines.sh OUT, from an installed `cavga`, in about an hour and a half on two cores.
# SETS: a folder with MVTec AD's `toothbrush` and, in its layout, `ucsd_ped2`; MNIST: one with the four IDX files.
set -euo pipefail
out=$1
methods=vae,ae-l2,ae-ssim,beta-vae,gamma-vae-grad,advae,lsa,avid,capsnet-pp,capsnet-re

# 860 looks at an image each.
flips=(--set data.augment.flip_horizontal=true --set train.batch=4)
for table in 3 6; do
  cavga tables "$table" --data "$SETS" --rows toothbrush --methods "$methods,cavga-d-u" --budget passes=20 "${flips[@]}" --out "$out/toothbrush" --jobs 2
done
# 918 looks.
cavga tables 4 --data "$SETS" --rows ucsd_ped2 --methods "$methods" --budget passes=2 --set "data.size=[128,192]" \
  --set gamma-vae-grad:method.projection.iterations=10 --out "$out/ped2" --jobs 2

# Longer, for what has a figure of toothbrush to meet.
for method in ae-l2 ae-ssim; do
  cavga train "$method" --data "$SETS/toothbrush" --out "$out/$method-long" "${flips[@]}" --set train.passes=200
  cavga eval "$out/$method-long" --no-maps
done

# Digits: 1,000 images of the hardest class or the easiest, or of the nine others, ten times.
digits=(--dataset mnist --data "$MNIST" --set "data.size=[28,28]" --set train.batch=64 --set train.passes=10 --set data.shots=1000
  --set method.adam.rate=1e-3)
cavga one-class beta-vae "${digits[@]}" --classes 8,1 --out "$out/mnist-beta-vae"
cavga one-class lsa "${digits[@]}" --classes 8,1 --out "$out/mnist-lsa"
cavga one-class capsnet-pp "${digits[@]}" --classes 8 --protocol rest-vs-one --out "$out/mnist-capsnet"

# All of their images, eight times.
cavga one-class beta-vae --dataset mnist --data "$MNIST" --out "$out/mnist-beta-vae-long" --set "data.size=[32,32]" --set train.batch=64 \
  --set train.passes=8 --set method.adam.rate=1e-3
