package markdown

import (
	"regexp"
	"strings"
)

// maxMuzzled bounds in bytes what a commit's message takes over of one path or title.
const maxMuzzled = 200

// muzzle breaks what is obeyed in a commit's message: "fixes #1" closes, "@all" calls, "[skip ci]" keeps the tests from running.
var muzzle = strings.NewReplacer("@", "@ ", "#", "# ", "[", "(", "]", ")", "***", "* * *", "://", ": //")

var ghNumber = regexp.MustCompile(`(?i)\bgh-`)

// Muzzled is a path or a title in a commit's message: on one line, and without what GitHub or others would obey there.
func Muzzled(s string) string {
	return ghNumber.ReplaceAllString(muzzle.Replace(Clip(OneLine(s), maxMuzzled)), "gh ")
}
