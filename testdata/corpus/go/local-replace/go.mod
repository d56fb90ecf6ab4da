module example.com/gw

go 1.22

require (
	google.golang.org/grpc v1.69.0
)

replace example.com/gw/proto => ./proto
