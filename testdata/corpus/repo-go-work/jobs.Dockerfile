FROM golang:1.26 AS build
WORKDIR /w
COPY go.work ./
COPY svc/api/go.mod svc/api/
COPY svc/jobs/go.mod svc/jobs/
COPY lib/go.mod lib/
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /jobs ./svc/jobs
FROM scratch
COPY --from=build /jobs /jobs
ENTRYPOINT ["/jobs"]
