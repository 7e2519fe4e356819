#!/usr/bin/env bash
# Remakes the tables of docs/attention.md: docs/attention.sh DATASET OUT [CAVGA]
# DATASET is a folder in the MVTec layout; runs go to OUT and are not repeated if they are there.
set -euo pipefail
data=$1 out=$2 cavga=${3:-target/release/cavga}
mkdir -p "$out"

# run NAME KEY=VALUE...: trains and evaluates cavga-d-u with these settings.
run() {
  local name=$1 arguments=()
  shift
  for setting in "$@"; do arguments+=(--set "$setting"); done
  [ -e "$out/$name/metrics.json" ] && return
  "$cavga" train cavga-d-u --data "$data" --out "$out/$name" --set data.augment.flip_horizontal=true \
    --set train.batch=4 "${arguments[@]}" >"$out/$name.log" 2>&1
  "$cavga" eval "$out/$name" --no-maps >>"$out/$name.log" 2>&1
}

# loss RUN NAME: a loss, mean of the last 20 steps.
loss() { tail -n 20 "$out/$1/train.jsonl" | sed -E "s/.*\"$2\":([-0-9.e]+).*/\1/" | awk '{s+=$1} END {printf "%.3f", s/NR}'; }
# figure RUN NAME: a figure of metrics.json.
figure() { sed -nE "s/^  \"$2\": ([-0-9.e]+),?$/\1/p" "$out/$1/metrics.json" | awk '{printf "%.3f", $1}'; }

# held_out RUN: the mean residual of normal images kept from training, as the model file's header has it.
held_out() {
  head -c 65536 "$out/$1/model.safetensors" | tr -d '\\' |
    grep -aoE '"mean":[-0-9.e]+,"name":"residual"' | sed -E 's/"mean":([-0-9.e]+).*/\1/' | awk '{printf "%.4f", $1}'
}

small=("data.size=[64, 64]" train.passes=12)
run balance-none "${small[@]}" method.weights.adversarial=0
run balance-bare "${small[@]}" method.adversary.real_target=1 method.adversary.instance_noise=0 method.adversary.limit=0
run balance-rest "${small[@]}" method.adversary.real_target=1 method.adversary.instance_noise=0 method.adversary.rest_below=0.5 method.adversary.limit=0
run balance-slow "${small[@]}" method.adversary.real_target=1 method.adversary.instance_noise=0 method.adversary.adam.rate=2e-5 method.adversary.limit=0
run balance-labels "${small[@]}" method.adversary.instance_noise=0 method.adversary.limit=0
run balance-unlimited "${small[@]}" method.adversary.limit=0
run balance-limit-1 "${small[@]}" method.adversary.limit=1
run balance-limit-100 "${small[@]}" method.adversary.limit=100
run balance-both "${small[@]}"
run balance-both-1e-4 "${small[@]}" method.adam.rate=1e-4

middle=("data.size=[128, 128]" train.passes=10)
run attention-off "${middle[@]}" method.weights.attention_expansion=0
run attention-paper "${middle[@]}"
run attention-strong "${middle[@]}" method.weights.attention_expansion=1
run attention-barrier "${middle[@]}" method.attention.expansion=barrier method.weights.attention_expansion=1
run attention-mean "${middle[@]}" method.attention.score=mean method.weights.attention_expansion=1
run attention-no-adversary "${middle[@]}" method.weights.adversarial=0

echo "| run | residual of held-out images | reconstruction | divergence | discriminator | adversarial |"
echo "|---|---|---|---|---|---|"
for name in none bare rest slow labels unlimited limit-100 limit-1 both both-1e-4; do
  run=balance-$name
  echo "| $name | $(held_out $run) | $(loss $run reconstruction) | $(loss $run divergence) | $(loss $run discriminator) | $(loss $run adversarial) |"
done
echo
echo "| run | A, mean | A, spread | 1 − A | prior of 1 − A | A | deviation | residual | smoothed | residual deviation |"
echo "|---|---|---|---|---|---|---|---|---|---|"
for name in off paper strong barrier mean no-adversary; do
  run=attention-$name
  echo "| $name | $(loss $run attention_mean) | $(loss $run attention_spread) | $(figure $run pixel_auroc) | $(figure $run prior_pixel_auroc)" \
    "| $(figure $run attention.pixel_auroc) | $(figure $run attention-deviation.pixel_auroc) | $(figure $run residual.pixel_auroc)" \
    "| $(figure $run residual-smoothed.pixel_auroc) | $(figure $run residual-deviation.pixel_auroc) |"
done
