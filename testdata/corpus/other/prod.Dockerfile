FROM alpine:3.21
RUN adduser -D app
USER app
CMD ["sleep", "1"]
