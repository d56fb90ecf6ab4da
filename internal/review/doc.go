// Package review brings one pull request up to date with what there is to say about it.
//
// The work is a line of pure steps between two that do I/O. Forge.Change reads the pull request; Look examines the
// changed Dockerfiles at the head and makes an Opinion: every finding that the pull request touched or caused,
// placed on the diff as a suggestion, as a plain comment or in the summary. Reconcile compares the Opinion with
// what stands on the pull request already and yields a forge.Plan, which is empty when nothing has to change.
// Forge.Publish writes the plan.
//
// The code host is the memory: each comment ends with a marker that names its finding and hashes its text, so a lost
// database or a doubled webhook repeats nothing. The command line and the demo show the same Opinion.
package review
