# Debian's Python under the names that the image of that name has, asking the index beside the registry.
FROM debian:12-slim
RUN apt-get update && \
    apt-get install -y --no-install-recommends python3 python3-pip python3-venv && \
    rm -rf /var/lib/apt/lists/* /usr/lib/python3*/EXTERNALLY-MANAGED && \
    ln -s /usr/bin/python3 /usr/local/bin/python && ln -s /usr/bin/python3 /usr/local/bin/python3
ENV PIP_INDEX_URL=http://localhost:5055/simple/ PIP_DISABLE_PIP_VERSION_CHECK=1
CMD ["python3"]
