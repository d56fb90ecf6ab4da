module example.com/gw/proto

go 1.22
