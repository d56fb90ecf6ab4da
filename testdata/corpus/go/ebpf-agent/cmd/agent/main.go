package main

import "log"

func main() { log.Println("agent is up") }
