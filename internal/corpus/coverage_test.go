package corpus_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// covered is what the corpus has to show, so that it cannot shrink unseen: the names that features gives, as blanks
// separate them.
var covered = map[string]string{
	"instructions": "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL " +
		"USER VOLUME WORKDIR",
	"onbuild": "ONBUILD:ADD ONBUILD:ARG ONBUILD:CMD ONBUILD:COPY ONBUILD:ENTRYPOINT ONBUILD:ENV ONBUILD:EXPOSE " +
		"ONBUILD:HEALTHCHECK ONBUILD:LABEL ONBUILD:RUN ONBUILD:SHELL ONBUILD:STOPSIGNAL ONBUILD:USER ONBUILD:VOLUME " +
		"ONBUILD:WORKDIR ONBUILD:RUN--mount ONBUILD:COPY--chown ONBUILD:HEALTHCHECK--interval " +
		"ONBUILD:COPY--chmod ONBUILD:ADD--chown",
	"flags": "FROM--platform COPY--from COPY--chown COPY--chmod COPY--link COPY--parents COPY--exclude ADD--chown ADD--chmod " +
		"ADD--link ADD--checksum ADD--keep-git-dir ADD--unpack ADD--exclude RUN--mount RUN--network RUN--security RUN--device " +
		"HEALTHCHECK--interval HEALTHCHECK--timeout HEALTHCHECK--start-period HEALTHCHECK--start-interval HEALTHCHECK--retries",
	"values": "RUN--network=none RUN--network=host RUN--network=default RUN--security=insecure RUN--security=sandbox " +
		"ADD--keep-git-dir=true ADD--keep-git-dir=false ADD--unpack=true ADD--unpack=false COPY--link=false",
	"mounts": "mount:bind mount:cache mount:tmpfs mount:secret mount:ssh",
	"mount options": "bind:from bind:source bind:src bind:target bind:dst bind:destination bind:readonly bind:ro bind:rw bind:readwrite " +
		"cache:target cache:dst cache:destination cache:ro cache:readonly cache:sharing=shared " +
		"cache:id cache:sharing=locked cache:sharing=private cache:from cache:source cache:mode cache:uid cache:gid " +
		"tmpfs:target tmpfs:size secret:id secret:target secret:env secret:required secret:mode secret:uid secret:gid " +
		"ssh:id ssh:target ssh:required ssh:mode ssh:uid ssh:gid",
	"directives": "#syntax #escape=` #escape=\\ #check=skip #check=error",
	"platforms": "platform:linux/amd64 platform:linux/arm64 platform:linux/arm/v7 platform:linux/riscv64 " +
		"platform:linux/s390x platform:linux/ppc64le platform:linux/386 platform:windows/amd64 " +
		"platform:$BUILDPLATFORM platform:$TARGETPLATFORM windows:cmd windows:powershell windows:nanoserver",
	"arguments": "arg:global arg:default arg:several arg:none arg:HTTP_PROXY arg:https_proxy arg:NO_PROXY arg:ALL_PROXY " +
		"arg:FTP_PROXY arg:SOURCE_DATE_EPOCH arg:BUILDKIT_INLINE_CACHE arg:TARGETOS arg:TARGETARCH arg:TARGETVARIANT " +
		"arg:TARGETPLATFORM arg:BUILDOS arg:BUILDARCH arg:BUILDVARIANT arg:BUILDPLATFORM",
	"substitutions": "${:-} ${-} ${:+} ${+} ${:?} ${#} ${##} ${%} ${%%} ${/} ${//} \\$",
	"forms": "RUN:exec RUN:shell CMD:exec CMD:shell ENTRYPOINT:exec ENTRYPOINT:shell SHELL:exec VOLUME:exec COPY:exec ADD:exec " +
		"HEALTHCHECK:NONE HEALTHCHECK:exec HEALTHCHECK:shell ENV:legacy LABEL:legacy CMD:empty",
	"here-documents": "RUN<< RUN<<' RUN<<- RUN<<-' COPY<< COPY<<' COPY<<-' ADD<< RUN<<several COPY<<several ADD<<several",
	"bytes": "crlf mixed-ends bom tabs no-final-newline blank-in-continuation comment-in-continuation margin-comment " +
		"trailing-blanks lower-case mixed-case long-line not-ascii final-continuation",
	"references": "ref:scratch ref:digest ref:port ref:untagged ref:variable ref:stage from:number from:stage from:image",
	"names": "name:Dockerfile name:Containerfile name:dockerfile name:Dockerfile.x name:x.Dockerfile name:Containerfile.x " +
		"name:Dockerfile-x name:docker/ name:.devcontainer/",
	"files": "file:.dockerignore file:x.dockerignore file:compose.yaml file:docker-compose.yml file:docker-bake.hcl " +
		"file:docker-bake.json file:Makefile file:skaffold.yaml file:Tiltfile file:devcontainer.json file:.gitlab-ci.yml " +
		"file:workflows/ file:build.sh file:.containerignore file:compose.override.yml",
}

// TestCoverage holds that the corpus has every instruction, flag, directive, kind of mount and oddity of the syntax.
func TestCoverage(t *testing.T) {
	seen := features{}
	corpus := os.DirFS("../../testdata/corpus")
	err := fs.WalkDir(corpus, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen.file(name)
		if !check.Subject(name) {
			return nil
		}
		src, err := fs.ReadFile(corpus, name)
		if err != nil {
			return err
		}
		f, err := dockerfile.Parse(name, src)
		if err != nil && strings.Contains("|.j2|.tmpl|.erb|.in|", "|"+path.Ext(name)+"|") {
			return nil // a template, passed over
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		seen.bytes(src)
		seen.directives(f)
		for _, i := range f.Instructions {
			seen.instruction(i)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, names := range covered {
		for name := range strings.FieldsSeq(names) {
			if !seen[name] {
				t.Errorf("%s: nothing in the corpus shows %s", what, name)
			}
		}
	}
}

// features are the names of what was seen.
type features map[string]bool

func (f features) add(name string, holds bool) {
	if holds {
		f[name] = true
	}
}

func (f features) file(name string) {
	base := path.Base(name)
	f["file:"+base] = true
	f.add("file:x.dockerignore", base != ".dockerignore" && strings.HasSuffix(base, ".dockerignore"))
	f.add("file:workflows/", strings.Contains(name, ".github/workflows/"))
	if !check.Subject(name) {
		return
	}
	f["name:"+base] = true
	before, after, _ := strings.Cut(base, "ockerfile")
	f.add("name:Dockerfile.x", strings.HasPrefix(after, "."))
	f.add("name:Dockerfile-x", strings.HasPrefix(after, "-"))
	f.add("name:x.Dockerfile", strings.Contains(before, "."))
	f.add("name:Containerfile.x", strings.HasPrefix(base, "Containerfile."))
	f.add("name:docker/", strings.Contains(name, "/docker/"))
	f.add("name:.devcontainer/", strings.Contains(name, "/.devcontainer/"))
}

var (
	blankInside  = regexp.MustCompile(`\\\r?\n[ \t]*\r?\n`)
	marginRemark = regexp.MustCompile(`\\\r?\n#`)
	innerRemark  = regexp.MustCompile(`\\\r?\n[ \t]*#`)
	trailing     = regexp.MustCompile(`[^\s\\][ \t]+\r?\n`)
	tabbed       = regexp.MustCompile(`(?m)^\t?[A-Z]+\t`)
)

func (f features) bytes(src []byte) {
	ends, windows := bytes.Count(src, []byte("\n")), bytes.Count(src, []byte("\r\n"))
	f.add("crlf", ends > 0 && ends == windows)
	f.add("mixed-ends", windows > 0 && ends > windows)
	f.add("bom", bytes.HasPrefix(src, []byte("\xef\xbb\xbf")))
	f.add("no-final-newline", !bytes.HasSuffix(src, []byte("\n")))
	f.add("final-continuation", bytes.HasSuffix(bytes.TrimSpace(src), []byte(`\`)))
	f.add("tabs", tabbed.Match(src))
	f.add("blank-in-continuation", blankInside.Match(src))
	f.add("margin-comment", marginRemark.Match(src))
	f.add("comment-in-continuation", innerRemark.Match(src))
	f.add("trailing-blanks", trailing.Match(src))
	f.add("not-ascii", bytes.ContainsFunc(src, func(r rune) bool { return r > 0x2000 && r != 0xfeff }))
	for line := range bytes.Lines(src) {
		f.add("long-line", len(line) > 500)
	}
}

func (f features) directives(file *dockerfile.File) {
	f.add("#syntax", file.Directive("syntax") != "")
	f["#escape="+file.Directive("escape")] = true
	f.add("#check=skip", strings.Contains(file.Directive("check"), "skip="))
	f.add("#check=error", strings.Contains(file.Directive("check"), "error="))
}

func (f features) instruction(i *dockerfile.Instruction) {
	word := i.File().Text(i.KeywordSpan)
	f[i.Keyword] = true
	f.add("lower-case", word == strings.ToLower(word))
	f.add("mixed-case", word != strings.ToLower(word) && word != strings.ToUpper(word))
	f.flags(i, i.Keyword)
	if i.Inner != nil {
		f["ONBUILD:"+i.Inner.Keyword] = true
		f.flags(i.Inner, "ONBUILD:"+i.Inner.Keyword)
	}
	f.form(i)
	f.heredocs(i)
	f.substitutions(i)
	switch i.Keyword {
	case "FROM":
		f.from(i)
	case "ARG":
		f.arg(i)
	case "SHELL":
		f.add("windows:cmd", strings.Contains(i.Text(), `"cmd"`))
		f.add("windows:powershell", strings.Contains(i.Text(), `"powershell"`))
	}
}

func (f features) flags(i *dockerfile.Instruction, keyword string) {
	for _, fl := range i.Flags {
		f[keyword+"--"+fl.Name] = true
		f[keyword+"--"+fl.Name+"="+fl.Value] = true
		switch fl.Name {
		case "mount":
			f.mount(fl.Value)
		case "platform":
			f["platform:"+fl.Value] = true
		case "from":
			number := strings.Trim(fl.Value, "0123456789") == ""
			f.add("from:number", number)
			f.add("from:stage", !number && i.File().Stage(fl.Value) != nil)
			f.add("from:image", strings.ContainsAny(fl.Value, ":/"))
		}
	}
}

// mount adds the kind of a mount and its options; without a type it is a bind mount.
func (f features) mount(value string) {
	kind := "bind"
	options := strings.Split(value, ",")
	for _, o := range options {
		if k, ok := strings.CutPrefix(o, "type="); ok {
			kind = k
		}
	}
	f["mount:"+kind] = true
	for _, o := range options {
		key, _, _ := strings.Cut(o, "=")
		f[kind+":"+key] = true
		f[kind+":"+o] = true
	}
}

func (f features) form(i *dockerfile.Instruction) {
	text := strings.TrimSpace(i.Text())
	f.add(i.Keyword+":exec", i.Form == dockerfile.ExecForm || strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"))
	f.add(i.Keyword+":shell", i.Form == dockerfile.ShellForm)
	f.add("CMD:empty", i.Keyword == "CMD" && text == "[]")
	f.add("HEALTHCHECK:NONE", i.Keyword == "HEALTHCHECK" && strings.EqualFold(text, "none"))
	if first, _, _ := strings.Cut(text, " "); i.Keyword == "ENV" || i.Keyword == "LABEL" {
		f.add(i.Keyword+":legacy", !strings.Contains(first, "="))
	}
}

func (f features) heredocs(i *dockerfile.Instruction) {
	f.add(i.Keyword+"<<several", len(i.Heredocs) > 1)
	for _, h := range i.Heredocs {
		name := i.Keyword + "<<"
		if h.Chomp {
			name += "-"
		}
		if !h.Expand {
			name += "'"
		}
		f[name] = true
	}
}

var substitution = regexp.MustCompile(`\$\{\w+(:-|-|:\+|\+|:\?|##|#|%%|%|//|/)`)

func (f features) substitutions(i *dockerfile.Instruction) {
	for _, m := range substitution.FindAllStringSubmatch(i.Text(), -1) {
		f["${"+m[1]+"}"] = true
	}
	f.add(`\$`, strings.Contains(i.Text(), `\$`))
}

func (f features) from(i *dockerfile.Instruction) {
	base := i.Stage.Base
	name := base[strings.LastIndexByte(base, '/')+1:]
	stage := i.Stage.Parent != nil
	f.add("ref:scratch", base == "scratch")
	f.add("ref:digest", strings.Contains(base, "@sha256:"))
	f.add("ref:port", strings.Contains(base, ":5000/"))
	f.add("ref:variable", strings.Contains(base, "$"))
	f.add("ref:stage", stage)
	f.add("ref:untagged", !stage && base != "scratch" && !strings.ContainsAny(name, ":@$"))
	f.add("windows:nanoserver", strings.Contains(base, "nanoserver"))
}

func (f features) arg(i *dockerfile.Instruction) {
	f.add("arg:global", i.Stage == nil)
	f.add("arg:several", len(i.Words) > 1)
	for _, w := range i.Words {
		name, _, ok := strings.Cut(w.Text, "=")
		f["arg:"+name] = true
		f.add("arg:default", ok)
		f.add("arg:none", !ok)
	}
}
