package ecosystem

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

var dotnetFiles = files{
	read: []string{"*.csproj", "*.fsproj", "*.vbproj", "*.dcproj", "*.esproj", "*.proj", "*.sln", "*.slnx", "*.slnf",
		"*.props", "*.targets", "nuget.config", "NuGet.config", "NuGet.Config", "*.csproj.user"},
	other: []string{"global.json", "dotnet-tools.json", "packages.config"},
	locks: []string{"packages.lock.json", "packages.*.lock.json"},
}

// dotnetOptions are the options of "dotnet restore"; see https://learn.microsoft.com/dotnet/core/tools/dotnet-restore.
var dotnetOptions = options{
	switches: []string{"--locked-mode", "--use-lock-file", "--no-cache", "--no-http-cache", "--disable-parallel",
		"--ignore-failed-sources", "--force", "-f", "--force-evaluate", "--no-dependencies", "--nologo", "-nologo",
		"--use-current-runtime", "--ucr", "-m", "--disable-build-servers"},
	values: []string{"-r", "--runtime", "-a", "--arch", "--os", "-s", "--source", "-v", "--verbosity", "--configfile",
		"--packages"},
}

var (
	// msbuildSwitch matches MSBuild's own switches that name no file.
	msbuildSwitch = pattern.New(`^[-/]((m|maxcpucount|nologo|interactive|ds|warnaserror)(:[\w;,-]*)?|` +
		`(nr|nodeReuse|v|verbosity|tl|clp|consoleloggerparameters):[\w;,-]*)$`)
	msbuildProperty = pattern.New(`^(--?|/)(p|property):(.*)$`)
	// restoreProperty matches the properties that change what is installed, and not from where or to where.
	restoreProperty = pattern.New(`^(Configuration|Platform|RuntimeIdentifiers?|Publish\w+|SelfContained|` +
		`TargetFrameworks?|(Assembly|File|Package|Informational)?Version(Prefix|Suffix)?|ContinuousIntegrationBuild|` +
		`TreatWarningsAsErrors|RestoreLockedMode|RestorePackagesWithLockFile|NuGetAudit\w*|UseAppHost|` +
		`InvariantGlobalization|DebugType|DebugSymbols|EnableWindowsTargeting|RestoreUseStaticGraphEvaluation|` +
		`RestoreIgnoreFailedSources|BuildInParallel|UseSharedCompilation|StripSymbols|IsDocker|DockerBuild)=[^;/]*$`)
)

// dotnet knows the dotnet command.
func dotnet(words []string) verdict {
	if path.Base(words[0]) != "dotnet" || len(words) < 2 {
		return verdict{}
	}
	args := words[2:]
	switch words[1] {
	case "--info", "--version", "--list-sdks", "--list-runtimes":
		return verdict{kind: harmless}
	case "restore":
		return dotnetRestore(args)
	case "build", "publish", "test", "pack", "run", "msbuild":
		return dotnetBuild(words[1], args)
	case "tool":
		return dotnetTool(args)
	case "workload":
		return installsOnly(args, "install", "update")
	case "nuget":
		return installsOnly(args, "locals")
	}
	return verdict{}
}

// installsOnly knows subcommands that take names only.
func installsOnly(args []string, subcommands ...string) verdict {
	if len(args) == 0 || !slices.Contains(subcommands, args[0]) ||
		slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "file") || isLocal(a) }) {
		return verdict{}
	}
	return verdict{kind: harmless}
}

// dotnetTool is an install of tools: into the account, which reads nothing, or those that the repository lists.
func dotnetTool(args []string) verdict {
	if isGlobal(args) && (first(args) == "install" || first(args) == "update") {
		return tool(args[1:])
	}
	if first(args) != "restore" {
		return verdict{}
	}
	p := dotnetOptions.parse(args[1:])
	v := verdict{kind: install, manager: "dotnet-tool", unknown: p.doubt()}
	if len(p.rest) > 0 || p.has("--configfile", "--packages") {
		v.unknown = "it names files of its own"
	}
	v.read = func(r *reading) {
		r.writes("/root/.nuget")
		b := &msbuild{reading: r}
		b.nugets(r.dir)
		for dir := r.dir; ; dir = path.Dir(dir) {
			r.optional(dir, ".config/dotnet-tools.json", "dotnet-tools.json", "global.json")
			if dir == "." {
				return
			}
		}
	}
	return v
}

func dotnetRestore(args []string) verdict {
	args, expands := forPlatform(args)
	rest, unknown := msbuildWords(args)
	p := dotnetOptions.parse(rest)
	v := verdict{kind: install, manager: "dotnet", stays: []string{".nuget", "nuget/packages"}, expands: expands,
		unknown: either(unknown, p.doubt())}
	if len(p.rest) > 1 && v.unknown == "" {
		v.unknown = "it names more than one project"
	}
	if source := p.value("-s", "--source"); source != "" && !strings.Contains(source, "://") {
		v.unknown = either(v.unknown, "it takes packages from "+source)
	}
	v.read = func(r *reading) {
		b := &msbuild{reading: r}
		if dir := p.value("--packages"); dir != "" {
			r.writes(join(r.dir, dir))
		}
		if file := p.value("--configfile"); file != "" {
			if name, ok := r.within(r.dir, file); ok {
				b.nuget(name)
			}
		}
		b.target(first(p.rest))
	}
	return v
}

// platformWord matches the variables by which a builder says for which platform it builds.
var platformWord = pattern.New(`^"?\$(\{TARGET(ARCH|OS)\}|TARGET(ARCH|OS))"?$`)

// forPlatform puts a word in the place of such a variable where it is the value of an option that names a platform.
// expands reports whether no other word is left that the shell would expand.
func forPlatform(args []string) (words []string, expands bool) {
	for k, a := range args {
		names := k > 0 && slices.Contains([]string{"-a", "--arch", "-r", "--runtime", "--os"}, args[k-1])
		if names && platformWord.MatchString(a) {
			a = "platform"
		}
		words = append(words, a)
	}
	return words, !slices.ContainsFunc(words, func(w string) bool { return strings.ContainsAny(w, "$`~{*?[\"'\\") })
}

// msbuildWords takes MSBuild's own switches out of a command's words.
func msbuildWords(args []string) (rest []string, unknown string) {
	for _, a := range args {
		m := msbuildProperty.FindStringSubmatch(a)
		switch {
		case msbuildSwitch.MatchString(a):
		case m == nil:
			rest = append(rest, a)
		case !restoreProperty.MatchString(m[3]):
			name, _, _ := strings.Cut(m[3], "=")
			unknown = either(unknown, "its property "+name+" is not known")
		}
	}
	return rest, unknown
}

// dotnetBuild is a command that compiles, and restores before it does unless it is told not to.
func dotnetBuild(verb string, args []string) verdict {
	if slices.Contains(args, "--no-restore") || slices.Contains(args, "--no-build") {
		return verdict{}
	}
	v := verdict{kind: install, manager: "dotnet", implicit: true, stays: []string{".nuget", "nuget/packages"}}
	v.unknown = "dotnet " + verb + " restores and compiles in one step; " +
		"dotnet restore needs the project files only and can stand before the copy"
	target := ""
	if len(args) > 0 && named(dotnetFiles.read, args[0]) {
		target = args[0]
	}
	v.read = func(r *reading) { (&msbuild{reading: r}).target(target) }
	return v
}
