package prove

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// machineVariables hold options for Maven, Gradle and the Java machine, which may load a program or move what is
// fetched.
var machineVariables = []string{"MAVEN_ARGS", "MAVEN_OPTS", "GRADLE_OPTS", "JAVA_OPTS", "JAVA_TOOL_OPTIONS",
	"JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "BUN_OPTIONS", "NUGET_FALLBACK_PACKAGES"}

var (
	// plainMachineOption matches options that name no file.
	plainMachineOption = pattern.New(`^(-X[\w:+=,%.-]*|-D(file|user|java\.awt|sun|jdk|javax|com\.sun|https?)` +
		`\.[\w.-]+(=[^/]*)?|--(add-(opens|exports|modules)|enable-native-access|enable-preview)(=\S+)?|[\w.]+/[\w.]+=[\w.,-]+)$`)
	// restoreVariable matches the variables that MSBuild takes for properties which move what is restored.
	restoreVariable = pattern.New(`^(Restore\w*|NuGet(LockFilePath|PackageRoot|PackagesPath)|` +
		`BaseIntermediateOutputPath|MSBuild\w+Path|ArtifactsPath|UseArtifactsOutput|Custom(Before|After)\w+|` +
		`Directory\w+Path)$`)
)

// steersMachine reports whether a variable may make one of these programs read or write other files.
func steersMachine(name, value string) bool {
	if restoreVariable.MatchString(name) {
		return true
	}
	return slices.Contains(machineVariables, name) && slices.ContainsFunc(strings.Fields(value), func(option string) bool {
		return !plainMachineOption.MatchString(option) && !mavenSetting.MatchString(option)
	})
}
