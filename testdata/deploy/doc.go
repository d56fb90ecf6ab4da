// Package deploy holds folder deploy against the libraries of those who read it: Helm's, Compose's, Prometheus'. It is a
// module of its own, so that ours stays free of theirs; "make test-deploy" runs it. What the files say about lighterman
// itself, its settings and its metrics, is held by the tests of cmd/lighterman.
package deploy
