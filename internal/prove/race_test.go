//go:build race

package prove

// raceDetector says that everything takes ten times as long.
const raceDetector = true
