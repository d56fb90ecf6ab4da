module example.com/agent

go 1.23

require (
	github.com/cilium/ebpf v0.17.0
)
