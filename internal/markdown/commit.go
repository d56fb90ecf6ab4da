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

// obeyed matches what GitHub, or what tests a push, would obey in a commit's message.
var obeyed = regexp.MustCompile(`(?i)#[0-9]|@[a-z0-9]|\bgh-[0-9]|://|\[[a-z -]*(skip|ci|actions)[a-z -]*\]|\*\*\*`)

// MessageCell is Cell where the text may become a commit's message, as that of a pull request does when it is squashed: nobody
// heeds code spans there, so that one which would be obeyed is not made code.
func MessageCell(s string) string {
	parts := strings.Split(OneLine(s), "`")
	for n := 1; n < len(parts); n += 2 {
		if obeyed.MatchString(parts[n]) {
			return Escaped(s)
		}
	}
	return Cell(s)
}

// MessageCode is CodeCell where the text may become a commit's message.
func MessageCode(s string) string {
	if obeyed.MatchString(OneLine(s)) {
		return Escaped(s)
	}
	return CodeCell(s)
}
