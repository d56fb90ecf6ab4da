package main

import "google.golang.org/grpc"

func main() { grpc.NewServer() }
