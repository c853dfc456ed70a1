#!/usr/bin/env bash
# Runs in the new conda environment, from the project's root.
# sha256 of cpu.txt, so that new pins make a new environment: 10b333cbf4c4e684c1bf8f5f8707cd0e19792726524187ef48b9ac5086a8c5c4
set -euo pipefail
bash envs/install.sh cpu
