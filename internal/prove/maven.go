package prove

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// poms are the names of Maven's manifests.
var poms = []string{"pom.xml", "pom-*.xml"}

// mavenOptions are the options of mvn that name no file but those which are looked at.
var mavenOptions = options{
	switches: `-B --batch-mode -q --quiet -e --errors -X --debug --verbose -ntp --no-transfer-progress -o --offline -U
		--update-snapshots -fn --fail-never -fae --fail-at-end -ff --fail-fast -am --also-make -amd
		--also-make-dependents -N --non-recursive -C --strict-checksums -c --lax-checksums -V --show-version -nsu
		--no-snapshot-updates`,
	values: "-P --activate-profiles -pl --projects -T --threads --color -rf --resume-from",
	dirs:   "-f --file", lists: "-s --settings",
}

var (
	// resolving matches the goals that only fetch (maven.apache.org/plugins/maven-dependency-plugin).
	resolving = pattern.New(`^(dependency|org\.apache\.maven\.plugins:maven-dependency-plugin(:[\w.-]+)?):` +
		`(go-offline|resolve|resolve-plugins|resolve-sources)$|` +
		`^de\.qaware\.maven:go-offline-maven-plugin(:[\w.-]+)?:resolve-dependencies$`)
	// mavenSetting matches the properties that name no file.
	mavenSetting = pattern.New(`^-D(skip\w*|[\w.-]+\.skip|maven\.(test|javadoc|source|artifact|wagon|resolver|` +
		`compiler|main|install|deploy)\.[\w.]+|https?\.[\w.]+|java\.net\.[\w.]+|aether\.[\w.]+|style\.color|silent|` +
		`(in|ex)clude(Scope|Types|GroupIds|ArtifactIds|ReactorArtifacts)|revision|changelist|sha1|` +
		`project\.build\.sourceEncoding|org\.slf4j\.simpleLogger\.[\w.]+)(=[^/]*)?$`)
)

// mavenEffect knows mvn and its wrapper, as far as they only fetch.
func mavenEffect(program string, words []string, dir string) (effect, bool, error) {
	if program != "mvn" && program != "mvnw" {
		return effect{}, false, nil
	}
	var args []string
	for _, w := range words[1:] {
		switch {
		case mavenSetting.MatchString(w):
		case len(w) > 2 && (strings.HasPrefix(w, "-P") || strings.HasPrefix(w, "-T")):
			args = append(args, w[:2], w[2:])
		default:
			args = append(args, w)
		}
	}
	p, err := mavenOptions.parse(program, args)
	if err != nil {
		return effect{}, true, err
	}
	if len(p.rest) == 0 {
		return effect{}, true, fmt.Errorf("what %s does without a goal is not known", program)
	}
	for _, goal := range p.rest {
		if !resolving.MatchString(goal) {
			return effect{}, true, fmt.Errorf("%s %s may read the sources", program, goal)
		}
	}
	e := effect{name: program + " " + p.rest[0], dir: dir, manifests: poms, files: allUnder(dir, p.lists),
		writes: []string{"/root/.m2"}}
	if p.dir != "" {
		e.dir = under(dir, p.dir)
		if strings.HasSuffix(p.dir, ".xml") {
			e.files, e.dir = append(e.files, e.dir), path.Dir(e.dir)
		}
	}
	return e, true, nil
}

// A pom is what is read of Maven's manifest (maven.apache.org/pom.html).
type pom struct {
	Modules        []string `xml:"modules>module"`
	ProfileModules []string `xml:"profiles>profile>modules>module"`
	Parent         *struct {
		RelativePath *string `xml:"relativePath"`
	} `xml:"parent"`
}

// pomComplete checks that the manifests of a project's modules and of its parent are inputs, and all of .mvn.
func pomComplete(fsys fs.FS, name string, inputs []string) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	var project pom
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = bytewise
	if err := d.Decode(&project); err != nil {
		return fmt.Errorf("%s cannot be read", name)
	}
	needs := append(project.Modules, project.ProfileModules...)
	if parent := project.Parent; parent != nil && parent.RelativePath != nil {
		needs = append(needs, *parent.RelativePath)
	} else if parent != nil {
		needs = append(needs, "../pom.xml")
	}
	for _, other := range needs {
		if err := pomCovered(fsys, path.Join(path.Dir(name), strings.TrimSpace(other)), name, inputs); err != nil {
			return err
		}
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		settings := path.Join(dir, ".mvn")
		if _, err := fs.Lstat(fsys, settings); err == nil && !allCovered(fsys, settings, inputs) {
			return fmt.Errorf("the install also reads %s, which is not copied before", settings)
		}
		if dir == "." {
			return nil
		}
	}
}

// pomCovered checks that a manifest that another one names is an input, if it is there.
func pomCovered(fsys fs.FS, other, name string, inputs []string) error {
	if strings.Contains(other, "$") {
		return fmt.Errorf("%s names %s, which is not known", name, other)
	}
	info, err := fs.Lstat(fsys, other)
	if err != nil {
		return nil // outside of the context, or not there in either order
	}
	if info.IsDir() {
		other = path.Join(other, "pom.xml")
	}
	if _, err := fs.Lstat(fsys, other); err == nil && !covered(other, inputs) && other != name {
		return fmt.Errorf("the install also reads %s, which is not copied before", other)
	}
	return nil
}

// bytewise reads the encodings in which each byte is the character of that number.
func bytewise(label string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "iso-8859-1", "windows-1252", "latin1", "us-ascii", "ascii":
		data, err := io.ReadAll(r)
		out := make([]rune, len(data))
		for k, b := range data {
			out[k] = rune(b)
		}
		return strings.NewReader(string(out)), err
	}
	return nil, fmt.Errorf("the encoding %s is not known", label)
}
