package checks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
)

// copyFromUnknown finds --from that names nothing that is known.
var copyFromUnknown = &check.Check{
	Name:     "copy-from-unknown",
	Family:   check.Hygiene,
	Summary:  "`--from` names the stage itself, a stage that is not there, or nothing known",
	Severity: check.Warning,
	Aliases:  []string{"DL3022", "DL3023", "AVD-DS-0006", "DS006"},
	Run:      runCopyFromUnknown,
}

func runCopyFromUnknown(p *check.Pass) error {
	for _, s := range p.File.Stages {
		for _, i := range s.Instructions {
			for _, from := range sourcesOf(i) {
				judgeFrom(p, s, i, from)
			}
		}
	}
	return nil
}

// judgeFrom looks at one --from by BuildKit's rules (toCommand in dockerfile2llb): a COPY's number is a stage's; a name
// is that of any stage of the file, the last one of that name, be it further down; anything else is an image or a named
// context. Variables are not looked at.
func judgeFrom(p *check.Pass, s *dockerfile.Stage, i *dockerfile.Instruction, from dockerfile.Flag) {
	if strings.Contains(from.Value, "$") || from.Value == "" || i.Keyword == "ONBUILD" {
		return // what ONBUILD defers takes effect in another file, whose stages count
	}
	stage := p.File.Stage(from.Value)
	_, err := strconv.Atoi(from.Value)
	switch numbered := err == nil && i.Keyword == "COPY"; {
	case stage == s:
		p.Advise(from.Span, fmt.Sprintf("`%s` copies from the stage it stands in, for which the builder refuses the file: "+
			"a stage cannot wait for itself", asWritten(p.File, from)), "which stage is meant is not known")
	case numbered && stage == nil:
		p.Advise(from.Span, fmt.Sprintf("`%s` names a stage by its number, and the file has only %s: the builder refuses it",
			asWritten(p.File, from), count(len(p.File.Stages), "stage")), "which stage is meant is not known")
	case stage == nil && err != nil && !knownSource(p, from.Value):
		p.Advise(from.Span, fmt.Sprintf("`%s` names no stage of this file, no context of a build that this repository "+
			"states and no official image, so it would be pulled from Docker Hub as `library/%s`%s",
			asWritten(p.File, from), from.Value, near(p.File, from.Value)), "what is meant is not known")
	}
}

// asWritten is a flag as it stands in the file.
func asWritten(f *dockerfile.File, fl dockerfile.Flag) string { return f.Text(fl.Span) }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// knownSource reports whether a name that is no stage's is, or may be, an image or a named context.
func knownSource(p *check.Pass, name string) bool {
	if strings.ContainsAny(name, "/:@.") || slices.Contains(officialImages, strings.ToLower(name)) {
		return true
	}
	if _, ok := p.Images.Lookup(name); ok {
		return true
	}
	for _, b := range p.Builds {
		for context := range b.Named {
			if strings.EqualFold(context, name) {
				return true
			}
		}
		if b.AnyNamed {
			return true
		}
	}
	return buildcontext.Mentions(p.Repo, p.File.Path, "contexts?", name)
}

// near is the stage whose name is almost this one, for people.
func near(f *dockerfile.File, name string) string {
	for _, s := range f.Stages {
		if s.Name != "" && alike(s.Name, strings.ToLower(name)) {
			return "; there is a stage `" + s.Name + "`"
		}
	}
	return ""
}

// alike reports whether two names differ by an ending, or by at most two letters that were added, dropped or changed.
func alike(a, b string) bool {
	if len(a) > 2 && len(b) > 2 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) {
		return true
	}
	return len(a) > 3 && len(a) < 64 && len(b) < 64 && distance(a, b) <= 2
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for k := range row {
		row[k] = k
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for k := range len(b) {
			cost := diagonal
			if a[i] != b[k] {
				cost++
			}
			diagonal = row[k+1]
			row[k+1] = min(row[k]+1, row[k+1]+1, cost)
		}
	}
	return row[len(b)]
}

// officialImages are the names that Docker Hub serves without an owner, with those that were withdrawn; as of 2026-11-25,
// https://github.com/docker-library/official-images/tree/master/library.
var officialImages = strings.Fields(`adminer aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall
	arangodb archlinux azul-zulu backdrop bash bonita buildpack-deps busybox caddy cassandra celery centos chronograf cirros
	clearlinux clefos clickhouse clojure composer consul convertigo couchbase couchdb crate crux dart debian django docker
	docker-dev drupal eclipse-mosquitto eclipse-temurin eggdrop elasticsearch elixir emqx erlang euleros fedora flink
	fluentd friendica fsharp gazebo gcc geonetwork ghost glassfish golang gradle groovy haproxy haskell haxe hello-seattle
	hello-world hipache hitch hola-mundo httpd hylang ibm-semeru-runtimes ibmjava influxdb iojs irssi java jenkins jetty
	jobber joomla jruby julia kaazing-gateway kapacitor kibana known kong krakend lightstreamer liquibase logstash mageia
	mariadb matomo maven mediawiki memcached mongo mongo-express monica mono mysql nats nats-streaming neo4j neurodebian
	nextcloud nginx node notary nuxeo odoo open-liberty openjdk opensuse oraclelinux orientdb owncloud percona perl photon
	php php-zendserver phpmyadmin piwik plone postfixadmin postgres pypy python r-base rabbitmq rails rakudo-star redis
	redmine registry rethinkdb rocket.chat rockylinux ros ruby rust sapmachine satosa scratch sentry silverpeas sl
	solr sonarqube sourcemage spark spiped storm swarm swift swipl teamspeak telegraf thrift tomcat tomee traefik
	ubuntu ubuntu-debootstrap ubuntu-upstart unit utilities-dummy valkey varnish vault websphere-liberty wordpress xwiki
	yourls znc zookeeper`)
