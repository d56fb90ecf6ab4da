package main

import "log"

func main() { log.Println("ping is up") }
