#!/usr/bin/env bash
# Trains on a machine with a GPU, in one call that ends by the clock, two minutes after what it is given and after nine
# at most: tests the footage there, trains from motion/weights (or from nothing), and leaves the small form and its
# figures in $OUT.
#
#   OUT=somewhere bash model/training/motion/gpu.sh [MINUTES] [BATCH] [further options of motion.train]
#
# Seven minutes, batches of 64 samples and, without a GPU, of 8, unless told otherwise.
set -uo pipefail
out=$(realpath -m "${OUT:?name a folder for what is made}")
cd "$(dirname "$0")/.."
minutes=${1:-7}
gpu=$(python3 -c 'import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else "")')
batch=${2:-$([ -n "$gpu" ] && echo 64 || echo 8)}
shift $(($# < 2 ? $# : 2))
export PYTHONUNBUFFERED=1
mkdir -p "$out"
limit=$(awk "BEGIN { all = int($minutes * 60) + 120; print all < 530 ? all : 530 }")
told() { tee -a "$out/log.txt"; }
echo "${gpu:-no GPU: this runs on the processor}, $limit s in all" | tee "$out/log.txt"

# A fault of the footage there is told, and stops nothing: minutes on such a machine are dear.
device=$([ -n "$gpu" ] && echo cuda || echo cpu)
timeout 30 python3 -m pytest -q -x -k "$device" motion/tests/test_footage.py 2>&1 | tail -3 | told
echo "tested after $SECONDS s" | told

run=$(mktemp -d)
# Writing and measuring what was learned takes up to a minute and a quarter.
while (((left = limit - 75 - SECONDS) >= 20)); do
  some=$(awk "BEGIN { all = $left / 60; print $minutes < all ? $minutes : all }")
  timeout $((limit - SECONDS)) python3 -m motion.train --run "$run" --from motion/weights --minutes "$some" \
    --batch "$batch" "$@" 2>&1 | tee "$run/log.txt" | told
  grep -q "out of memory" "$run/log.txt" && ((batch > 1)) || break
  batch=$((batch / 2))
  echo "with a batch of $batch" | told
done
cp "$run"/{weights,moments}.safetensors "$run/state.json" "$out"/
echo "ended after $SECONDS s" | told
