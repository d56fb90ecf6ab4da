package main

import "log"

func main() { log.Println("fn is up") }
