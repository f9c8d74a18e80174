#!/bin/sh
# Measures M1 to M5 beside the bare kernel loop and writes the table of docs/performance.md.
# About twelve minutes on two cores; the machine should have nothing else to do.
# A machine that is busy at the start is measured but its figures are only printed; ANYWAY=1 writes
# them down all the same.
# QUICK=1 runs everything shortly and only prints the table: to try the measurement itself.
set -eu
cd "$(dirname "$0")/.."
# A bridged call of the generator and one of the engine need two sockets each.
ulimit -n "$(ulimit -H -n)"
exec cargo bench --bench measured
