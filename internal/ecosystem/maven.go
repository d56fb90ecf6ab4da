package ecosystem

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

var mavenFiles = files{
	read: []string{"pom.xml", "pom-*.xml", ".mvn/extensions.xml", ".mvn/maven.config", ".mvn/jvm.config", "settings.xml",
		"mvnw", "settings-*.xml", "*-settings.xml"},
	other: []string{"mvnw.cmd"},
	dirs:  []string{".mvn"},
}

// mavenOptions are the options of mvn; see https://maven.apache.org/ref/current/maven-embedder/cli.html. Those that
// choose modules or profiles change nothing: the manifests of all are taken for read.
var mavenOptions = options{
	switches: []string{"-B", "--batch-mode", "-q", "--quiet", "-e", "--errors", "-X", "--debug", "--verbose", "-ntp",
		"--no-transfer-progress", "-o", "--offline", "-U", "--update-snapshots", "-fn", "--fail-never", "-fae",
		"--fail-at-end", "-ff", "--fail-fast", "-am", "--also-make", "-amd", "--also-make-dependents", "-N",
		"--non-recursive", "-C", "--strict-checksums", "-c", "--lax-checksums", "-V", "--show-version", "-nsu", "--no-snapshot-updates"},
	values: []string{"-f", "--file", "-P", "--activate-profiles", "-pl", "--projects", "-T", "--threads", "-s",
		"--settings", "--color", "-rf", "--resume-from"},
}

var (
	mavenResolves = pattern.New(`^(dependency|org\.apache\.maven\.plugins:maven-dependency-plugin(:[\w.-]+)?):` +
		`(go-offline|resolve|resolve-plugins|resolve-sources)$|` +
		`^de\.qaware\.maven:go-offline-maven-plugin(:[\w.-]+)?:resolve-dependencies$`)
	mavenPhase = pattern.New(`^(validate|initialize|(generate|process)(-test)?-(sources|resources|classes)|` +
		`(test-)?compile|test|(prepare-)?package|(pre-|post-)?integration-test|verify|install|deploy)$`)
	mavenProperty = pattern.New(`^(skip\w*|[\w.-]+\.skip|maven\.(test|javadoc|source|artifact|wagon|resolver|` +
		`compiler|main|install|deploy)\.[\w.]+|https?\.[\w.]+|java\.net\.[\w.]+|aether\.[\w.]+|style\.color|silent|` +
		`(in|ex)clude(Scope|Types|GroupIds|ArtifactIds|ReactorArtifacts)|revision|changelist|sha1|` +
		`project\.build\.sourceEncoding|org\.slf4j\.simpleLogger\.[\w.]+)(=.*)?$`)
)

// maven knows mvn and the wrapper that calls it.
func maven(words []string) verdict {
	program := path.Base(words[0])
	if program != "mvn" && program != "mvnw" {
		return verdict{}
	}
	args, properties := mavenWords(words[1:])
	o := mavenOptions
	o.switches = append(slices.Clone(o.switches), "-v", "--version")
	p := o.parse(args)
	builds := slices.ContainsFunc(p.rest, mavenPhase.MatchString)
	another := func(goal string) bool { return !mavenResolves.MatchString(goal) }
	resolves := len(p.rest) > 0 && !slices.ContainsFunc(p.rest, another)
	switch {
	case len(p.rest) == 0 && p.has("-v", "--version") && program == "mvn":
		return verdict{kind: harmless}
	case !builds && !resolves, p.has("-o", "--offline"): // offline, nothing is fetched
		return verdict{}
	}
	v := verdict{kind: install, manager: "maven", implicit: builds, stays: []string{".m2"}, unknown: p.doubt()}
	for _, d := range properties {
		if !mavenProperty.MatchString(d) && v.unknown == "" {
			name, _, _ := strings.Cut(d, "=")
			v.unknown = "its property " + name + " is not known"
		}
	}
	if builds {
		v.unknown = program + " " + p.rest[len(p.rest)-1] + " downloads and compiles in one step; " +
			"dependency:go-offline needs the pom.xml files only and can stand before the copy"
	}
	v.read = func(r *reading) {
		m := &pomReader{reading: r, seen: map[string]bool{}}
		m.command(words[0], p)
	}
	return v
}

// mavenWords takes the -Dname=value words out of a command's, and parts -Pprofile and -T4.
func mavenWords(args []string) (rest, properties []string) {
	for _, a := range args {
		switch {
		case strings.HasPrefix(a, "-D"):
			properties = append(properties, a[2:])
		case len(a) > 2 && (strings.HasPrefix(a, "-P") || strings.HasPrefix(a, "-T")):
			rest = append(rest, a[:2], a[2:])
		default:
			rest = append(rest, a)
		}
	}
	return rest, properties
}

// A pomReader follows the manifests of one call of Maven.
type pomReader struct {
	*reading
	seen map[string]bool
}

// command reads what the call itself names.
func (m *pomReader) command(program string, p parsed) {
	m.writes("/root/.m2")
	if strings.Contains(program, "/") {
		m.program(program, "Maven")
	}
	if settings := p.value("-s", "--settings"); settings != "" {
		m.settings(settings)
	}
	pom := path.Join(m.dir, "pom.xml")
	if file := p.value("-f", "--file"); file != "" {
		name, ok := m.within(m.dir, file)
		if !ok {
			return
		}
		pom = m.manifest(name)
	}
	m.optional(".", pom)
	for dir := path.Dir(pom); ; dir = path.Dir(dir) {
		m.configuration(path.Join(dir, ".mvn"))
		if dir == "." {
			break
		}
	}
	m.pom(pom)
}

// manifest is the pom.xml of a directory, or the file itself.
func (m *pomReader) manifest(name string) string {
	if m.directory(name) {
		return path.Join(name, "pom.xml")
	}
	return name
}

// program makes a wrapper script an input, if it is the one that its tool writes.
func (r *reading) program(name, tool string) {
	name, ok := r.within(r.dir, name)
	if !ok {
		return
	}
	data, ok := r.content(name)
	if ok && !strings.Contains(string(data), tool) {
		r.refuse("%s is not the wrapper that %s writes", name, tool)
	}
}

// settings reads a settings file that is part of the sources. One that is not is there before the copy.
func (m *pomReader) settings(file string) {
	if path.IsAbs(file) && m.image != "" && !strings.HasPrefix(path.Clean(file), strings.TrimSuffix(m.image, "/")+"/") {
		return
	}
	name, ok := m.within(m.dir, file)
	if !ok {
		return
	}
	if root := m.xml(name, "settings"); root != nil {
		if local := root.child("localRepository"); local != nil {
			m.refuse("%s keeps what is downloaded in %s", name, local.text)
		}
		m.scan(name, root)
	}
}

// xml reads a file whose root element has that name.
func (r *reading) xml(name, want string) *element {
	data, ok := r.content(name)
	if !ok {
		return nil
	}
	root, err := parseXML(data)
	switch {
	case err != nil:
		r.refuse("%s cannot be read: %v", name, err)
	case root.name != want:
		r.refuse("%s is no %s", name, want)
	default:
		return root
	}
	return nil
}

// jvmOption matches the options of a Java machine that name no file.
var jvmOption = pattern.New(`^(-X[\w:+=,%.-]*|-D(file|user|java\.awt|sun|jdk|javax|com\.sun)\.[\w.-]+(=[^/]*)?|` +
	`--(add-(opens|exports|modules)|enable-native-access|enable-preview)(=\S+)?|[\w.]+/[\w.]+=[\w.,-]+)$`)

// mavenExtensions are extensions of Maven that read nothing of the project.
var mavenExtensions = []string{"os-maven-plugin", "develocity-maven-extension", "gradle-enterprise-maven-extension",
	"common-custom-user-data-maven-extension", "takari-smart-builder", "wagon-ssh", "wagon-http",
	"wagon-webdav-jackrabbit", "maven-bundle-plugin", "nexus-staging-maven-plugin", "central-publishing-maven-plugin", "maven-profiler"}

// configuration reads the directory .mvn; see https://maven.apache.org/configure.html.
func (m *pomReader) configuration(dir string) {
	if !m.directory(dir) {
		return
	}
	m.tree(dir)
	if name := path.Join(dir, "maven.config"); m.exists(name) {
		data, _ := m.content(name)
		m.arguments(name, strings.Fields(string(data)))
	}
	if name := path.Join(dir, "jvm.config"); m.exists(name) {
		data, _ := m.content(name)
		for _, option := range strings.Fields(string(data)) {
			d, isProperty := strings.CutPrefix(option, "-D")
			if !jvmOption.MatchString(option) && !(isProperty && mavenProperty.MatchString(d)) {
				m.refuse("%s has the option %s, which may name other files", name, option)
			}
		}
	}
	if name := path.Join(dir, "extensions.xml"); m.exists(name) {
		if root := m.xml(name, "extensions"); root != nil {
			m.extensions(name, root.all("extension"))
		}
	}
}

// arguments checks those of maven.config, which stand before the command's own.
func (m *pomReader) arguments(name string, args []string) {
	args, properties := mavenWords(args)
	p := mavenOptions.parse(args)
	if p.unknown != "" || len(p.rest) > 0 || p.has("-f", "--file", "-s", "--settings") {
		m.refuse("%s has arguments that may name other files", name)
	}
	for _, d := range properties {
		if !mavenProperty.MatchString(d) {
			m.refuse("%s sets a property that may name other files", name)
		}
	}
}

// extensions refuses programs that Maven loads into itself and that are not known to leave the sources alone.
func (m *pomReader) extensions(name string, all []*element) {
	for _, e := range all {
		if id := e.child("artifactId"); id == nil || !slices.Contains(mavenExtensions, id.text) {
			m.refuse("%s loads an extension that may read the sources", name)
		}
	}
}

// pom reads one manifest, its parents and its modules; see https://maven.apache.org/pom.html.
func (m *pomReader) pom(name string) {
	if m.seen[name] || m.unknown != "" {
		return
	}
	m.seen[name] = true
	root := m.xml(name, "project")
	if root == nil {
		return
	}
	m.parent(name, root)
	m.modules(name, root)
	for _, profile := range root.all("profiles/profile") {
		m.modules(name, profile)
	}
	m.scan(name, root)
	if target := path.Join(path.Dir(name), "target"); m.there(target) {
		m.refuse("%s is part of the sources, and Maven looks for what was built there", target)
	}
}

// parent reads the manifest that this one inherits from, if it is in the repository.
func (m *pomReader) parent(name string, root *element) {
	parent := root.child("parent")
	if parent == nil {
		return
	}
	relative := parent.child("relativePath")
	if relative == nil { // then it may stand above, and does not have to
		above := path.Join(path.Dir(name), "../pom.xml")
		if !strings.HasPrefix(above, "..") && m.exists(above) {
			m.pom(above)
		}
		return
	}
	if strings.Contains(relative.text, "$") {
		m.refuse("%s names its parent by a property", name)
	}
	if relative.text == "" || m.unknown != "" {
		return
	}
	if above, ok := m.within(path.Dir(name), relative.text); ok {
		if above = m.manifest(above); m.exists(above) {
			m.pom(above)
		}
	}
}

// modules reads the manifests of the modules of a project or of a profile.
func (m *pomReader) modules(name string, in *element) {
	for _, module := range append(in.all("modules/module"), in.all("subprojects/subproject")...) {
		if strings.Contains(module.text, "$") {
			m.refuse("%s names a module by a property", name)
			continue
		}
		if file, ok := m.within(path.Dir(name), module.text); ok {
			m.pom(m.manifest(file))
		}
	}
}

// scan looks for what makes Maven read other files: libraries and repositories in the sources, profiles that depend
// on files, extensions.
func (m *pomReader) scan(name string, root *element) {
	root.walk(func(e, parent *element) bool {
		switch {
		case e.name == "systemPath":
			m.library(name, e.text)
		case e.name == "file" && parent.name == "activation":
			m.refuse("%s has a profile that depends on which files are there", name)
		case e.name == "url" && (parent.name == "repository" || parent.name == "pluginRepository" || parent.name == "mirror"):
			m.repository(name, e.text, root)
		case e.name == "extension" && parent.name == "extensions":
			m.extensions(name, []*element{e})
		case e.name == "extensions" && parent.name == "plugin" && e.text != "false":
			m.extensions(name, []*element{parent})
		}
		return e.name != "distributionManagement" // where it publishes
	})
}

// baseDir matches the ways to write the manifest's own directory.
var baseDir = pattern.New(`^\$\{(project\.)?basedir\}/`)

// library adds a dependency that is a file of the repository.
func (m *pomReader) library(name, file string) {
	rest := baseDir.ReplaceAllString(file, "")
	if strings.HasPrefix(file, "${java.home}/") {
		return
	}
	if rest == file || strings.Contains(rest, "$") {
		m.refuse("%s depends on the file %s", name, file)
		return
	}
	if lib, ok := m.within(path.Dir(name), rest); ok {
		m.required(lib)
	}
}

// repository refuses one that may be a directory of the sources.
func (m *pomReader) repository(name, url string, root *element) {
	if key, ok := strings.CutPrefix(url, "${"); ok {
		key, rest, _ := strings.Cut(key, "}")
		if values := root.all("properties/" + key); len(values) == 1 {
			url = values[0].text + rest
		}
	}
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "s3://") {
		m.refuse("%s names the repository %s, which may be part of the sources", name, url)
	}
}
