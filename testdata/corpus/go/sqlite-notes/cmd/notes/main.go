package main

import "log"

func main() { log.Println("notes is up") }
