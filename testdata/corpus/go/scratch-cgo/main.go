package main

import "log"

func main() { log.Println("beacon is up") }
