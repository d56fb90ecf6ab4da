package main

import "log"

func main() { log.Println("short is up") }
