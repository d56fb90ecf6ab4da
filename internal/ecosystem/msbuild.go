package ecosystem

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// An msbuild follows the files that a restore reads: https://learn.microsoft.com/visualstudio/msbuild/msbuild. All
// conditions are taken for true; what is read too many does no harm.
type msbuild struct {
	*reading
	seen  map[string]bool
	roots map[string]*element
	items int // elements looked at
}

// maxItems bounds how many elements of project files one restore may have.
const maxItems = 200_000

// target is the project or the solution that the command names, or the only one in its directory.
func (b *msbuild) target(name string) {
	b.seen, b.roots = map[string]bool{}, map[string]*element{}
	b.writes("/root/.nuget")
	b.upwards(b.dir, "global.json")
	at, ok := b.within(b.dir, name)
	if !ok {
		return
	}
	if b.directory(at) {
		if at = b.only(at); at == "" {
			return
		}
	}
	switch path.Ext(at) {
	case ".sln", ".slnx", ".slnf":
		b.solution(at)
	default:
		b.project(at)
	}
}

var projectFile = pattern.New(`\.(\w*proj|slnx?)$`)

// only is the one project or solution of a directory.
func (b *msbuild) only(dir string) string {
	entries, err := fs.ReadDir(b.context, dir)
	if err != nil {
		b.refuse("%s cannot be listed", dir)
		return ""
	}
	var found []string
	for _, e := range entries {
		if projectFile.MatchString(e.Name()) {
			found = append(found, path.Join(dir, e.Name()))
		}
	}
	if len(found) != 1 {
		b.optional(".", found...)
		b.refuse("which of the %d projects in %s it restores is not known", len(found), dir)
		return ""
	}
	return found[0]
}

// upwards adds the files of those names in a directory and all above it, and returns them.
func (b *msbuild) upwards(dir string, names ...string) []string {
	var found []string
	for {
		for _, n := range names {
			if n = path.Join(dir, n); b.exists(n) {
				b.add(n)
				found = append(found, n)
			}
		}
		if dir == "." {
			return found
		}
		dir = path.Dir(dir)
	}
}

// solutionFolder is the type of the entries of a solution that are no projects.
const solutionFolder = "2150E333-8FDC-42A3-9474-1A3956D46DE8"

var solutionLine = pattern.New(`(?m)^\s*Project\("\{([0-9A-Fa-f-]+)\}"\)\s*=\s*"[^"]*",\s*"([^"]*)"`)

// solution reads a solution's projects.
func (b *msbuild) solution(name string) {
	data, ok := b.content(name)
	if !ok {
		return
	}
	b.surroundings(path.Dir(name), path.Dir(name))
	base := path.Base(name)
	for _, beside := range []string{"before." + base + ".targets", "after." + base + ".targets"} {
		b.imported(path.Join(path.Dir(name), beside), path.Dir(name), false)
	}
	for _, file := range b.projectsOf(name, data) {
		file = strings.ReplaceAll(file, `\`, "/")
		at, ok := b.within(path.Dir(name), file)
		switch ext := path.Ext(file); {
		case !ok:
		case ext == ".csproj", ext == ".fsproj", ext == ".vbproj", ext == ".dcproj", ext == ".esproj":
			b.project(at)
		case ext == ".shproj":
			b.required(at)
		default:
			b.refuse("%s has the project %s, of a kind that is not known", name, file)
		}
	}
}

// projectsOf are the paths of a solution's projects, as written.
func (b *msbuild) projectsOf(name string, data []byte) []string {
	var out []string
	switch path.Ext(name) {
	case ".sln":
		for _, m := range solutionLine.FindAllStringSubmatch(string(data), -1) {
			if !strings.EqualFold(m[1], solutionFolder) {
				out = append(out, m[2])
			}
		}
	case ".slnx":
		if root := b.xml(name, "Solution"); root != nil {
			root.walk(func(e, _ *element) bool {
				if e.name == "Project" {
					out = append(out, e.attrs["Path"])
				}
				return true
			})
		}
	case ".slnf":
		var filter struct{ Solution struct{ Path string } }
		if err := json.Unmarshal(data, &filter); err != nil {
			b.refuse("%s cannot be read", name)
			return nil
		}
		file := strings.ReplaceAll(filter.Solution.Path, `\`, "/")
		if path.Ext(file) == ".slnf" {
			b.refuse("%s is a filter of a filter", name)
		} else if at, ok := b.within(path.Dir(name), file); ok {
			b.solution(at) // all its projects, not only those that the filter lets through
		}
	}
	return out
}

// project reads one project file and everything around it.
func (b *msbuild) project(name string) {
	if b.seen[name] || b.unknown != "" {
		return
	}
	b.seen[name] = true
	dir := path.Dir(name)
	root := b.file(name)
	if root == nil {
		return
	}
	b.writes(path.Join(dir, "obj"))
	stem := strings.TrimSuffix(path.Base(name), path.Ext(name))
	b.optional(dir, "packages.lock.json", "packages."+stem+".lock.json", "packages.config")
	b.imported(name+".user", dir, false)
	b.surroundings(dir, dir)
	b.scan(name, dir, root)
}

// file reads a file of MSBuild's once.
func (b *msbuild) file(name string) *element {
	if root, ok := b.roots[name]; ok {
		return root
	}
	root := b.xml(name, "Project")
	b.roots[name] = root
	return root
}

// surroundings reads what MSBuild and NuGet look for in a directory and above it.
func (b *msbuild) surroundings(dir, project string) {
	for _, name := range b.upwards(dir, "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props",
		"Directory.Solution.props", "Directory.Solution.targets") {
		b.imported(name, project, true)
	}
	for _, name := range b.upwards(dir, "Directory.Build.rsp") {
		b.refuse("%s gives MSBuild arguments, which may name other files", name)
	}
	b.nugets(dir)
}

// imported reads a file that is evaluated as part of a project in the directory project.
func (b *msbuild) imported(name, project string, must bool) {
	key := name + " in " + project
	if b.seen[key] || b.unknown != "" || !must && !b.exists(name) {
		return
	}
	b.seen[key] = true
	if root := b.file(name); root != nil {
		b.scan(name, project, root)
	}
}

// nugets reads NuGet's settings in a directory and above it; see
// https://learn.microsoft.com/nuget/consume-packages/configuring-nuget-behavior.
func (b *msbuild) nugets(dir string) {
	for _, name := range b.upwards(dir, "nuget.config", "NuGet.config", "NuGet.Config") {
		b.nuget(name)
	}
}

// nugetSections are the sections of NuGet's settings that name no file.
var nugetSections = []string{"packageSourceMapping", "packageSourceCredentials", "disabledPackageSources",
	"auditSources", "packageRestore", "bindingRedirects", "packageManagement", "apikeys", "activePackageSource"}

// nugetSettings are the keys of the section config that name no file.
var nugetSettings = []string{"http_proxy", "http_proxy.user", "http_proxy.password", "no_proxy", "dependencyVersion",
	"signatureValidationMode", "maxHttpRequestsPerSource", "defaultPushSource"}

func (b *msbuild) nuget(name string) {
	if b.seen[name] {
		return
	}
	if b.seen == nil {
		b.seen = map[string]bool{}
	}
	b.seen[name] = true
	root := b.xml(name, "configuration")
	if root == nil {
		return
	}
	for _, section := range root.children {
		for _, e := range section.children {
			key, value := e.attrs["key"], e.attrs["value"]
			switch {
			case e.name == "clear", e.name == "remove", slices.Contains(nugetSections, section.name),
				section.name == "config" && slices.Contains(nugetSettings, key):
			case section.name == "packageSources" && strings.Contains(value, "://") && !strings.HasPrefix(value, "file:"):
			case section.name == "packageSources":
				b.refuse("%s takes packages from %s", name, value)
			default:
				b.refuse("%s sets %s, which may name other files", name, either(key, section.name))
			}
		}
	}
}

// sdks matches the SDKs that read nothing of the sources while packages are restored.
var sdks = pattern.New(`^(Microsoft\.NET\.Sdk(\.\w+)?|Microsoft\.Build\.(NoTargets|CentralPackageVersions)|` +
	`Microsoft\.Docker\.Sdk|Microsoft\.VisualStudio\.JavaScript\.Sdk|Aspire\.AppHost\.Sdk|MSTest\.Sdk|Uno\.Sdk|` +
	`Microsoft\.Build\.Sql)(/[\w.-]+)?$`)

// scan looks at everything in a file that may make a restore read another.
func (b *msbuild) scan(name, project string, root *element) {
	if root.attrs["InitialTargets"] != "" {
		b.refuse("%s runs targets of its own first", name)
	}
	b.sdk(name, root.attrs["Sdk"])
	b.functions(name, root)
	root.walk(func(e, parent *element) bool {
		if b.items++; b.items > maxItems {
			b.refuse("its project files are too large")
		}
		if b.unknown != "" {
			return false
		}
		if e.name == "Target" {
			b.hook(name, e)
			return false // it is not run
		}
		b.functions(name, e)
		b.condition(name, project, e.attrs["Condition"])
		switch {
		case e.name == "ProjectReference" && parent.name == "ItemGroup":
			b.references(name, project, e)
		case e.name == "Import":
			b.imports(name, project, e)
		case e.name == "Sdk":
			b.sdk(name, e.attrs["Name"])
		case e.name == "PackageReference" && strings.Contains(e.attrs["Include"]+e.attrs["Version"], "@("):
			b.refuse("%s takes packages from items, which may be files", name)
		case parent.name == "PropertyGroup":
			b.property(name, e)
		}
		return true
	})
}

func (b *msbuild) sdk(name, list string) {
	for _, s := range strings.Split(list, ";") {
		if s = strings.TrimSpace(s); s != "" && !sdks.MatchString(s) {
			b.refuse("%s uses the SDK %s, which may read the sources", name, s)
		}
	}
}

var (
	function = pattern.New(`\[([\w.]+)\]::(\w+)`)
	// pure matches the functions whose value does not depend on what files there are.
	pure = pattern.New(`^(MSBuild::(Is\w+|Version\w+|GetTarget\w+|Add|Subtract|Multiply|Divide|Modulo|` +
		`ValueOrDefault|EnsureTrailingSlash|Normalize\w+|Escape|Unescape|MakeRelative|StableStringHash|Bitwise\w+|` +
		`AreFeaturesEnabled|SubstringByAsciiChars)|(System\.)?(String|Version|Convert|DateTime|DateTimeOffset|TimeSpan|` +
		`Guid|Math|Char|OperatingSystem|Text\.RegularExpressions\.Regex|Runtime\.InteropServices\.\w+)::\w+|` +
		`System\.Environment::GetEnvironmentVariable|System\.IO\.Path::\w+)$`)
	// fileAbove matches the functions that look for a file in the directories above.
	fileAbove = pattern.New(`\[MSBuild\]::Get(?:PathOfFileAbove\(\s*['"]?([\w.-]+)['"]?\s*` +
		`(?:,\s*['"]?\$\(MSBuildThisFileDirectory\)(?:\.\.[/\\]?)?['"]?\s*)?|` +
		`DirectoryNameOfFileAbove\(\s*['"]?\$\(MSBuildThisFileDirectory\)(?:\.\.[/\\]?)?['"]?` +
		`\s*,\s*['"]?([\w.-]+)['"]?\s*)\)`)
)

// functions refuses calls whose value may depend on files.
func (b *msbuild) functions(name string, e *element) {
	check := func(text string) {
		for _, m := range fileAbove.FindAllStringSubmatch(text, -1) {
			b.above(name, m[1]+m[2])
		}
		text = fileAbove.ReplaceAllString(text, "")
		for _, m := range function.FindAllStringSubmatch(text, -1) {
			if !pure.MatchString(m[1] + "::" + m[2]) {
				b.refuse("%s calls %s, which may read other files", name, m[2])
			}
		}
	}
	check(e.text)
	for _, value := range e.attrs {
		check(value)
	}
}

// above adds the files of a name in the directories above a file; which of them is found makes no difference then.
func (b *msbuild) above(name, wanted string) {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if at := path.Join(dir, wanted); b.directory(at) {
			b.refuse("%s depends on whether %s is there", name, at)
		}
		if dir == "." {
			break
		}
	}
	b.upwards(path.Dir(name), wanted)
}

var existsCall = pattern.New(`(?i)exists\s*\(\s*'([^']*)'\s*\)`)

// condition adds the files whose presence a condition asks for.
func (b *msbuild) condition(name, project, text string) {
	calls := existsCall.FindAllStringSubmatch(text, -1)
	if strings.Contains(text, "@(") {
		b.refuse("%s depends on which items there are, which may be files", name)
	}
	if len(calls) != strings.Count(strings.ToLower(text), "exists") {
		b.refuse("%s depends on which files are there", name)
		return
	}
	for _, call := range calls {
		if outsideOf.MatchString(call[1]) {
			continue
		}
		for _, dir := range []string{path.Dir(name), project} {
			at, ok := b.resolve(name, dir, project, call[1])
			switch {
			case !ok:
				return
			case b.directory(at):
				b.refuse("%s depends on whether %s is there", name, at)
			case b.exists(at):
				b.add(at)
			}
		}
	}
}

// outsideOf matches paths that lie in the SDK or among the packages.
var outsideOf = pattern.New(`^\$\((MSBuildExtensionsPath\w*|MSBuildToolsPath|MSBuildBinPath|MSBuildSDKsPath|` +
	`NuGetPackageRoot|VSToolsPath|Pkg\w+|DOTNET_HOST_PATH|NuGetProps?File|NuGetTargets?)\)`)

var ownDirectory = pattern.New(`\$\((MSBuildThisFileDirectory|MSBuildProjectDirectory)\)[/\\]?`)

// resolve is the context path behind a path in a file of MSBuild's.
func (b *msbuild) resolve(name, dir, project, text string) (string, bool) {
	if m := ownDirectory.FindStringSubmatch(text); m != nil && strings.HasPrefix(text, m[0]) {
		dir, text = path.Dir(name), text[len(m[0]):]
		if m[1] == "MSBuildProjectDirectory" {
			dir = project
		}
	}
	text = strings.ReplaceAll(strings.TrimSpace(text), `\`, "/")
	if strings.ContainsAny(text, "$@%*?") {
		b.refuse("%s names %s, which is not known", name, text)
		return "", false
	}
	return b.within(dir, text)
}

// references reads the projects that one depends on.
func (b *msbuild) references(name, project string, e *element) {
	for _, file := range strings.Split(e.attrs["Include"], ";") {
		if strings.TrimSpace(file) == "" {
			continue
		}
		at, ok := b.resolve(name, project, project, file)
		if ok && (e.attrs["Condition"] == "" || b.there(at)) {
			b.project(at)
		}
	}
}

// imports reads a file that another one imports.
func (b *msbuild) imports(name, project string, e *element) {
	file := strings.TrimSpace(e.attrs["Project"])
	if sdk, ok := e.attrs["Sdk"]; ok {
		b.sdk(name, sdk)
		return
	}
	if m := fileAbove.FindStringSubmatch(file); m != nil && "$("+m[0]+")" == file && m[1] != "" {
		for _, above := range b.upwards(path.Dir(name), m[1]) {
			b.imported(above, project, true)
		}
		return
	}
	if outsideOf.MatchString(file) {
		return
	}
	if at, ok := b.resolve(name, path.Dir(name), project, file); ok {
		b.imported(at, project, e.attrs["Condition"] == "")
	}
}

// buildTargets matches the targets that a restore does not run.
var buildTargets = pattern.New(`^(((Before|After|Pre|Post|Core)?(Build|Rebuild|Compile|Publish|Pack|Clean|` +
	`Test|Resources?|ResGen))(Event)?|PrepareForBuild|PrepareForPublish|PrepareResources|ComputeFilesToPublish|` +
	`ComputeResolvedFilesToPublishList|CopyFilesToOutputDirectory|CoreCompile|GenerateNuspec|AssignTargetPaths|` +
	`VSTest|ResolveAssemblyReferences|GetAssemblyVersion|InitializeSourceControlInformation|` +
	`_ExperimentalGetContentFilesToPublish|GenerateStaticWebAssetsManifest|DispatchToInnerBuilds|` +
	`BeforeResolveReferences|AfterResolveReferences|ResolveReferences|_CopyResolvedFilesToPublishAlways)$`)

// hook refuses a target that may run while packages are restored.
func (b *msbuild) hook(name string, e *element) {
	hooked := false
	for _, list := range []string{e.attrs["BeforeTargets"], e.attrs["AfterTargets"]} {
		for _, t := range strings.Split(list, ";") {
			if t = strings.TrimSpace(t); t == "" {
				continue
			}
			hooked = true
			if !buildTargets.MatchString(t) {
				b.refuse("%s has the target %s, which may run with the restore", name, e.attrs["Name"])
			}
		}
	}
	if target := e.attrs["Name"]; !hooked && replaced.MatchString(target) {
		b.refuse("%s has the target %s, which may run with the restore", name, target)
	}
}

// replaced matches names under which the SDK keeps targets that a restore runs.
var replaced = pattern.New(`^(_|Restore|Collect|Get|Generate|Is|Filter|Resolve|Check|Process|Validate)`)

var (
	// moves matches the properties that change where a restore reads or writes.
	moves = pattern.New(`^(Restore\w*|NuGet(LockFilePath|PackageRoot|PackagesPath)|BaseIntermediateOutputPath|` +
		`MSBuildProjectExtensionsPath|ArtifactsPath|UseArtifactsOutput|ProjectAssets\w+|Custom(Before|After)\w+|` +
		`Directory\w+Path|AlternateCommonProps|Before\w+Targets|After\w+Targets|CentralPackageVersionsFile|` +
		`ImportByWildcard\w+|MSBuildUser\w*|LanguageTargets|BuildProjectReferences\w+|SolutionDir)$`)
	// stays matches those of them that do not, by what their names say.
	staysPut = pattern.New(`^Restore(PackagesWithLockFile|LockedMode|UseStaticGraphEvaluation|` +
		`IgnoreFailedSources|ForceEvaluate|EnablePackagePruning|UseLegacyDependencyResolver|SerializeGlobalProperties|ProjectStyle|NoCache|` +
		`NoHttpCache|DisableParallel|EnableGlobalPropertyPackages)$`)
)

func (b *msbuild) property(name string, e *element) {
	if !moves.MatchString(e.name) || staysPut.MatchString(e.name) {
		return
	}
	if (e.name == "RestoreSources" || e.name == "RestoreAdditionalProjectSources") && remoteSources(e.text) {
		return
	}
	b.refuse("%s sets %s, which may name other files", name, e.name)
}

// remoteSources reports whether all of a list are addresses.
func remoteSources(list string) bool {
	for _, s := range strings.Split(list, ";") {
		if s = strings.TrimSpace(s); s != "" && s != "$(RestoreSources)" && !strings.HasPrefix(s, "https://") {
			return false
		}
	}
	return true
}
