package fixes

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// repeatable are the builder flags that may be given more than once (docs.docker.com/reference/dockerfile).
var repeatable = []string{"mount", "exclude", "device"}

// unixOnly are the builder flags that mean nothing in a Windows stage, or fail there.
var unixOnly = []string{"chown", "chmod", "mount", "security"}

// SetFlag gives i the builder flag --name=value; with an empty value, --name alone. A flag of that name is replaced
// where it stands; otherwise the new one follows the last flag, or the keyword. A flag that may be repeated (mount,
// exclude, device) is always added.
func SetFlag(f *dockerfile.File, i *dockerfile.Instruction, name, value string) (Edit, error) {
	if err := own(f, i); err != nil {
		return Edit{}, err
	}
	if slices.Contains(unixOnly, name) && i.Stage != nil && i.Stage.Windows() {
		return Edit{}, refuse("a Windows stage has no --%s", name)
	}
	if strings.ContainsAny(value, " \t\r\n\"'`\\") {
		return Edit{}, refuse("the value of --%s would need quotes: %s", name, value)
	}
	text := "--" + name
	if value != "" {
		text += "=" + value
	}
	if had, ok := i.Flag(name); ok && !slices.Contains(repeatable, name) {
		return checkedOne(f, edit(f, had.Span, text))
	}
	at := i.KeywordSpan.End
	if n := len(i.Flags); n > 0 {
		at = i.Flags[n-1].Span.End
	}
	return checkedOne(f, edit(f, point(at), " "+text))
}
