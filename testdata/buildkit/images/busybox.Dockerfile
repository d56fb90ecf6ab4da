# Debian's busybox with its shell and tools, nothing else.
FROM debian:12-slim AS made
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static && \
    mkdir -p /made/bin /made/tmp /made/root /made/etc && cp /bin/busybox /made/bin/ && chmod 1777 /made/tmp && \
    chroot /made /bin/busybox --install -s /bin && printf 'root:x:0:0:root:/root:/bin/sh\n' > /made/etc/passwd

FROM scratch
COPY --from=made /made /
CMD ["sh"]
