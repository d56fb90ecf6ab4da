package main

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

// The soak tests are long: "make soak" runs them at full size, "make test" at a small part of it. Each prints what it
// counted in one line of name=figure.
var soakScale = flag.Float64("soak", 0, "run the soak tests at this part of their full size")

// soaking skips a test unless it was asked for, and is n at the scale that was.
func soaking(t *testing.T, n int) int {
	t.Helper()
	if *soakScale <= 0 {
		t.Skip("a soak test: make soak")
	}
	return max(1, int(float64(n)**soakScale))
}

// figures prints a line of figures for whoever reads the output of make soak.
func figures(pairs ...any) {
	var line []string
	for n := 0; n+1 < len(pairs); n += 2 {
		line = append(line, fmt.Sprintf("%v=%v", pairs[n], pairs[n+1]))
	}
	fmt.Println(strings.Join(line, " "))
}
