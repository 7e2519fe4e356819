#!/usr/bin/env bash
# Makes the runs behind the tables of docs/memory-banks.md: docs/memory-banks.sh OUT, from an installed `cavga`, in about a quarter of an hour on
# two cores; `cavga compare` sets any of them side by side. TOOTHBRUSH, LEATHER: categories of MVTec AD; PED: UCSD Ped2 in its layout;
# WEIGHTS: a folder with efficientnet-lite0.safetensors and mobilenet-v2.safetensors.
set -euo pipefail
out=$1

# run NAME METHOD DATA [KEY=VALUE...]
run() {
  local name=$1 method=$2 data=$3 setting sets=()
  shift 3
  for setting in "method.encoder.weights=$WEIGHTS/efficientnet-lite0.safetensors" "$@"; do
    sets+=(--set "$setting")
  done
  cavga train "$method" --data "$data" --out "$out/$name" "${sets[@]}"
  cavga eval "$out/$name" --no-maps
}

for method in patchcore padim; do
  run "$method-toothbrush" "$method" "$TOOTHBRUSH"
  run "$method-leather" "$method" "$LEATHER"
  run "$method-ped2" "$method" "$PED"
  run "$method-toothbrush-mobilenet" "$method" "$TOOTHBRUSH" method.encoder.backbone=mobilenet-v2 \
    "method.encoder.weights=$WEIGHTS/mobilenet-v2.safetensors"
done

# How large the bank is, and how it is kept.
for share in 0.25 0.01 0.001; do
  run "share-$share" patchcore "$TOOTHBRUSH" "method.coreset=$share" method.most=100000
done
run half patchcore "$TOOTHBRUSH" method.precision=f16
for most in 2500 1000; do
  run "ped2-most-$most" patchcore "$PED" "method.most=$most"
done

# Less memory than the features take: 29 MiB of toothbrush, 347 MiB of Ped2.
for memory in 16 8 4 2 1; do
  run "memory-$memory" patchcore "$TOOTHBRUSH" "method.memory=$memory MiB"
done
for memory in 128 32 8; do
  run "ped2-memory-$memory" patchcore "$PED" "method.memory=$memory MiB" method.most=2500
done

# Few images, as they are and turned a little.
for shots in 1 2 4 8; do
  for seed in 0 1 2; do
    few=("data.shots=$shots" "train.seed=$seed")
    run "shots-$shots-$seed" patchcore "$TOOTHBRUSH" "${few[@]}" method.coreset=1.0
    run "shots-$shots-$seed-turned" patchcore "$TOOTHBRUSH" "${few[@]}" method.coreset=1.0 \
      train.passes=8 data.augment.rotate=5 data.augment.flip_horizontal=true
  done
done
