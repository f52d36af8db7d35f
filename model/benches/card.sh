#!/usr/bin/env bash
# What a graphics card does with motion, beside the processor and beside RIFE in PyTorch on the same card: one call, at most six
# minutes. Build first, on any machine: `cargo bench -p pickup-model --bench gpu --no-run`.
#
#   model/benches/card.sh target/release/deps/gpu-… [RIFE'S WHEEL, see rife.py]
set -euo pipefail
here=$(dirname "$0")
# Where time runs out, what was measured so far counts.
PICKUP_RESOURCES=$(realpath "$here/../../resources") timeout 240 "$1" || true
if [ $# -gt 1 ]; then
  timeout 110 python3 "$here/rife.py" "$2"
fi
