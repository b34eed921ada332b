#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# splats.sh - print the lines of a kernel log that no test may cause
#
# usage: splats.sh FILE...; exit 0 if there are none, 1 if there are
set -euo pipefail

# Lockdep's reports all begin with WARNING: or BUG:, most of the memory
# checkers' with BUG:; the others are named by what they print.
readonly splats='WARNING: |(^|[^A-Z])BUG: |kernel BUG at|Oops|general protection
possible recursive locking|possible circular locking|inconsistent lock state
suspicious RCU|sleeping function called|scheduling while atomic
KASAN: |KCSAN: |KFENCE: |UBSAN: |unreferenced object|refcount_t: |list_(add|del) corruption
rcu.*detected.*stall|soft lockup|hard LOCKUP|blocked for more than [0-9]+ seconds
Kernel panic|unregister_netdevice: waiting for|Freed in|Poison overwritten|Redzone overwritten'

[[ $# -ge 1 ]] || { echo 'usage: splats.sh FILE...' >&2; exit 2; }
! grep -ahE "$splats" -- "$@"
