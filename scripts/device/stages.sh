# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016  # the driver expands the commands, not this file
# What check_device.sh does, in order of value. Sourced by it.
#   stage NAME SECONDS NEEDS COMMAND...
# SECONDS is the stage's time limit. NEEDS lists programs, separated by commas: those of ours (in $BIN) must be there,
# those of the machine are looked for in PATH, and without them the stage is skipped. COMMAND is run by bash in the
# root folder of the project, with $HELPERS, $BIN, $RESULTS and $SCRATCH as check_device.sh sets them.

# The stages of a first call: 570 seconds if each takes all it may.
stage versions   30 warpgnn_bench                   '$HELPERS/versions.sh'
stage op-tests   25 warpgnn_tests                   '$HELPERS/tests.sh listed'
stage tests      50 warpgnn_tests                   '$HELPERS/tests.sh all'
stage core      135 warpgnn_bench                   '$HELPERS/measure.sh core $RESULTS/rows.jsonl'
stage peers     105 warpgnn_bench,python3           '$HELPERS/peers.sh measure'
stage ncu        90 warpgnn_bench,ncu               '$HELPERS/profile.sh'
stage steps      20 warpgnn_bench                   '$HELPERS/measure.sh steps $RESULTS/rows.jsonl'
stage demo       25 warpgnn-train                   '$BIN/warpgnn-train graphs --device cuda --out $SCRATCH/demo'
stage memcheck   50 warpgnn_tests,compute-sanitizer '$HELPERS/sanitize.sh memcheck'
stage racecheck  25 warpgnn_tests,compute-sanitizer '$HELPERS/sanitize.sh racecheck'
stage synccheck  15 warpgnn_tests,compute-sanitizer '$HELPERS/sanitize.sh synccheck'

# The group `variants`, for a second call: how else the kernels could run, and whether the first times hold.
stage variants  110 warpgnn_bench                   '$HELPERS/measure.sh variants $RESULTS/variants.jsonl'
stage again     100 warpgnn_bench                   '$HELPERS/measure.sh core $RESULTS/again.jsonl'

# Goes on beside the other stages from the first second, until the stage that it is for has ended.
beside peers '$HELPERS/peers.sh build'
