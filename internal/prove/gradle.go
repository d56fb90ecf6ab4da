package prove

import (
	"fmt"
	"path"
	"slices"
)

// gradleEffect knows what Gradle's wrapper does to print its version: it fetches Gradle, and evaluates no build file.
func gradleEffect(program string, words []string, dir string) (effect, bool, error) {
	if program != "gradlew" {
		return effect{}, false, nil
	}
	if len(words) != 2 || !slices.Contains([]string{"--version", "-v"}, words[1]) {
		return effect{}, true, fmt.Errorf("the build files of Gradle are programs, which may read the sources")
	}
	root := under(dir, path.Dir(words[0]))
	return effect{name: "gradlew --version", dir: dir, writes: []string{"/root/.gradle", "/home/gradle/.gradle"},
		files: allUnder(root, []string{"gradlew", "gradle/wrapper/gradle-wrapper.properties",
			"gradle/wrapper/gradle-wrapper.jar"}),
		maybe: allUnder(root, []string{"gradle.properties", "gradle/gradle-daemon-jvm.properties"})}, true, nil
}
