#!/usr/bin/env bash
# Makes the tables of docs/paper.md: table 8 of the paper, its four variants, other encoders, more anomalous images.
#
#   docs/paper.sh DATASET WEIGHTS FACES OUT
#
# WEIGHTS: a folder with efficientnet-lite0.safetensors and mobilenet-v2.safetensors; FACES: a file of `cavga pretrain dcgan`.
# Hours on two cores. It may be stopped; the same command goes on, and every finished run is kept.
set -euo pipefail
data=$1 weights=$2 faces=$3 out=$4
cavga=${CAVGA:-cavga}

ablate() { # NAME, then arguments
  local name=$1
  shift
  echo "== $name"
  "$cavga" ablate --data "$data" --out "$out/$name" --seeds 0,1,2 --set data.augment.flip_horizontal=true \
    --set train.batch=4 --set train.passes=12 --set method.encoder.frozen_passes=3 "$@"
}

# Half the paper's size with its 8×8 grid; at the end, its size with a grid of 32×32.
half=(--set 'data.size=[128,128]' --set method.output_stride=16)
none=(--set method.encoder.weights=none)
efficientnet=(--set method.encoder.backbone=efficientnet-lite0 --set "method.encoder.weights=$weights/efficientnet-lite0.safetensors")
mobilenet=(--set method.encoder.backbone=mobilenet-v2 --set "method.encoder.weights=$weights/mobilenet-v2.safetensors")
more=(--set data.anomalous=0.1)

ablate r-none "${half[@]}" "${none[@]}"
ablate r-efficientnet "${half[@]}" "${efficientnet[@]}"
ablate r-mobilenet "${half[@]}" "${mobilenet[@]}"
ablate d-none --parts d --columns 4,8 "${half[@]}" "${none[@]}"
ablate d-faces --parts d --columns 4,8 "${half[@]}" --set "method.encoder.weights=$faces" --set "method.adversary.weights=$faces"
ablate d-none-10 --parts d --columns 8 "${half[@]}" "${none[@]}" "${more[@]}"
ablate r-none-10 --columns 5,6,7,8 "${half[@]}" "${none[@]}" "${more[@]}"
ablate r-efficientnet-10 --columns 5,6,7,8 "${half[@]}" "${efficientnet[@]}" "${more[@]}"
ablate r-mobilenet-10 --columns 5,6,7,8 "${half[@]}" "${mobilenet[@]}" "${more[@]}"
ablate r-efficientnet-10-heavier --columns 8 "${half[@]}" "${efficientnet[@]}" "${more[@]}" \
  --set method.weights.classifier=1 --set method.weights.guided_attention=1 --set method.weights.anomalous=10
ablate r-efficientnet-rests --columns 4 "${half[@]}" "${efficientnet[@]}" --set method.encoder.frozen_passes=12
ablate r-efficientnet-learns --columns 4 "${half[@]}" "${efficientnet[@]}" --set method.encoder.keep_statistics=false
ablate r-efficientnet-256 --columns 4,8 "${efficientnet[@]}" --set method.output_stride=8
