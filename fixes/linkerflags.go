package fixes

import (
	"regexp"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// quotedFlags matches the linker's flags as one text in quotes in which no shell changes anything: with the name of the
// option in front, or as a word of their own. Go takes text that begins otherwise than with "-" for a pattern of packages.
var quotedFlags = regexp.MustCompile(`^((?:--?ldflags=)?")(-[^"\\$` + "`" + `!]*")$|^((?:--?ldflags=)?')(-[^']*')$`)

// StrippedFlags puts -s -w in front of the linker's flags of a go build, which stand in the word at; it refuses all but
// plain text in quotes.
func StrippedFlags(f *dockerfile.File, at dockerfile.Span) (Rewording, error) {
	m := quotedFlags.FindStringSubmatch(f.Text(at))
	if m == nil {
		return Rewording{}, refuse("the linker's flags are not one plain text in quotes")
	}
	return Rewording{At: at, How: Instead, Text: m[1] + m[3] + "-s -w " + m[2] + m[4]}, nil
}
