module example.com/gateway

go 1.26

require golang.org/x/sync v0.10.0
