package main

import "log"

func main() { log.Println("dev is up") }
