package main

import "net"

func main() {
	l, err := net.Listen("tcp", ":50051")
	if err != nil {
		panic(err)
	}
	_ = l.Close()
}
