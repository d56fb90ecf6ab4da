#!/bin/bash
while sleep 60; do curl -fsS "$TARGET" | jq .; done
