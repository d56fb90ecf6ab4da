package prove

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// beside checks the repository: that nothing in it tells of a builder that may not take the mount, sets up a
// manager, or may need the cache of the image in a container or in an image that stands on it.
func (m mounting) beside() error {
	if m.Repo != nil {
		return m.tree(m.Repo)
	}
	return m.everyContext(func(b buildcontext.Build) error { return m.tree(b.Whole) })
}

func (m mounting) tree(repo fs.FS) error {
	var odd error
	_, err := eachSource(repo, func(name string) bool {
		if strings.HasPrefix(name, ".git/") {
			return false
		}
		if odd == nil {
			odd = m.entry(repo, name)
		}
		return odd == nil && name != m.Path && !inert.MatchString(name)
	}, func(name string, text []byte) error {
		if odd == nil {
			odd = m.file(name, text)
		}
		return nil
	})
	if odd == nil && err != nil {
		odd = fmt.Errorf("whether something in the repository needs the cache is not known: %w", err)
	}
	return odd
}

// oneOf is an expression that matches each of a list of expressions.
func oneOf(list string) string { return "(" + strings.Join(strings.Fields(list), "|") + ")" }

// inert matches files that are only read or shown: nothing runs them or takes settings from them that matter here.
var inert = pattern.New(`(?i)\.` + oneOf(`md rst adoc png jpe?g gif svg ico webp avif woff2? ttf eot otf css scss less html? map
	pdf mp[34] csv lock sum po mo zip gz`) + `$|(^|/)` + oneOf(`LICEN[CS]E NOTICE AUTHORS CODEOWNERS \.\w+ignore
	package-lock\.json npm-shrinkwrap\.json pnpm-lock\.yaml`) + `$`)

var (
	// settingNames matches files and directories that set up a manager, hold what one fetched, or let people work in
	// containers of the image.
	settingNames = pattern.New(`(?i)(^|/)` + oneOf(`\.?npmrc pip\.(conf|ini) \.pip \.npm \.cache _cacache sitecustomize\.py
		\.devcontainer(\.json)? \.gitpod\.ya?ml`) + `(/|$)`)
	// otherBuilders matches the settings of services and tools that build without BuildKit unless they are told, or
	// take cache mounts only in a form of their own.
	otherBuilders = pattern.New(`(?i)(^|/)(` + oneOf(`cloudbuild[\w.-]*\.(ya?ml|json) \.gcloudignore heroku\.yml
		railway\.(json|toml) captain-definition buildspec[\w.-]*\.ya?ml bitbucket-pipelines\.yml
		(skaffold|devspace|werf|garden)[\w.-]*\.ya?ml \.travis\.yml Dockerrun\.aws\.json acr-task\.yaml Earthfile
		balena\.yml`) + `$|(\.do|\.ebextensions|\.?binder)/)`)
)

// entry checks one name of the repository.
func (m mounting) entry(repo fs.FS, name string) error {
	switch {
	case settingNames.MatchString(name):
		return fmt.Errorf("%s may have to do with the settings or the cache of the package manager", name)
	case otherBuilders.MatchString(name):
		return fmt.Errorf("whether what builds by %s takes cache mounts is not known", name)
	}
	if info, err := fs.Lstat(repo, name); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file, and where it leads is not known", name)
	}
	return nil
}

var (
	// noBuildKit matches signs of a builder that may not take the mount.
	noBuildKit = pattern.New(`(?i)` + oneOf(`kaniko buildah podman makisu
		DOCKER_BUILDKIT\b["']?\s*[:=]\s*["']?(0|false|no) CLI_BUILD\b["']?\s*[:=]\s*["']?(0|false|no)
		"buildkit"\s*:\s*false BUILDKIT_SYNTAX \bdocker-compose\s+(-\S+\s+(\S+\s+)?)*(build|up|run)\b
		\bdocker:(1\d|20)\b setup_remote_docker:\s*version:\s*["']?(docker)?(1\d|20)\b
		cloud-builders/docker builds\s+submit \bgcloud\s+(\w+\s+)*deploy\b deploy-cloudrun runtime:\s*custom
		\baz\s+acr\s+build remoteBuild:\s*true AWS::Serverless kind:\s*BuildConfig
		plugins/(docker|ecr|gcr)\b docker-image-resource type:\s*docker-image\b "docker_image" \bdocker_image:
		dockerode testcontainers bmuschko dockerfile-maven docker-maven-plugin docker\.from_env images\.build\(`))
	// needsCache matches what works from a cache, keeps a container from the network, or takes an image apart.
	needsCache = pattern.New(`(?i)` + oneOf(`offline cache[-_]min npm_config pip_config no-index find-links /root\b
		network(_mode)?["']?[\s:=]+["']?none\b internal:\s*true networkDisabled
		\bdocker(\s+container)?\s+(cp|export|commit|save)\b type=(local|tar)\b
		\b(docker|buildx|nerdctl)\b[^\n]*\sbuild\b[^\n]*\s(-o|--output)\b
		dockerfile[-_]inline additional_contexts build-context contexts["']?\s*[=:]`))
	// ownCommand matches containers that are started with another command than the image's.
	ownCommand = pattern.New(`\bdocker(-compose|\s+compose|\s+container)?\s+(run|exec)\b[^\n]*\s` +
		oneOf(`npm npx node pip3? python3? sh bash tar cp`) + `\b|\bkubectl\s+exec\b`)
	composeCommand = pattern.New(`(?m)^services:[^\x00]*^\s+(command|entrypoint|post_start|pre_stop):`)
	npxCall        = pattern.New(`\bnpx\b`)
	// homeNamed matches what speaks of the home directory, in files that hold commands of a shell.
	homeNamed   = pattern.New(`(?m)(^|[\s"'=:(])~(["'/\s]|$)|\$[({]?HOME\b`)
	commandFile = pattern.New(`(?i)(\.(sh|bash|zsh|ya?ml|toml|mk|just)|(^|/)(package\.json|[^.]+))$`)
	ownImage    = pattern.New(`(?m)^\s*FROM\s+\S`)
)

// file checks the text of one file of the repository.
func (m mounting) file(name string, text []byte) error {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil // no text
	}
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\\\n"), []byte(" "))
	whole := text
	text = plainMount.ReplaceAll(text, []byte(" "))
	no := func(why string, found []byte) error {
		return fmt.Errorf("%s %s (%s)", name, why, bytes.Fields(found)[0]) // no more: the rest may hold a secret
	}
	yaml := among(".yml .yaml", path.Ext(name))
	if found := noBuildKit.Find(text); found != nil {
		return no("tells of a builder that may not take cache mounts", found)
	}
	for _, p := range []*pattern.Pattern{needsCache, m.downloadCache.words, ownCommand} {
		if found := p.Find(text); found != nil {
			return no("may need the cache", found)
		}
	}
	if yaml && (otherStart.Match(text) || composeCommand.Match(text)) {
		return fmt.Errorf("%s starts a container with a command of its own, which may need the cache", name)
	}
	hosted := strings.HasPrefix(name, ".github/") // what runs there does so outside of the image
	if path.Base(name) != "package.json" && !hosted && npxCall.Match(text) {
		return no("may need the cache", []byte("npx"))
	}
	if commands := commandFile.MatchString(name) && !hosted; commands && homeNamed.Match(text) {
		return no("may need the cache", homeNamed.Find(text))
	}
	if !m.npm && bytes.Contains(whole, []byte("/root/.cache/pip")) && bytes.Contains(whole, []byte("alpine")) {
		return fmt.Errorf("%s may keep what pip builds for another system in the same cache", name)
	}
	return heirless(name, text)
}

// wellKnown matches images of which it is known that they are not made here.
var wellKnown = pattern.New(`^((docker\.io/)?(library/)?` + oneOf(`alpine amazoncorretto bash buildpack-deps busybox caddy
	composer debian eclipse-temurin fedora golang gradle haproxy httpd mariadb maven memcached mongo mysql nginx node openjdk
	perl php postgres python redis ruby rust scratch traefik ubuntu`) + `|` + oneOf(`mcr\.microsoft\.com gcr\.io/distroless
	registry\.access\.redhat\.com nginxinc bitnami`) + `/[\w./-]+)([:@].*)?$`)

// heirless checks that another Dockerfile stands on nothing, and takes from nothing, that may be the image.
func heirless(name string, text []byte) error {
	if !dockerfile.Named(name) {
		called := strings.Contains(strings.ToLower(path.Base(name)), "docker")
		if (called || commandFile.MatchString(name)) && ownImage.Match(text) {
			return fmt.Errorf("%s holds a Dockerfile, and what it stands on is not known", name)
		}
		return nil
	}
	f, err := dockerfile.Parse(name, text)
	if err != nil {
		return fmt.Errorf("%s cannot be read, so what it stands on is not known", name)
	}
	for _, i := range f.Instructions {
		from := ""
		if i.Keyword == "FROM" && i.Stage.Parent == nil {
			from = i.Stage.Base
		}
		for _, t := range taken(i) {
			if t.from != "" && f.Stage(t.from) == nil {
				from = t.from
			}
		}
		if from != "" && !wellKnown.MatchString(from) {
			return fmt.Errorf("%s stands on %s, which may be this image", name, from)
		}
	}
	return nil
}
