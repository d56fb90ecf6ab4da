package main

import "github.com/prometheus/client_golang/prometheus"

func main() { prometheus.NewRegistry() }
