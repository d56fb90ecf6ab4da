package checks

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// A base is an image that a stage stands on.
type base struct {
	stage *dockerfile.Stage
	at    dockerfile.Word // the reference as written
	ref   string          // with the defaults of global ARGs put in
	args  []string        // the ARGs it is made of
}

// basesOf are the images that the file's stages stand on, in order: no earlier stage, not scratch, and none that cannot
// be known, since it is made of an ARG without a default or of one that a build sets.
func basesOf(p *check.Pass) []base {
	var out []base
	for _, s := range p.File.Stages {
		if s.Parent != nil || len(s.From.Words) == 0 || strings.EqualFold(s.Base, "scratch") {
			continue
		}
		b := base{stage: s, at: s.From.Words[0], args: argsIn(s.Base)}
		ref, ok := s.Image()
		if !ok || argsPassed(p, b.args) || replaced(p, ref) {
			continue
		}
		b.ref = ref
		out = append(out, b)
	}
	return out
}

// local reports whether the reference names an image that is not on Docker Hub though it has no registry and no owner:
// one that is built here, under a name of its own.
func (b base) local() bool {
	name := strings.TrimSuffix(withoutDigest(b.ref), ":"+tagOf(b.ref))
	return !strings.Contains(name, "/") && !official[name]
}

// official are the images that Docker Hub has without an owner (github.com/docker-library/official-images).
var official = set(`adminer adoptopenjdk aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall
	arangodb archlinux backdrop bash bonita buildpack-deps busybox caddy cassandra centos chronograf cirros
	clearlinux clefos clojure composer consul convertigo couchbase couchdb crate dart debian docker drupal eclipse-
	mosquitto eclipse-temurin eggdrop elasticsearch elixir emqx erlang fedora flink fluentd friendica gazebo gcc
	geonetwork ghost golang gradle groovy haproxy haskell haxe hello-world hitch httpd hylang ibm-semeru-runtimes
	ibmjava influxdb irssi java jenkins jetty jobber joomla jruby julia kapacitor kibana kong krakend lightstreamer
	liquibase logstash mageia mariadb matomo maven mediawiki memcached mongo mongo-express monica mono mysql nats
	nats-streaming neo4j neurodebian nextcloud nginx node notary odoo open-liberty openjdk opensuse oraclelinux
	orientdb percona perl phabricator photon php php-zendserver phpmyadmin plone postfixadmin postgres pypy python
	r-base rabbitmq rakudo-star rapidoid redis redmine registry rethinkdb rocket.chat rockylinux ros ruby rust
	sapmachine satosa scratch sl solr sonarqube spark spiped storm swarm swift swipl teamspeak telegraf thrift
	tomcat tomee traefik ubuntu unit varnish vault websphere-liberty wordpress xwiki yourls znc zookeeper`)

func set(words string) map[string]bool {
	out := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		out[word] = true
	}
	return out
}

// argUse matches the use of a variable.
var argUse = pattern.New(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// argsIn are the names of the variables that text uses.
func argsIn(text string) []string {
	var out []string
	for _, m := range argUse.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// argsPassed reports whether a build may set one of the ARGs, so that its default does not count.
func argsPassed(p *check.Pass, names []string) bool {
	for _, b := range p.Builds {
		for _, name := range names {
			if _, ok := b.Args[name]; ok || b.Unknown != "" || b.AnyNamed || slices.Contains(b.Varied, name) {
				return true
			}
		}
	}
	return false
}

// replaced reports whether a build may put a named context in the image's place (docs.docker.com/reference/cli, buildx
// build --build-context).
func replaced(p *check.Pass, ref string) bool {
	for _, b := range p.Builds {
		for name := range b.Named {
			if spelled(name) == spelled(ref) {
				return true
			}
		}
		if b.AnyNamed {
			return true
		}
	}
	return false
}

// spelled is a reference in one of the ways in which it may be written: without Docker Hub's name and the default tag.
func spelled(ref string) string {
	ref = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(ref), "docker.io/"), "library/")
	return strings.TrimSuffix(ref, ":latest")
}

// tagOf is the tag of a reference, "" when it has none.
func tagOf(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[at+1:]
	}
	return ""
}
