package ecosystem

import (
	"slices"
	"strings"
)

// Every manager also takes its settings from the environment; see https://pip.pypa.io/en/stable/topics/configuration/,
// https://docs.npmjs.com/cli/v11/using-npm/config, https://yarnpkg.com/configuration/yarnrc and "go help environment".
var (
	pipSteering = []string{"REQUIREMENT", "CONSTRAINT", "FIND_LINKS", "TARGET", "PREFIX", "ROOT", "SRC",
		"CONFIG_FILE", "EDITABLE",
		"BUILD_CONSTRAINT"}
	uvSteering = []string{"PROJECT", "WORKING_DIRECTORY", "WORKING_DIR", "CONFIG_FILE", "FIND_LINKS", "CONSTRAINT",
		"OVERRIDE", "BUILD_CONSTRAINT", "EXCLUDE", "NO_SOURCES"}
	yarnSteering = []string{"RC_FILENAME", "LOCKFILE_FILENAME", "NODE_LINKER", "YARN_PATH", "PLUGINS", "MODULES_FOLDER",
		"VIRTUAL_FOLDER", "PNP_UNPLUGGED_FOLDER", "INSTALL_STATE_PATH"}
)

// Steers reports whether an environment variable may make an install read files, or write to places, that Read does not
// tell.
func Steers(name, text string) bool {
	upper := strings.ToUpper(name)
	if key, ok := strings.CutPrefix(upper, "PIP_"); ok {
		return slices.Contains(pipSteering, key) || strings.HasSuffix(key, "INDEX_URL") && localAddress(text)
	}
	if key, ok := strings.CutPrefix(upper, "NPM_CONFIG_"); ok {
		key = strings.ReplaceAll(strings.ToLower(key), "_", "-")
		return key != "prefix" && key != "cache" && key != "store-dir" && (readsMore(key) || key == "global")
	}
	if key, ok := strings.CutPrefix(upper, "UV_"); ok {
		return slices.Contains(uvSteering, key) || strings.Contains(key, "INDEX") && localAddress(text)
	}
	if key, ok := strings.CutPrefix(upper, "YARN_"); ok {
		return slices.Contains(yarnSteering, key) || strings.HasSuffix(key, "FILE_PATH")
	}
	switch name {
	case "POETRY_CONFIG_DIR", "PIPENV_PIPFILE", "PIPENV_DOTENV_LOCATION", "PDM_PROJECT", "PDM_PROJECT_ROOT",
		"PDM_LOCKFILE",
		"PDM_CONFIG_FILE", "CONDARC", "RUBYLIB", "COMPOSER", "MIX_EXS", "MIX_DEPS_PATH", "MIX_BUILD_PATH", "MIX_BUILD_ROOT":
		return true
	case "RUBYOPT":
		return strings.Contains(text, "r") || strings.Contains(text, "$")
	case "GOFLAGS":
		return strings.Contains(text, "mod") || strings.Contains(text, "$")
	case "GOWORK":
		return text != "off"
	case "GOENV":
		return true
	case "NODE_OPTIONS":
		return strings.Contains(text, "require") || strings.Contains(text, "-r ") || strings.Contains(text, "import") ||
			strings.Contains(text, "loader") || strings.Contains(text, "$")
	}
	return steersMachine(name, text) || moves.MatchString(name) && !staysPut.MatchString(name)
}

// machineOptions are the variables with options for Maven and for the Java machine, which may load a program or move
// the repository.
var machineOptions = []string{"MAVEN_ARGS", "MAVEN_CONFIG", "MAVEN_OPTS", "GRADLE_OPTS", "JAVA_OPTS", "JAVA_TOOL_OPTIONS",
	"JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "BUN_OPTIONS", "NUGET_FALLBACK_PACKAGES"}

// steersMachine reports whether one of them holds more than options that name no file.
func steersMachine(name, text string) bool {
	if !slices.Contains(machineOptions, name) {
		return false
	}
	return slices.ContainsFunc(strings.Fields(text), func(option string) bool {
		d, isProperty := strings.CutPrefix(option, "-D")
		return !jvmOption.MatchString(option) && !(isProperty && mavenProperty.MatchString(d))
	})
}

// localAddress reports whether an address may be one of files.
func localAddress(text string) bool {
	for _, address := range strings.Fields(text) {
		if !strings.Contains(address, "://") && !strings.Contains(address, "$") || strings.Contains(address, "file:") {
			return true
		}
	}
	return false
}

// ImageEnv is what an official image sets, as far as it says where an install writes; see
// https://github.com/docker-library/ruby.
func ImageEnv(base string) map[string]string {
	name, _, _ := strings.Cut(base, "@")
	name, _, _ = strings.Cut(name, ":")
	if name == "ruby" || strings.HasSuffix(name, "library/ruby") {
		return map[string]string{"BUNDLE_APP_CONFIG": "/usr/local/bundle"}
	}
	return map[string]string{}
}
