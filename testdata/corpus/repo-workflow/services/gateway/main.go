package main

import "net/http"

var sha string

func main() { _ = http.ListenAndServe(":8080", nil) }
