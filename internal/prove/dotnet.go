package prove

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// projects are the names of the files that .NET's tools build and restore from.
var projects = []string{"*.csproj", "*.fsproj", "*.vbproj", "*.sln", "*.slnx", "*.slnf"}

// dotnetOptions are those of "dotnet restore" (learn.microsoft.com/dotnet/core/tools/dotnet-restore).
var dotnetOptions = options{
	switches: `--locked-mode --use-lock-file --no-cache --no-http-cache --disable-parallel --ignore-failed-sources --force
		-f --force-evaluate --no-dependencies --nologo -nologo --use-current-runtime --ucr -m --disable-build-servers`,
	values: "-r --runtime -a --arch --os -s --source -v --verbosity",
	lists:  "--configfile", places: "--packages",
}

// msbuildWord matches MSBuild's own switches and the properties that move nothing.
var msbuildWord = pattern.New(`^([-/]((m|maxcpucount|nologo|interactive|ds|warnaserror)(:[\w;,-]*)?|` +
	`(nr|nodeReuse|v|verbosity|tl|clp|consoleloggerparameters):[\w;,-]*)|` +
	`(--?|/)(p|property):(Configuration|Platform|RuntimeIdentifiers?|Publish\w+|SelfContained|TargetFrameworks?|` +
	`(Assembly|File|Package|Informational)?Version(Prefix|Suffix)?|ContinuousIntegrationBuild|TreatWarningsAsErrors|` +
	`RestoreLockedMode|RestorePackagesWithLockFile|NuGetAudit\w*|UseAppHost|InvariantGlobalization|DebugType|` +
	`DebugSymbols|EnableWindowsTargeting|RestoreUseStaticGraphEvaluation|RestoreIgnoreFailedSources|BuildInParallel|` +
	`UseSharedCompilation|StripSymbols|IsDocker|DockerBuild)=[^;/]*)$`)

// dotnetEffect knows the restore of packages, and installs of .NET's own tools.
func dotnetEffect(program string, words []string, dir string) (effect, bool, error) {
	if program != "dotnet" || len(words) < 2 {
		return effect{}, false, nil
	}
	switch {
	case begins(words[1:], []string{"tool", "install"}) && slices.Contains(words, "-g"),
		begins(words[1:], []string{"workload", "install"}), len(words) == 2 && words[1] == "--info":
		return effect{name: "dotnet " + words[1], dir: dir, system: true}, true, free(words[2:], program)
	case words[1] != "restore":
		return effect{}, false, nil
	}
	p, err := dotnetOptions.parse(program, slices.DeleteFunc(slices.Clone(words[2:]), msbuildWord.MatchString))
	if err != nil {
		return effect{}, true, err
	}
	if slices.ContainsFunc(p.values, func(value string) bool { return local(value) || strings.Contains(value, `\`) }) ||
		len(p.rest) > 1 {
		return effect{}, true, fmt.Errorf("what dotnet restore reads is not known")
	}
	e := effect{name: "dotnet restore", dir: dir, manifests: projects, wide: true, beside: []string{"obj"},
		files: allUnder(dir, p.lists), writes: append(allUnder(dir, p.places), "/root/.nuget")}
	if len(p.rest) == 1 {
		e.dir = under(dir, p.rest[0])
		if matchesAny(projects, path.Base(e.dir)) {
			e.files, e.dir = append(e.files, e.dir), path.Dir(e.dir)
		}
	}
	return e, true, nil
}

// platformWord matches the variables by which a builder says for which platform it builds.
var platformWord = pattern.New(`^"?\$(\{TARGET(ARCH|OS)\}|TARGET(ARCH|OS))"?$`)

// forPlatform are the words of a restore in which only the platform is left to the builder: the value of an option that
// names nothing else.
func forPlatform(cmd dockerfile.Command) (words []string, ok bool) {
	for k, w := range cmd.Words {
		names := k > 0 && slices.Contains([]string{"-a", "--arch", "-r", "--runtime", "--os"}, cmd.Words[k-1].Text)
		switch {
		case w.Literal:
			words = append(words, w.Text)
		case names && platformWord.MatchString(w.Text):
			words = append(words, "platform")
		default:
			return nil, false
		}
	}
	return words, cmd.Name() == "dotnet"
}

// aroundProjects are the files that MSBuild and NuGet look for in a project's directory and above it.
var aroundProjects = []string{"Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props",
	"Directory.Build.rsp", "nuget.config", "NuGet.config", "NuGet.Config", "global.json"}

var (
	projectReference = pattern.New(`<ProjectReference\s[^>]*?Include\s*=\s*["']([^"']+)["']([^>]*)`)
	solutionProject  = pattern.New(`(?m)(?:^\s*Project\("\{[^}]*\}"\)\s*=\s*"[^"]*",\s*|` +
		`<Project\s[^>]*?Path=)"([^"]+)"`)
)

// fromProject makes a path in a project file one that is relative to it.
var fromProject = strings.NewReplacer(`\`, "/", "$(MSBuildThisFileDirectory)", "", "$(MSBuildProjectDirectory)/", "")

// projectComplete checks that the projects which a project or a solution names, and what stands around them, are
// inputs.
func projectComplete(fsys fs.FS, name string, inputs []string) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	var needs []string
	for _, m := range append(projectReference.FindAllStringSubmatch(string(text), -1),
		solutionProject.FindAllStringSubmatch(string(text), -1)...) {
		needs = append(needs, strings.Split(m[1], ";")...)
	}
	for _, other := range needs {
		other = path.Join(path.Dir(name), strings.TrimSpace(fromProject.Replace(other)))
		if strings.ContainsAny(other, "$*?@") {
			return fmt.Errorf("%s names %s, which is not known", name, other)
		}
		info, err := fs.Lstat(fsys, other)
		if err == nil && !info.IsDir() && !covered(other, inputs) {
			return fmt.Errorf("the install also reads %s, which is not copied before", other)
		}
	}
	return surrounded(fsys, path.Dir(name), inputs)
}

// surrounded checks that what stands around a project is among the inputs.
func surrounded(fsys fs.FS, dir string, inputs []string) error {
	if lock := path.Join(dir, "packages.lock.json"); !covered(lock, inputs) {
		if _, err := fs.Lstat(fsys, lock); err == nil {
			return fmt.Errorf("the install also reads %s, which is not copied before", lock)
		}
	}
	for ; ; dir = path.Dir(dir) {
		for _, name := range aroundProjects {
			name = path.Join(dir, name)
			if _, err := fs.Lstat(fsys, name); err == nil && !covered(name, inputs) {
				return fmt.Errorf("the install also reads %s, which is not copied before", name)
			}
		}
		if dir == "." {
			return nil
		}
	}
}
