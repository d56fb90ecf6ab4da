// Package prove shows that a fix changes what it promises and nothing else.
//
// A file before and after a fix is turned into BuildKit's build graph, by BuildKit's own frontend, for a set of
// worlds: what the base image might be, which build arguments are passed, which platform is asked for; and for every
// stage of the file. Of each graph the root file system is walked from its last operation to the base, which gives a
// list of steps, and the image's configuration. The predicate of the fix's Intent then compares lists and
// configurations: what differs must be exactly the stated difference. A second predicate compares the two texts.
// What cannot be seen in either comes from the build contexts. All predicates are allowlists: a shape that none of
// them knows is refused.
//
// Expanding the variables of a stranger's Dockerfile can take any amount of memory, and running out of it cannot be
// recovered from. So a bound is computed first, and the conversion happens in a child process, the same binary
// started again, that has limits on memory, time, input and output and neither network nor environment. A child that
// dies costs one file its fixes.
//
// A child is only ever given the text of a Dockerfile. Nothing is built and no command of the file is run.
package prove
