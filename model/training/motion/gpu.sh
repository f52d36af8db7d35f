#!/usr/bin/env bash
# Trains on a machine with a GPU, in one call of about two minutes more than it is given: tests the footage there, trains from
# motion/weights (or from nothing), and leaves the small form and its figures in $OUT.
#
#   OUT=somewhere bash model/training/motion/gpu.sh [MINUTES, 7] [BATCH, 64] [further options of motion.train]
set -uo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-7} batch=${2:-64}
shift $(($# < 2 ? $# : 2))
out=${OUT:?name a folder for what is made}
export PYTHONUNBUFFERED=1
mkdir -p "$out"

python3 - <<'PROBE' 2>&1 | tee "$out/log.txt"
import time, torch
print(torch.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: this runs on the processor")
from motion.footage import Studio
studio = Studio(1, "cuda" if torch.cuda.is_available() else "cpu")
studio.batch(8, 30, 0)
began = time.time()
studio.batch(32 if torch.cuda.is_available() else 8, 30, 1).frames.sum().item()
print(f"drawing a batch: {time.time() - began:.3f} s")
PROBE
# A fault of the footage there is told, and stops nothing: minutes on such a machine are dear.
timeout 60 python3 -m pytest -q -x motion/tests/test_footage.py 2>&1 | tail -3 | tee -a "$out/log.txt"

run=$(mktemp -d)
train() {
  timeout $((${minutes%.*} * 60 + 150)) python3 -m motion.train --run "$run" --from motion/weights --minutes "$minutes" --batch "$1" "${@:2}" 2>&1
}
train "$batch" "$@" | tee -a "$out/log.txt"
if [ ! -f "$run/weights.safetensors" ] && grep -q "out of memory" "$out/log.txt"; then
  train $((batch / 2)) "$@" | tee -a "$out/log.txt"
fi
cp "$run"/weights.safetensors "$run"/moments.safetensors "$run"/state.json "$out"/
