package main

import "log"

func main() { log.Println("htmx is up") }
