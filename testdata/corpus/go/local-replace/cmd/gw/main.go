package main

import "log"

func main() { log.Println("gw is up") }
