ARG VERSION=3.12
FROM python:${VERSION}-slim AS dev
WORKDIR /app
COPY api ./api
CMD ["python", "-m", "api"]
FROM dev AS run
USER 1000
