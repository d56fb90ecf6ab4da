package checks_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
)

// refusals are what the catalogue promises not to do. Each line is an archive of testdata/checks, a case in it, what comes
// of the case and, behind a colon, the promise: "advice" is a finding without a fix, which says why; "silent" is none.
const refusals = `
	volatile-early program advice: a RUN between could read the variable
	volatile-early ok-label silent: a LABEL is not in the cache's key
	apt-update-alone run-between advice: the install does not follow directly
	apt-update-alone flags advice: the two steps have different flags
	apt-update-alone user-between advice: the user differs
	apt-update-alone shell-between advice: the shell differs
	apt-update-alone comment-between advice: a comment stands between
	apt-update-alone several advice: several installs depend on it

	copy-order-npm build-between advice: a step between needs the sources
	copy-order-npm chown-between advice: a step between may read them
	copy-order-npm opaque-between advice: what a step reads is not known
	copy-order-npm workdir-unknown advice: where the copy goes is not known
	copy-order-npm exclude advice: a flag of the copy changes what it brings
	copy-order-scripts postinstall advice: a lifecycle script runs files of the repository
	copy-order-scripts prisma advice: an install script of a dependency reads the sources
	copy-order-scripts file advice: a dependency is a directory of the repository
	copy-order-context open advice: the later copy would overwrite node_modules
	copy-order-context missing advice: the build context is not known
	copy-order-context both advice: it does not hold for all builds of the file
	copy-order-pip itself advice: the project itself is installed
	copy-order-pip editable advice: it is installed from its sources
	copy-order-pip local advice: a list names a local path
	copy-order-pip scm advice: the version comes from the history
	copy-order-poetry itself advice: the project comes with its dependencies
	copy-order-uv itself advice: the same for uv
	copy-order-uv git advice: the version comes from the history
	copy-order-pdm itself advice: the same for pdm
	copy-order-pipenv itself advice: the Pipfile names the project
	copy-order-go vendored silent: there is no download to protect
	copy-order-go replace-away advice: a local replacement lies outside
	copy-order-bundler spec advice: the Gemfile reads the sources
	copy-order-composer scripts advice: scripts of composer.json run
	copy-order-cargo app advice: the targets would have to be there
	copy-order-maven generated advice: a module is generated
	copy-order-gradle app advice: the build files are programs
	copy-order-dotnet generated advice: a project is generated
	copy-order onbuild silent: what ONBUILD defers is left alone

	go-dynamic-binary cgo advice: the program imports C
	go-dynamic-binary sqlite advice: a module it requires does
	go-dynamic-binary race advice: the race detector needs cgo
	go-dynamic-binary ok-env silent: it is set by ENV already
	go-debug-info variable advice: the flags come from a variable
	untagged-base slow advice: the registry did not answer
	untagged-base alias silent: it is a stage
	cache-mount old-frontend advice: the frontend is too old
	cache-mount read-later advice: a later step reads the mounted path
	cache-mount copied advice: COPY --from reads it
	cache-mount cleaned advice: the same RUN cleans it
	untagged-base variable silent: an ARG without a default
	unpinned-base private advice: the registry did not answer
	unpinned-base alias silent: it is a stage
	stale-digest private silent: the registry did not answer
	stale-digest windows silent: it has to fit the host
	stale-digest argpart advice: a part of it is an ARG
	unreachable-stage targeted silent: a build names the stage

	root-user lowport advice: a port below 1024
	root-user volume advice: a VOLUME belongs to root
	root-user state advice: a directory for state does
	root-user gosu advice: the entrypoint changes the user itself
	root-user init advice: an init system starts as root
	root-user supervisor advice: supervisord does
	root-user unknownbase advice: the user of the base image is not known
	root-user windows silent: Windows has other users
	root-user-compose user advice: a compose file sets the user
	root-user-compose mount advice: a compose file mounts files
	user-never-used port advice: as above
	needs-root workdir advice: something between depends on the user
	sudo other-user advice: whether root runs the step is not known
	secret-in-env placeholders silent: the value is empty
	secret-in-env publickeys silent: the key is public
	secret-in-env buildkit-5504 silent: a file and a version
	secret-in-env Rackula-2348 silent: a mode
	leaky-context-history versioned silent: the history is needed for the version

	apt-lists-kept cache-mount.silent silent: the lists are in a cache mount
	apt-lists-kept installed-later advice: a later step installs without fetching them
	apt-lists-kept not-shipped.silent silent: the stage is not shipped
	apk-cache-kept ok-mounted silent: the cache is mounted
	apk-cache-kept ok-not-shipped silent: the stage is not shipped
	dnf-cache-kept ok-mounted silent: the cache is mounted
	dnf-cache-kept ok-not-shipped silent: the stage is not shipped
	pip-cache-kept ok-mounted silent: the cache is mounted
	pip-cache-kept ok-env silent: PIP_NO_CACHE_DIR is set
	pip-cache-kept ok-not-shipped silent: the stage is not shipped
	npm-cache-kept ok-mounted silent: the cache is mounted
	npm-cache-kept ok-not-shipped silent: the stage is not shipped
	yarn-cache-kept ok-mounted silent: the cache is mounted
	yarn-cache-kept ok-not-shipped silent: the stage is not shipped
	apt-recommends ok-configured silent: apt is configured so
	apt-recommends desktop advice: a package that is there for what it recommends
	apt-in-script list-only advice: apt-get has no such command
	late-cleanup copied advice: a COPY brought it
	late-cleanup read-between advice: something between reads it
	late-cleanup comment-between advice: a comment stands between
	chown-copies run-output advice: a RUN wrote there
	chown-copies base-content advice: the base image has files there
	chown-copies follows-links advice: links are followed
	chown-copies mode-directory advice: directories would get the mode of files
	chown-copies unknown-account advice: the account is not known
	chown-copies mode-old-syntax advice: the frontend may be too old
	unfrozen-install none silent: there is no lock file
	unfrozen-install stale advice: the lock file is out of date
	unfrozen-install old-node advice: the version of the manager is not known
	dev-dependencies-shipped ok-builds silent: a later step builds or tests
	unpinned-packages ok-system silent: packages of the system are never asked to be pinned
	unneeded-packages ok-used silent: something uses them

	add-for-local-files url silent: a URL
	add-for-local-files git silent: a repository
	add-for-local-files variable silent: a variable
	add-for-local-files glob advice: a pattern that an archive may match
	add-for-local-files archivename silent: an archive by its name
	add-for-local-files archivecontent silent: an archive by its content
	shell-form expansion advice: words to expand
	shell-form operators advice: operators
	shell-form builtin advice: a command of the shell
	shell-form shell advice: SHELL is set
	shell-form arguments advice: ENTRYPOINT gets them
	healthcheck-missing kubernetes silent: Kubernetes alone
	healthcheck-missing based silent: the base image has one
	relative-workdir unknown advice: where the base image works is not known
	cd-for-workdir removes silent: what is built is removed again
	pipe-hides-failure dash advice: dash cannot
	pipe-hides-failure unknown advice: the shell of the base image is not known
	pipe-hides-failure other advice: head stops early
	unchecked-download http advice: plain HTTP
	unchecked-download insecure advice: certificates are not checked
	unchecked-download shell advice: a remote script is run
	unchecked-download add advice: ADD without a checksum
	unscanned-image-scanned image silent: a scanner is there already
	apt-lists-kept onbuild advice: what ONBUILD defers is left alone
	apt-lists-kept template.silent silent: a template is no Dockerfile
	apt-lists-kept ignored.silent silent: it is asked not to be said
	apt-lists-kept windows.silent silent: Windows
`

// TestRefusals holds that each promise has a case, and that it is kept.
func TestRefusals(t *testing.T) {
	for line := range strings.SplitSeq(refusals, "\n") {
		head, promise, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		f := strings.Fields(head)
		t.Run(f[0]+": "+promise, func(t *testing.T) {
			t.Parallel()
			a := open(t, filepath.Join(casesDir, f[0]+".txtar"))
			path := a.called(f[1])
			if path == "" {
				t.Fatalf("no case is called %s", f[1])
			}
			c := checkOf(f[0])
			result, err := check.Examine(t.Context(), a.repo, []string{path}, asked(a.repo, options(c)))
			if err != nil {
				t.Fatal(err)
			}
			if got := outcome(result.Findings); got != f[2] {
				t.Errorf("%s comes to %s, want %s", path, got, f[2])
			}
		})
	}
}

// called is the path of the case of a name: "x.Dockerfile", or "x/Dockerfile" in a folder of its own.
func (a *archive) called(name string) string {
	for _, path := range a.cases {
		if path == name+".Dockerfile" || path == name+"/Dockerfile" {
			return path
		}
	}
	return ""
}

// outcome is "silent", "advice" when none of the findings offers a fix and each says why, or "fix".
func outcome(findings []check.Finding) string {
	if len(findings) == 0 {
		return "silent"
	}
	for _, f := range findings {
		if len(f.Fixes) > 0 || f.Refused == "" {
			return "fix"
		}
	}
	return "advice"
}
