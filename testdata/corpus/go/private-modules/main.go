package main

import "log"

func main() { log.Println("ingest is up") }
