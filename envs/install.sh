#!/usr/bin/env bash
# Install the pinned packages into the Python environment that `python` is in:
#     bash envs/install.sh cpu [dev]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
kind=${1:?which pins: cpu, gpu or math-verify}
install="python -m pip install --no-deps --disable-pip-version-check --progress-bar off -q"

if [ "$kind" = cpu ]; then
    # The CPU build is on the package index of some machines, else on PyTorch's own.
    torch=$(grep '^torch==' cpu.txt)
    $install "$torch" 2>/dev/null ||
        $install --index-url https://download.pytorch.org/whl/cpu "$torch"
fi
for pins in "$@"; do
    echo "installing envs/$pins.txt"
    $install -r "$pins.txt"
done
