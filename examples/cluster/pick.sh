#!/bin/bash
# Pick on many machines, and put the picks together:
#
# bash pick.sh model.safetensors "mics/**/*.mrc" picks
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

array="$(sbatch --parsable "$here/pick_array.sbatch" "$@")"
sbatch --dependency="afterany:${array%%;*}" "$here/collect.sbatch" "$@"
