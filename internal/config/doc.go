// Package config reads what a repository has decided: .github/lighterman.yml, and of a hadolint configuration what
// concerns checks that are ours too.
//
// Load puts layers on top of each other: what holds by default, the organisation's default, the presets that the
// repository's file names, the hadolint configuration, our own file, and the flags of a command. A single value of a
// higher layer wins, and each check for itself; a list takes the place of the one beneath. A preset lies right under the
// file that names it. Each value keeps where it comes from.
//
// Our file is strict: an unknown key, a value of the wrong kind and the name of a check that does not exist are errors
// with line, column and the nearest name that would have been right; all of them are told at once. A preset that is wrong
// or cannot be had is left out, and told where it is named. What comes out is plain values, so that the engine knows
// nothing of YAML; files of other repositories are read by a function that the caller gives.
package config
