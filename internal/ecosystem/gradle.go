package ecosystem

import (
	"path"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

var gradleFiles = files{
	read: []string{"settings.gradle", "settings.gradle.kts", "gradlew"},
	other: []string{"build.gradle", "build.gradle.kts", "gradle.properties", "gradlew.bat", "libs.versions.toml",
		"gradle-daemon-jvm.properties"},
	locks: []string{"gradle.lockfile", "buildscript-gradle.lockfile"},
	dirs:  []string{"gradle/wrapper", "buildSrc"},
}

var gradleOptions = options{
	switches: []string{"--no-daemon", "--daemon", "-q", "--quiet", "-i", "--info", "-w", "--warn", "-s", "--stacktrace",
		"-S", "--full-stacktrace", "--parallel", "--no-parallel", "--build-cache", "--no-build-cache", "--offline",
		"--refresh-dependencies", "--no-configuration-cache", "--configuration-cache", "--no-watch-fs", "--continue",
		"--scan", "--no-scan", "--rerun-tasks", "-v", "--version", "-V"},
	values: []string{"-x", "--exclude-task", "--console", "--configuration", "--warning-mode", "--max-workers", "-p",
		"--project-dir", "--priority"},
}

var (
	gradleResolves = pattern.New(`^(:?[\w-]+:)*:?(dependencies|buildEnvironment|resolveDependencies|` +
		`downloadDependencies|androidDependencies|dependencyInsight|help|tasks|projects|properties)$`)
	gradleBuilds = pattern.New(`^(:?[\w-]+:)*:?(build|assemble|check|test|jar|war|bootJar|bootWar|shadowJar|` +
		`fatJar|uberJar|installDist|installShadowDist|distTar|distZip|classes|testClasses|` +
		`compile(Test)?(Java|Kotlin|Groovy|Scala)|nativeCompile|quarkusBuild|buildFatJar|optimizedJitJar|bootRun|run|publish\w*|(assemble|bundle)\w*Release)$`)
	gradleProperty = pattern.New(`^-(P[\w.-]+|Dorg\.gradle\.[\w.-]+|Dfile\.encoding|Dhttps?\.[\w.]+)(=[^/]*)?$`)
)

// gradle knows gradle and the wrapper that calls it. A build file is a program: what it reads is not known, and that
// is what is said of every command that evaluates one; see
// https://docs.gradle.org/current/userguide/command_line_interface.html.
func gradle(words []string) verdict {
	program := path.Base(words[0])
	if program != "gradle" && program != "gradlew" {
		return verdict{}
	}
	var args []string
	unknown := ""
	for _, w := range words[1:] {
		switch {
		case gradleProperty.MatchString(w):
		case strings.HasPrefix(w, "-D"), strings.HasPrefix(w, "-P"):
			name, _, _ := strings.Cut(w, "=")
			unknown = either(unknown, "its property "+name[2:]+" is not known")
		default:
			args = append(args, w)
		}
	}
	p := gradleOptions.parse(args)
	v := verdict{kind: install, manager: "gradle", dir: p.value("-p", "--project-dir"),
		stays: []string{".gradle", "gradle/caches"}, unknown: either(unknown, p.doubt())}
	builds, resolves := false, len(p.rest) > 0
	for _, task := range p.rest {
		builds = builds || gradleBuilds.MatchString(task)
		resolves = resolves && gradleResolves.MatchString(task)
	}
	version := len(p.rest) == 0 && p.has("-v", "--version")
	switch {
	case p.has("--offline"): // nothing is fetched
		return verdict{}
	case version && program == "gradle":
		return verdict{kind: harmless}
	case version:
		v.dir = ""
	case builds:
		v.implicit = true
		v.unknown = program + " " + spelledTask(p.rest) + " downloads and compiles in one step; " +
			program + " dependencies needs the build files only and can stand before the copy"
	case !resolves:
		return verdict{}
	}
	v.read = func(r *reading) {
		if r.writes("/root/.gradle", "/home/gradle/.gradle"); program == "gradlew" {
			r.gradleWrapper(words[0])
		}
		if !version {
			r.gradleBuild()
		}
	}
	return v
}

// spelledTask is the last of the tasks that builds.
func spelledTask(tasks []string) string {
	for k := len(tasks) - 1; k > 0; k-- {
		if gradleBuilds.MatchString(tasks[k]) {
			return tasks[k]
		}
	}
	return tasks[0]
}

// gradleWrapper adds the wrapper and what it reads to fetch Gradle.
func (r *reading) gradleWrapper(program string) {
	r.program(program, "Gradle")
	root := path.Join(r.dir, path.Dir(program))
	if path.IsAbs(program) {
		root, _ = r.within(".", path.Dir(program))
	}
	r.required(path.Join(root, "gradle/wrapper/gradle-wrapper.properties"))
	r.required(path.Join(root, "gradle/wrapper/gradle-wrapper.jar"))
	r.optional(root, "gradle.properties", "gradle/gradle-daemon-jvm.properties")
}

var (
	gradleInclude  = pattern.New(`(?m)^\s*include\b\s*\(?((?:\s*,?\s*["'][^"'$]*["'])+)`)
	gradleIncluded = pattern.New(`\bincludeBuild\b\s*\(?\s*["']([^"'$]+)["']`)
	quoted         = pattern.New(`["']([^"']*)["']`)
)

// gradleBuild adds what Gradle evaluates: settings, build files, catalogs, the builds that belong to the build.
func (r *reading) gradleBuild() {
	dir := r.dir
	for _, name := range []string{"settings.gradle", "settings.gradle.kts"} {
		if above := r.upward(dir, name); above != "" {
			dir = path.Dir(above)
			break
		}
	}
	r.writes(path.Join(dir, ".gradle"), path.Join(dir, "build"))
	r.optional(dir, "gradle.properties", "gradle/libs.versions.toml", "gradle/gradle-daemon-jvm.properties")
	r.gradleProject(dir)
	for _, name := range []string{"settings.gradle", "settings.gradle.kts"} {
		if r.exists(path.Join(dir, name)) {
			data, _ := r.content(path.Join(dir, name))
			r.gradleSettings(dir, string(data))
		}
	}
	if len(r.inputs) == 0 {
		r.refuse("there is no build.gradle in the build context")
	}
	if r.directory(path.Join(dir, "buildSrc")) {
		r.tree(path.Join(dir, "buildSrc"))
		r.refuse("%s is a program that Gradle compiles and runs, which may read the sources", path.Join(dir, "buildSrc"))
	}
	r.refuse("the build files of Gradle are programs, which may read the sources")
}

// gradleProject adds the build file of one project.
func (r *reading) gradleProject(dir string) bool {
	r.optional(dir, "gradle.lockfile", "buildscript-gradle.lockfile")
	for _, name := range []string{"build.gradle", "build.gradle.kts"} {
		if name = path.Join(dir, name); r.exists(name) {
			r.add(name)
			return true
		}
	}
	return false
}

// gradleSettings adds the projects and builds that the settings include.
func (r *reading) gradleSettings(dir, text string) {
	for _, m := range gradleIncluded.FindAllStringSubmatch(text, -1) {
		if at, ok := r.within(dir, m[1]); ok {
			r.gradleProject(at)
			r.refuse("the build %s is included, and is a program that may read the sources", at)
		}
	}
	for _, m := range gradleInclude.FindAllStringSubmatch(text, -1) {
		for _, project := range quoted.FindAllStringSubmatch(m[1], -1) {
			at, ok := r.within(dir, strings.ReplaceAll(strings.TrimPrefix(project[1], ":"), ":", "/"))
			if ok && !r.gradleProject(at) && !r.directory(at) {
				r.refuse("the project %s is not in the build context", at)
			}
		}
	}
}
