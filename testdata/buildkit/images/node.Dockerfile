# Node and npm of the machine, where the image of that name has them.
FROM debian:12-slim
ARG CERTIFICATES
ENV NODE_EXTRA_CA_CERTS=$CERTIFICATES
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY --from=npm . /usr/local/lib/node_modules/npm
COPY --from=node node /usr/local/bin/
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && \
    ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx && \
    ln -s node /usr/local/bin/nodejs && node --version && npm --version && rm -rf /root/.npm
COPY --chmod=755 docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
