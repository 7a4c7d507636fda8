#!/usr/bin/env bash
# Runs a command on the first node of a Slurm job, with a Ray cluster of all its nodes; without Slurm, on this machine.
#
#   sbatch --nodes 4 --cpus-per-task 16 examples/slurm.sh \
#       python -m agents.collect runs/demo --episodes 100000 --cluster auto
#   examples/slurm.sh python -m agents.collect runs/demo --episodes 2000 --cluster auto
#
# Run it in a checkout that all nodes see at the same place, set up by `make setup`. After a time limit or a
# lost node submit the same line again: the command resumes. Nodes must not be shared, since the end of the job ends all
# of your Ray processes on them; --exclusive sees to that.
#SBATCH --job-name=jumppad
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
set -euo pipefail

PATH="$PWD/.venv/bin:$PATH"
WAIT=${WAIT:-300} # seconds for all nodes to come up
[ $# -gt 0 ] || { echo "error: give a command, as in: examples/slurm.sh python -m agents.collect runs/demo" >&2; exit 2; }
command -v ray >/dev/null || { echo "error: there is no ray in .venv: make setup installs it" >&2; exit 2; }

# What Slurm knows. A step gets all cores only if it asks for them; nodes notice late that the first one has ended.
NODES=${SLURM_JOB_NUM_NODES:-1}
CORES=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-$(nproc)}}
PORT=${PORT:-$((20000 + ${SLURM_JOB_ID:-0} % 10000))}
HEAD=127.0.0.1 LAUNCH=()
if [ -n "${SLURM_JOB_ID:-}" ]; then
    read -r HEAD _ < <(hostname -I) # the batch script runs on the first node; by name it might find itself at 127.0.1.1
    LAUNCH=(srun --nodes="$NODES" --ntasks="$NODES" --ntasks-per-node=1 --cpus-per-task="$CORES" --wait=30)
fi

# `ray symmetric-run` ends with 0 if Ray itself did not start: the command leaves its exit code in a file.
code=$(mktemp)
trap 'rm -f "$code"' EXIT
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=$WAIT RAY_USAGE_STATS_ENABLED=0
# Whoever reaches an open cluster runs code on it: this one takes only who knows the job's own token.
RAY_AUTH_TOKEN=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token
# shellcheck disable=SC2016  # expanded by the inner shell
${LAUNCH[@]+"${LAUNCH[@]}"} ray symmetric-run --address "$HEAD:$PORT" --min-nodes "$NODES" --num-cpus "$CORES" -- \
    sh -c '"$@"; ended=$?; echo $ended >"$0"; exit $ended' "$code" "$@" || true
[ -s "$code" ] || { echo "error: Ray did not start on $NODES nodes with its head at $HEAD:$PORT, see above" >&2; exit 1; }
exit "$(cat "$code")"
