# A root file system for static programs: accounts, certificates, a home and a place for temporary files.
FROM debian:12-slim AS made
RUN mkdir -p /made/etc/ssl/certs /made/home/nonroot /made/root /made/tmp && chmod 1777 /made/tmp && \
    cp /etc/ssl/certs/ca-certificates.crt /made/etc/ssl/certs/ && \
    printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin' \
      'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' > /made/etc/passwd && \
    printf '%s\n' root:x:0: nobody:x:65534: nonroot:x:65532: > /made/etc/group && \
    chown 65532:65532 /made/home/nonroot && chmod 700 /made/root /made/home/nonroot

FROM scratch AS nonroot
COPY --from=made /made /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532
WORKDIR /home/nonroot

FROM scratch
COPY --from=made /made /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 0
WORKDIR /
