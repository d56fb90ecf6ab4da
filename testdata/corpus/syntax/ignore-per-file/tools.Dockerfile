FROM alpine:3.22
WORKDIR /srv
COPY . .
USER nobody
CMD ["ls", "tools"]
