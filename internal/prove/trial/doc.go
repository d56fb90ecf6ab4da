// Package trial holds a proof against reality: it has a BuildKit daemon build a Dockerfile before and after a fix, and
// compares what came out.
//
// The file before is built twice without cache. What differs between those two builds is noise, time stamps and the
// like, and is masked, attribute by attribute, when the build of the fixed file is held against the first. What is left
// has to be what the fix's Intent says, no more and no less: that is package prove's claim, tried rather than reasoned
// about. Two more builds, after a change to one source file, show which steps run again.
//
// Builds run the commands of the Dockerfile. So this is for the command line and for our own tests, on one's own code;
// the service never imports it.
package trial
