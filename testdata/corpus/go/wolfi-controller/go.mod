module example.org/controller

go 1.23

require (
	sigs.k8s.io/controller-runtime v0.19.2
)
