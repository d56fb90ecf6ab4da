module example.com/relay

go 1.23.4

require (
	github.com/prometheus/client_golang v1.20.5
)
