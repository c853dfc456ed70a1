#!/usr/bin/env bash
# Runs in the new conda environment, from the project's root.
# sha256 of math-verify.txt, so that new pins make a new environment: bf26bd7f7828930b98f71327517ad5036ffb1c3f92c823b7adfd853b154003b9
set -euo pipefail
bash envs/install.sh math-verify
