package checks

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/pattern"
)

// A plan is copy-order deciding about one copy in one way of building the file.
type plan struct {
	ordering
	build   buildcontext.Build
	broad   contextCopy
	inputs  [][]string       // what each of the installs reads, as context paths
	outputs []place          // what they write, in the image
	absent  []string         // what they would look at if a working copy brought it, as context paths
	early   []ecosystem.Call // what steps before the copy have fetched for later ones
	fetched []ecosystem.Call // what steps before the command that is looked at have
	carried []string         // the words of copies before the copy that may bring such downloads
	served  []string         // the managers that have installed before the command that is looked at

	preparedOnce *string // the answer of prepared
}

// An outcome is what a plan comes to.
type outcome struct {
	guilty  *ecosystem.Install      // the first install that the copy makes run again; nil when there is none
	refused string                  // why the order cannot be changed, "" when it can
	first   *dockerfile.Instruction // the installs stand from first to last
	last    *dockerfile.Instruction
	inputs  []string // context paths that lines copy
	lines   []string // the instructions that copy them
	target  string   // where the copy writes, as an absolute path
}

// inBuild decides. The steps behind the copy are walked up to one that may read the sources; the installs met on the
// way can stand before the copy.
func (o ordering) inBuild(b buildcontext.Build, broad *dockerfile.Instruction, rest []*dockerfile.Instruction) outcome {
	c, ok := readCopy(b.Context, broad, o.at[broad])
	if !ok {
		return o.unseen(b, broad, rest)
	}
	if !c.broad(b.Context) {
		return outcome{}
	}
	p := &plan{ordering: o, build: b, broad: c, served: o.servedBefore(broad)}
	p.early, p.carried = o.fetchedBefore(broad)
	p.fetched = slices.Clip(p.early)
	var out outcome
	blocked := ""
	for _, i := range rest {
		installs, why := p.step(i)
		if len(installs) == 0 {
			blocked = either(blocked, why)
			continue
		}
		why = either(blocked, either(doubt(installs), why))
		if out.first == nil {
			out.first = i
		}
		if real := slices.IndexFunc(installs, notPreparing); out.guilty == nil && real < 0 {
			blocked, out.last = why, i
			continue
		} else if out.guilty == nil {
			out.guilty = &installs[real]
		} else if why != "" {
			why = fmt.Sprintf("`%s` further down depends on it as well: %s", spoken(installs[0].Command), why)
		}
		if why != "" {
			out.refused = why
			return out
		}
		out.last = i
	}
	return p.finish(out)
}

// notPreparing reports whether an install installs something.
func notPreparing(i ecosystem.Install) bool { return !i.Prepares }

// either is the first text that is not empty.
func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// doubt is why it is not known what one of the installs reads.
func doubt(installs []ecosystem.Install) string {
	for _, i := range installs {
		if i.Unknown != "" {
			return i.Unknown
		}
	}
	return ""
}

// unseen is the outcome for a copy whose files cannot be listed. If its words say that it brings the whole context, an
// install behind it runs again all the same.
func (o ordering) unseen(b buildcontext.Build, broad *dockerfile.Instruction, rest []*dockerfile.Instruction) outcome {
	call := o.plainly(broad, rest)
	if call == nil {
		return outcome{}
	}
	why := either(b.Unknown, "where it copies to is not known")
	return outcome{guilty: &ecosystem.Install{Manager: call.Manager, Command: call.Command}, refused: why}
}

// fetchedBefore is what steps before i, in its stage or one below, fetch for later ones, and the words of copies from
// elsewhere.
func (o ordering) fetchedBefore(i *dockerfile.Instruction) (calls []ecosystem.Call, copies []string) {
	for _, s := range lineage(o.stage) {
		for _, other := range s.Instructions {
			if other == i {
				return calls, copies
			}
			calls = append(calls, fetches(o.look(other))...)
			if _, from := other.Flag("from"); from {
				copies = append(copies, other.Text())
			}
		}
	}
	return calls, copies
}

// fetches are the calls of a step whose downloads later steps find. A build by Go counts for less: it may be that of a
// tool.
func fetches(s ecosystem.Step) []ecosystem.Call {
	var out []ecosystem.Call
	for _, c := range s.Calls {
		if len(c.Stays) > 0 && (c.Manager != "go" || !c.Implicit) {
			out = append(out, c)
		}
	}
	return out
}

// servedBefore are the managers that have installed before i, in its stage or one below.
func (o ordering) servedBefore(i *dockerfile.Instruction) []string {
	var out []string
	for _, s := range lineage(o.stage) {
		for _, other := range s.Instructions {
			if other == i {
				return out
			}
			for _, call := range o.look(other).Calls {
				out = append(out, call.Manager)
			}
		}
	}
	return out
}

// settled reports whether a command finds what it needs already there: a step has fetched it, or a mount keeps it.
func (p *plan) settled(i *dockerfile.Instruction, call ecosystem.Call) bool {
	if len(call.Stays) == 0 {
		return false
	}
	same := func(c ecosystem.Call) bool { return c.Manager == call.Manager }
	carries := func(text string) bool { return holdsAny(text, call.Stays) }
	return slices.ContainsFunc(p.early, same) || slices.ContainsFunc(p.carried, carries) ||
		call.Implicit && slices.ContainsFunc(p.fetched, same) || caches(i, call)
}

// step is what one instruction behind the copy means: installs that read what the copy brings, and why the copy cannot
// be moved behind the instruction.
func (p *plan) step(i *dockerfile.Instruction) (installs []ecosystem.Install, why string) {
	switch i.Keyword {
	case "RUN":
		return p.run(i)
	case "COPY", "ADD":
		return nil, p.crosses(i)
	case "WORKDIR":
		if !absolute(p.broad.instruction) && p.target() == "" {
			return nil, "the WORKDIR between the two changes where it copies to"
		}
	case "VOLUME":
		return nil, "a VOLUME stands between the two"
	}
	return nil, ""
}

// run is step for a RUN.
func (p *plan) run(i *dockerfile.Instruction) (installs []ecosystem.Install, why string) {
	step := p.look(i)
	why = mounts(i, p.broad.to)
	if step.Opaque != "" {
		why = either(why, "it is not known what a RUN behind it reads: "+step.Opaque)
	}
	if len(step.Others) > 0 {
		why = either(why, p.others(step))
	}
	for _, call := range step.Calls {
		found, reads := p.call(i, call)
		if found != nil {
			installs = append(installs, *found)
		}
		why = either(why, reads)
	}
	p.fetched = append(p.fetched, fetches(step)...)
	return installs, why
}

// others says that a RUN does more than install.
func (p *plan) others(step ecosystem.Step) string {
	name := spoken(step.Others[0])
	if len(step.Calls) == 0 {
		return fmt.Sprintf("`%s`, which stands between the two, may read the sources", name)
	}
	return fmt.Sprintf("the same RUN runs `%s`, which may read the sources; give the install a RUN of its own", name)
}

// call is step for one install command of a RUN.
func (p *plan) call(i *dockerfile.Instruction, call ecosystem.Call) (*ecosystem.Install, string) {
	name := spoken(call.Command)
	added := func(m string) bool { return slices.Contains(p.served, m) }
	if slices.ContainsFunc(call.AddsTo, added) {
		return nil, fmt.Sprintf("`%s`, which stands between the two, reads the sources", name)
	}
	p.served = append(p.served, call.Manager)
	at := p.at[i].workdir.join(call.Dir)
	if call.Anywhere {
		at = p.broad.to
	}
	root, dir, ok := p.broad.origin(at)
	if !ok {
		return p.elsewhere(call, at)
	}
	found := p.read(i, call, root, dir)
	switch {
	case found.Idle != "", p.settled(i, call):
		return nil, fmt.Sprintf("`%s`, which stands between the two, reads the sources", name)
	case !slices.ContainsFunc(found.Inputs, p.brings):
		p.writes(found)
		return nil, found.Unknown
	}
	found.Unknown = either(found.Unknown, either(p.steered(i), p.prepared()))
	p.writes(found)
	p.inputs = append(p.inputs, found.Inputs)
	return &found, ""
}

// read is what an install reads in a directory of the context, as context paths.
func (p *plan) read(i *dockerfile.Instruction, call ecosystem.Call, root, dir string) ecosystem.Install {
	key := readKey{p.build.Origin, call.Command.Span, root, p.broad.to, dir}
	if found, ok := p.reads[key]; ok {
		return found
	}
	sub, err := fs.Sub(p.build.Context, root)
	if err != nil {
		return ecosystem.Install{Manager: call.Manager, Command: call.Command, Unknown: root + " cannot be read"}
	}
	found := call.Read(ecosystem.Root{Context: sub, Image: p.broad.to.known(), Env: p.environment(i)}, dir)
	for k, in := range found.Inputs {
		found.Inputs[k] = path.Join(root, in)
	}
	for k, name := range found.Absent {
		found.Absent[k] = path.Join(root, name)
	}
	p.reads[key] = found
	return found
}

// environment is what variables hold while a RUN runs, with those that stand for settings that were written before.
func (p *plan) environment(i *dockerfile.Instruction) map[string]string {
	env := ecosystem.ImageEnv(lineage(p.stage)[0].Base)
	for _, v := range p.at[i].named {
		env[v.name] = v.text
	}
	for _, s := range lineage(p.stage) {
		for _, other := range s.Instructions {
			if other.Index > i.Index {
				break
			}
			for _, kv := range p.look(other).Sets {
				name, text, _ := strings.Cut(kv, "=")
				env[name] = text
			}
		}
	}
	return env
}

// elsewhere is call for a command that runs outside the directory the copy writes to, or where that cannot be told.
// Behind a copy of everything, an install whose place depends on the base image is taken to read the copy.
func (p *plan) elsewhere(call ecosystem.Call, at place) (*ecosystem.Install, string) {
	if at.apart(p.broad.to) {
		return nil, ""
	}
	why := fmt.Sprintf("`%s` runs where it is not known which files it sees", spoken(call.Command))
	if call.Implicit || at.comparable(p.broad.to) || !whole(p.broad.instruction) {
		return nil, why
	}
	return &ecosystem.Install{Manager: call.Manager, Command: call.Command, Unknown: why}, ""
}

// brings reports whether the copy brings a file.
func (p *plan) brings(name string) bool {
	_, ok := p.broad.image(name)
	return ok
}

// writes notes what an install writes.
func (p *plan) writes(i ecosystem.Install) {
	for _, out := range i.Outputs {
		p.outputs = append(p.outputs, p.broad.to.join(out))
	}
	p.absent = append(p.absent, i.Absent...)
}

// steered is why a variable makes it unknown what an install reads. Where Go's own variables say that modules go counts
// as written.
func (p *plan) steered(i *dockerfile.Instruction) string {
	if p.at[i].lost {
		return "the stage sets too many variables to follow"
	}
	for _, v := range p.at[i].named {
		if v.name == "GOPATH" || v.name == "GOMODCACHE" {
			p.outputs = append(p.outputs, p.broad.to.join(v.text))
		}
		if ecosystem.Steers(v.name, v.text) {
			return "the variable " + v.name + " may make the install read other files"
		}
		if name := p.pointed(i, v); name != "" {
			return fmt.Sprintf("the variable %s names %s, which is part of the sources", v.name, name)
		}
	}
	return ""
}

// pointed is a place of the sources that a variable names: certificates, settings, a program. Nobody knows all the
// variables that installs look at, so only some that are surely made for programs are left out, and those that are
// looked at elsewhere. The proof judges by a list of its own (prove/pointed.go): a fix has to pass both.
func (p *plan) pointed(i *dockerfile.Instruction, v variableSet) string {
	if forPrograms.MatchString(v.name) || v.name == "PATH" || v.name == "PYTHONPATH" {
		return ""
	}
	text, ok := p.at[i].expand(v.text)
	if !ok {
		text = v.text
	}
	return p.named(i, text, ofTools.MatchString(v.name))
}

// named is the first place of the sources that a text names, seen from where a step runs; whole says that their
// directory itself counts.
func (p *plan) named(i *dockerfile.Instruction, text string, whole bool) string {
	for _, part := range betweenPaths.Split(strings.ReplaceAll(text, "file://", " "), -1) {
		if !strings.ContainsAny(part, "./") {
			continue
		}
		name, ok := p.broad.name(p.at[i].workdir.join(part))
		if !ok || name == "." && !whole {
			continue
		}
		if _, err := fs.Stat(p.build.Context, name); err == nil && !p.broughtBefore(name) {
			return part
		}
	}
	return ""
}

var (
	// forPrograms match variables that tell an image's program where its things are.
	forPrograms = pattern.New(`^(APP|BASE|CODE|CONFIG|DATA|DATABASE|DB|DJANGO|FLASK|HOST|LOG|MEDIA|NEXT|NODE_CONFIG|NUXT|PORT|PROJECT|` +
		`RAILS|ROOT|SERVER|SERVICE|SITE|SOURCE|SRC|STATIC|UPLOADS?|VITE|WEB|WORKDIR|WORKSPACE)(_\w+)?$`)
	// ofTools match variables that tools look at: one may name the directory of the sources as a whole.
	ofTools = pattern.New(`(?i)^(HOME$|XDG_|LD_|DYLD_|PYTHON|PIP|UV_|POETRY|PDM|CONDA|PERL|RUBY|GEM|BUNDLE|NODE|NPM|YARN|PNPM|BUN|` +
		`DENO|GO|CARGO|RUST|MIX|HEX|COMPOSER|PHP|MAVEN|M2|GRADLE|JAVA|NUGET|DOTNET|PUB_|STACK|CABAL|SWIFT|GIT|SSL|CURL|SSH)`)
	betweenPaths = pattern.New(`[\s:;,="'()&|<>]+`)
)

// caches reports whether a RUN keeps what a command downloads in a cache mount: then nothing is fetched twice.
func caches(i *dockerfile.Instruction, call ecosystem.Call) bool {
	return slices.ContainsFunc(i.Flags, func(f dockerfile.Flag) bool {
		return strings.EqualFold(f.Name, "mount") && strings.Contains(f.Value, "type=cache") && holdsAny(f.Value, call.Stays)
	})
}

func holdsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// mounts is why a RUN's mounts may show it the sources, or let it write where the copy writes.
func mounts(i *dockerfile.Instruction, to place) string {
	for _, f := range i.Flags {
		if !strings.EqualFold(f.Name, "mount") {
			continue
		}
		kind, target, from := mountOptions(f.Value)
		switch {
		case kind == "bind" && !from:
			return "a RUN behind it mounts the build context itself"
		case kind == "cache" || kind == "tmpfs":
			if _, in := to.below(place(path.Clean(target))); in {
				return "a RUN behind it mounts a cache below the directory it copies to"
			}
		case kind != "bind" && kind != "secret" && kind != "ssh":
			return "a RUN behind it has a mount that is not known"
		}
	}
	return ""
}

// mountOptions reads the value of RUN's --mount; see https://docs.docker.com/reference/dockerfile/#run---mount.
func mountOptions(value string) (kind, target string, from bool) {
	kind = "bind"
	for _, option := range strings.Split(value, ",") {
		switch key, text, _ := strings.Cut(option, "="); key {
		case "type":
			kind = text
		case "target", "dst", "destination":
			target = text
		case "from":
			from = true
		}
	}
	return kind, target, from
}

// crosses is why the copy cannot pass another COPY or ADD: both write to the same place, and not the same files.
func (p *plan) crosses(i *dockerfile.Instruction) string {
	const clash = "another COPY between the two writes to the same directory"
	target, ok := p.at[i].expand(strings.Trim(i.Words[len(i.Words)-1].Text, `"'`))
	if !ok {
		return clash
	}
	if p.at[i].workdir.join(target).apart(p.broad.to) {
		return ""
	}
	if !fromContext(i) || flagText(i) != flagText(p.broad.instruction) {
		return clash
	}
	c, ok := readCopy(p.build.Context, i, p.at[i])
	if !ok {
		return clash
	}
	for _, s := range c.sources {
		name := s.path
		if s.dir {
			name = path.Join(name, "x")
		}
		mine, brought := p.broad.image(name)
		if theirs, _ := c.image(name); !brought || mine != theirs {
			return clash
		}
	}
	return ""
}

// flagText is an instruction's flags as written, sorted.
func flagText(i *dockerfile.Instruction) string {
	var all []string
	for _, f := range i.Flags {
		all = append(all, i.File().Text(f.Span))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
