// Package config reads what a repository has decided: .github/lighterman.yml, and of a hadolint configuration what
// concerns checks that are ours too.
//
// Load puts layers on top of each other: what holds by default, the hadolint configuration, our own file, and the flags
// of a command. Each value keeps where it comes from. Our file is strict: an unknown key, a value of the wrong kind and
// the name of a check that does not exist are errors with line, column and the nearest name that would have been right;
// all of them are told at once. What comes out is plain values, so that the engine knows nothing of YAML.
package config
