#!/usr/bin/env bash
# Runs in the new conda environment, from the project's root.
# sha256 of gpu.txt, so that new pins make a new environment: 4bc83ebff39519f1a9a4506de98570eaeec4e5b53c8cfc66d60a6c0490256ef3
set -euo pipefail
bash envs/install.sh gpu
