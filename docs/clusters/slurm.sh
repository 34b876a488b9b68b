#!/bin/bash
# Two hosts with four GPUs each, by Slurm:  sbatch docs/clusters/slurm.sh
#
# Not run on a cluster. From a folder that all hosts share, with the environment in .venv.
#SBATCH --job-name=tfcomgan
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4
#SBATCH --time=24:00:00
# Two minutes before the time is up all are asked to end: they save, and go on when requeued.
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --output=slurm-%j-%t.log

set -euo pipefail
PORT=${PORT:-2222}
HOSTS=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:$PORT\"/" | paste -sd,)
export HOSTS

# SLURM_PROCID counts the tasks, one on each host, in the order of the list.
srun --kill-on-bad-exit=0 bash -c '
  export TF_CONFIG="{\"cluster\": {\"worker\": [$HOSTS]},
    \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec .venv/bin/tfcomgan "$@"' tfcomgan \
  --gin_file=gin/cub.gin --run_dir=runs/cub "$@"
