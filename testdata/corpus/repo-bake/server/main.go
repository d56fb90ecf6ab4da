package main

import (
	"net/http"
)

var version = "dev"

func main() { _ = http.ListenAndServe(":8080", nil) }
