package main

import "log"

func main() { log.Println("relay is up") }
