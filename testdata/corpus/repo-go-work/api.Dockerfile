FROM golang:1.26 AS build
WORKDIR /w
ADD . .
RUN cd svc/api && go mod download
RUN cd svc/api && go build -o /api .
FROM debian:12-slim
COPY --from=build /api /
CMD ["/api"]
