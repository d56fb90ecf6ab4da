package main

import "log"

func main() { log.Println("operator is up") }
