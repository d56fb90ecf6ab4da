package main

import "log"

func main() { log.Println("export is up") }
