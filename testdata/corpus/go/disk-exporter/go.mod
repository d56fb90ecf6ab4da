module example.org/disk-exporter

go 1.19

require (
	github.com/prometheus/client_golang v1.20.5
)
