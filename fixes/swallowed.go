package fixes

import (
	"regexp"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// swallowed is the first line of an instruction that looks like an instruction of its own, and which a continuation above
// it makes part of this one; 0 when there is none. A backslash too many does that: Docker passes over comments and blank
// lines, and takes "CMD ..." below the gap as more arguments.
func swallowed(f *dockerfile.File, i *dockerfile.Instruction) int {
	last := i.EndLine()
	if len(i.Heredocs) > 0 {
		last = f.Line(i.Heredocs[0].Body.Start) - 1
	}
	for n := i.Line() + 1; n <= last; n++ {
		m := instructionLine.FindStringSubmatch(f.Text(f.LineSpan(n)))
		if m != nil && !belongs(i.Keyword, m[1]) {
			return n
		}
	}
	return 0
}

// instructionLine matches a line that begins as people write instructions, in capitals. A list of flags behind HEALTHCHECK
// is followed by its own CMD, and what ONBUILD defers may stand on the next line.
var instructionLine = regexp.MustCompile(`^[ \t]*(FROM|RUN|CMD|LABEL|EXPOSE|ENV|ADD|COPY|ENTRYPOINT|VOLUME|USER|WORKDIR|` +
	`ARG|ONBUILD|STOPSIGNAL|HEALTHCHECK|SHELL|MAINTAINER)[ \t]+[^ \t=;&|)]`)

func belongs(keyword, line string) bool {
	return keyword == "ONBUILD" || keyword == "HEALTHCHECK" && line == "CMD"
}

// whole refuses an instruction that has swallowed another: what was meant is not what is written.
func whole(f *dockerfile.File, i *dockerfile.Instruction) error {
	if n := swallowed(f, i); n > 0 {
		return refuse("line %d looks like an instruction of its own, and the backslash above it makes it part of this %s",
			n, i.Keyword)
	}
	return nil
}
