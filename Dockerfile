# Environment and baselines on the CPU. Nothing renders with GL, so no system library is missing.
#
#   docker build -t jumppad .
#   docker run --rm -v "$PWD/runs:/jumppad/runs" jumppad python -m agents.collect runs/demo --episodes 500
#   docker run --rm -v "$PWD/runs:/jumppad/runs" jumppad python -m baselines.pipeline smoke --out runs/smoke
#
# Files in runs/ then belong to root; --user "$(id -u):$(id -g)" makes them yours, if runs/ is yours already. A processor
# of another model than that of the build compiles the rules again at every start of a container: half a minute.
FROM python:3.11-slim

# Extras of setup.cfg, without spaces.
ARG EXTRAS=baselines

WORKDIR /jumppad
COPY . .
RUN pip install --no-cache-dir --constraint constraints.txt \
    --extra-index-url https://download.pytorch.org/whl/cpu --editable ".[$EXTRAS]"

# Compiles the rules and the renderer, and shows that they work.
RUN python -m jumppad_env.doctor
