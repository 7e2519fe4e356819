#!/usr/bin/env bash
# Makes the tables of docs/one-class.md: docs/one-class.sh OUT, from an installed `cavga`, in about half an hour on two cores.
# MNIST, FASHION: folders with the four IDX files; CIFAR: with data_batch_1.bin and test_batch.bin; PED: UCSD Ped2 in MVTec AD's
# layout; WEIGHTS: a folder with efficientnet-lite0.safetensors.
set -euo pipefail
out=$1
settings=$(dirname "$0")/../settings/one-class

for set in mnist:"$MNIST" fashion-mnist:"$FASHION" cifar-10:"$CIFAR"; do
  name=${set%%:*}
  cavga one-class cavga-d-u --dataset "$name" --data "${set#*:}" --out "$out/$name" --config "$settings/$name.toml"
done

# Surveillance: every fifth frame of UCSD Ped2, at 128 rows of 192.
ped=(--data "$PED" --set "data.size=[128,192]")
cavga train cavga-d-u "${ped[@]}" --out "$out/ped2-d" --set train.passes=20
cavga train cavga-r-u "${ped[@]}" --out "$out/ped2-r" --set train.passes=12 --set method.output_stride=8 \
  --set method.encoder.backbone=efficientnet-lite0 --set "method.encoder.weights=$WEIGHTS/efficientnet-lite0.safetensors"
cavga eval "$out/ped2-d" --no-maps
cavga eval "$out/ped2-r" --no-maps
