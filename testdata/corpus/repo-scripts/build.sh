#!/bin/sh
set -e
for image in base app; do
  docker build -t "registry.example.com/$image" -f "images/$image/Dockerfile" .
done
