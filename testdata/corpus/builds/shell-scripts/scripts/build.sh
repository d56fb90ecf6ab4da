#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
args=(--pull --no-cache)
docker buildx build "${args[@]}" --platform linux/amd64,linux/arm64 -t "${IMAGE:-app}:latest" --push .
