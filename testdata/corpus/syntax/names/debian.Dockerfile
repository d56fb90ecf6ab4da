FROM debian:13-slim
USER nobody
CMD ["echo", "debian.Dockerfile"]
