package prove

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// stagePrefix begins the names that unnamed stages are given, so that each can be asked for.
const stagePrefix = "lighterman-stage-"

// named returns the file with a name for every stage, and the names in order. A stage's name has no influence on
// what it builds.
func named(f *dockerfile.File) (src []byte, names []string, err error) {
	if bytes.Contains(bytes.ToLower(f.Src), []byte(stagePrefix)) {
		return nil, nil, fmt.Errorf("the file uses names that begin with %s", stagePrefix)
	}
	seen := map[string]bool{}
	at := 0
	for _, s := range f.Stages {
		name := s.Name
		if name == "" {
			name = fmt.Sprintf("%s%d", stagePrefix, s.Index)
			src = append(src, f.Src[at:s.From.Body.End]...)
			src = append(src, " AS "+name...)
			at = s.From.Body.End
		}
		if seen[strings.ToLower(name)] {
			return nil, nil, errors.New("two stages have the same name")
		}
		seen[strings.ToLower(name)] = true
		names = append(names, name)
	}
	return append(src, f.Src[at:]...), names, nil
}
