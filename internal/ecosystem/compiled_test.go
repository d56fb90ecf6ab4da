package ecosystem_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lighterman/lighterman/internal/ecosystem"
)

// TestHostileProjects looks at manifests of compiled languages that are made to be slow, or to hide what they read.
func TestHostileProjects(t *testing.T) {
	nested := strings.Repeat("<a>", 5000) + strings.Repeat("</a>", 5000)
	mixed := "<project>" + strings.Repeat("a<b/>", 150_000) + "</project>"
	chain := fstest.MapFS{}
	for k := range 3000 {
		pom := fmt.Sprintf("<project><modules><module>../m%d</module></modules></project>", k+1)
		chain[fmt.Sprintf("m%d/pom.xml", k)] = &fstest.MapFile{Data: []byte(pom)}
	}
	properties := strings.Repeat(`<PropertyGroup><A>1</A></PropertyGroup>`, 5000)
	fan := files("Directory.Build.props", "<Project>"+properties+"</Project>")
	var references strings.Builder
	for k := range 500 {
		fmt.Fprintf(&references, `<ProjectReference Include="p%d/P.csproj"/>`, k)
		fan[fmt.Sprintf("p%d/P.csproj", k)] = &fstest.MapFile{Data: []byte("<Project/>")}
	}
	all := "<Project><ItemGroup>" + references.String() + "</ItemGroup></Project>"
	fan["A.csproj"] = &fstest.MapFile{Data: []byte(all)}
	for _, c := range []struct {
		name, script string
		repo         fstest.MapFS
	}{
		{"nested elements", "mvn dependency:go-offline", files("pom.xml", "<project>"+nested+"</project>")},
		{"a chain of modules", "mvn -f m0 dependency:go-offline", chain},
		{"entities", "mvn dependency:go-offline", files("pom.xml", "<project>&x;</project>")},
		{"a document type", "dotnet restore", files("A.csproj", "<!DOCTYPE a SYSTEM 'x'><Project/>")},
		{"an encoding", "dotnet restore", files("A.csproj", `<?xml version="1.0" encoding="utf-16"?><Project/>`)},
		{"many projects", "dotnet restore", fan},
		{"calls", "dotnet restore", files("A.csproj", "<Project><A>"+strings.Repeat("$([X]::Y(", 50_000)+"</A></Project>")},
		{"a filter of itself", "dotnet restore A.slnf", files("A.slnf", `{"solution": {"path": "A.slnf"}}`)},
		{"binary", "dart pub get", files("pubspec.yaml", "\x00\x01")},
		{"aliases", "dart pub get", files("pubspec.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nworkspace: [*b]\n")},
		{"brackets", "cargo fetch", files("Cargo.toml", "a = "+strings.Repeat("[", 100_000))},
		{"commas", "deno install", files("deno.json", `{"imports": [`+strings.Repeat(",]", 100_000))},
		{"an import behind a string", "swift package resolve",
			files("Package.swift", `let a = "/*"; import Foundation; let b = "*/"`)},
		{"a semicolon", "swift package resolve", files("Package.swift", "import PackageDescription; import Foundation")},
		{"a link in settings", "stack build --only-dependencies",
			files("stack.yaml", "extra-deps: [{a: {b: ./x}}]", "x.cabal", "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if i := install(t, c.repo, c.script); i.Unknown == "" {
				t.Errorf("taken for complete: %d inputs", len(i.Inputs))
			}
		})
	}
	install(t, files("pom.xml", mixed), "mvn dependency:go-offline") // text in pieces: it ends
}

// TestOnlyWantedProjectsAreOpened holds Wanted for the managers of compiled languages.
func TestOnlyWantedProjectsAreOpened(t *testing.T) {
	for script, repo := range map[string]fstest.MapFS{
		"./mvnw dependency:go-offline": files("pom.xml", "<project><modules><module>a</module></modules></project>",
			"a/pom.xml", "<project/>", "mvnw", "# Maven", ".mvn/jvm.config", "-Xmx1g", ".mvn/wrapper/maven-wrapper.jar", ""),
		"dotnet restore": files("A.slnx", `<Solution><Project Path="a/A.csproj"/></Solution>`, "a/A.csproj", "<Project/>",
			"Directory.Build.props", "<Project/>", "nuget.config", "<configuration/>", "global.json", "{}",
			"a/packages.lock.json", "{}"),
		"bun install": files("package.json", "{}", "bun.lock", "",
			"bunfig.toml", "[install]\nexact = true\n"),
		"deno install": files("deno.json", `{"workspace": ["./a"]}`,
			"a/deno.json", "{}", "deno.lock", "{}"),
		"dart pub get":          files("pubspec.yaml", "name: x", "pubspec.lock", ""),
		"swift package resolve": files("Package.swift", "import PackageDescription", "Package.resolved", "{}"),
		"./gradlew --version": files("gradlew", "Gradle",
			"gradle/wrapper/gradle-wrapper.jar", "",
			"gradle/wrapper/gradle-wrapper.properties", ""),
		"cabal build --only-dependencies all": files("x.cabal", "name: x", "cabal.project", "packages: .\n"),
		"stack build --only-dependencies":     files("x.cabal", "name: x", "stack.yaml", "resolver: lts-22.0\n"),
	} {
		c := counting{repo, map[string]bool{}}
		if i := install(t, c, script); i.Unknown != "" || len(i.Inputs) < 2 {
			t.Errorf("%s: %v, unknown %q", script, i.Inputs, i.Unknown)
		}
		for name := range c.opened {
			if !ecosystem.Wanted(name) {
				t.Errorf("%s: %s was opened though not wanted", script, name)
			}
		}
	}
}

func TestManifestsOfCompiledLanguages(t *testing.T) {
	for name, want := range map[string][2]bool{ // manifest, lock
		"a/pom.xml": {true, false}, ".mvn/wrapper/maven-wrapper.jar": {true, false}, "src/main/A.java": {false, false},
		"App.csproj": {true, false}, "App.cs": {false, false}, "global.json": {true, false}, "a.json": {false, false},
		"Cargo.lock": {true, true}, "src/main.rs": {false, false}, "bun.lockb": {true, true}, "pubspec.lock": {true, true},
		"gradle/wrapper/gradle-wrapper.jar": {true, false}, "gradle/other.gradle": {false, false},
		"Package@swift-5.9.swift": {true, false}, "Sources/main.swift": {false, false}, "x.cabal": {true, false},
	} {
		if got := [2]bool{ecosystem.Manifest(name), ecosystem.Lock(name)}; got != want {
			t.Errorf("%s: manifest and lock %v, want %v", name, got, want)
		}
	}
}
