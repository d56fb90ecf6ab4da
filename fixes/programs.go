package fixes

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// What may stand in a script that a recipe extends or joins. All of it is allowlists: what is not known is refused.

// harmless are the shell's own commands that change nothing in the shell (printf only without -v, which assigns).
var harmless = words(`true false echo printf test [ pwd`)

// builtins are the other commands, keywords and reserved words of dash, bash and busybox ash, special and regular
// (POSIX.1-2024 XCU 2.15 and 1.7; bash(1) SHELL BUILTIN COMMANDS; dash(1)): they change the shell that runs what
// follows, or leave it.
var builtins = words(`. : break continue eval exec exit export readonly return set shift times trap unset
	alias bg cd command fc fg getopts hash jobs kill newgrp read type ulimit umask unalias wait
	bind builtin caller chdir compgen complete compopt coproc declare dirs disown enable help history let local logout
	mapfile popd pushd readarray shopt source suspend typeset
	! [[ ]] { } case do done elif else esac fi for function if in select then time until while`)

// programs are known to be programs, not something a shell does itself, to leave nothing running and nothing changed
// that a new container would see and a running shell would not (a home directory, a locale).
var programs = words(`awk base64 basename cat cksum cmp comm cp cut date dd df diff dirname du egrep
	expand expr fgrep find fold getent grep groups head hostname id install join link ln ls md5sum mkfifo mknod mktemp
	mv nl od paste patch readlink realpath sed seq sha1sum sha256sum sha512sum shred sleep sort split stat strip
	sync tac tail tee tr truncate uname uniq unlink wc which whoami
	bunzip2 bzip2 cpio gunzip gzip tar unxz unzip unzstd xz zip zstd curl wget git
	addgroup adduser chpasswd groupadd useradd debconf-set-selections ldconfig setcap update-alternatives
	pip pip3 pipx pipenv poetry pdm uv virtualenv python python3 conda mamba micromamba
	bun corepack node npm npx pnpm yarn bundle gem rake ruby composer pear pecl php docker-php-ext-configure
	docker-php-ext-enable docker-php-ext-install cargo go rustc rustup java javac mvn
	autoconf automake autoreconf cc clang cmake configure g++ gcc make meson ninja cpan cpanm perl mix rebar3
	cabal stack opam luarocks R Rscript a2dissite a2enmod a2ensite phpenmod jq openssl tsc`)

// settled are programs as well. Besides, what they install goes where the system always keeps it, so that a shell
// which remembers where it found a program stays right.
var settled = words(`add-apt-repository apk apt apt-cache apt-get apt-key apt-mark aptitude dnf dpkg
	microdnf opkg pacman rpm tdnf update-ca-certificates update-ca-trust yum zypper
	chgrp chmod chown mkdir rm rmdir touch`)

// words makes a set of a list.
func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// expansion matches what of a parameter expansion a script may hold: $name and ${name}, nothing that assigns,
// computes, fails or runs a command.
var expansion = regexp.MustCompile(`\$(?:\{([A-Za-z]\w*)\}|([A-Za-z]\w*))`)

// varying are the variables that a shell changes by itself as it goes along (bash(1) Shell Variables; ash has some
// too).
var varying = words(`BASHPID COPROC DIRSTACK EPOCHREALTIME EPOCHSECONDS FUNCNAME HISTCMD LINENO OLDPWD OPTARG OPTIND
	PIPESTATUS PPID RANDOM REPLY SECONDS SHLVL SRANDOM`)

// steady says why the value of an argument may depend on what the shell did before, or change it.
func steady(w dockerfile.Argument) error {
	if w.Literal {
		return nil
	}
	for _, m := range expansion.FindAllStringSubmatch(w.Text, -1) {
		if name := m[1] + m[2]; varying[name] || strings.HasPrefix(name, "BASH") {
			return refuse("$%s depends on what the shell did before", name)
		}
	}
	if rest := expansion.ReplaceAllString(w.Text, ""); strings.ContainsAny(rest, "$`") || strings.Contains(rest, "(") {
		return refuse("%s is more than a plain variable", w.Text)
	}
	return nil
}

// program is the name of the program that c starts; an error when it may be the shell itself that acts.
func program(c dockerfile.Command) (string, error) {
	if len(c.Words) == 0 || !c.Words[0].Literal {
		return "", refuse("which program runs is known only to the shell")
	}
	name := c.Words[0].Text
	if builtins[name] || name == "printf" && printsToVariable(c) {
		return "", refuse("%s changes the shell that runs what follows", name)
	}
	return c.Name(), nil
}

// printsToVariable reports whether a printf may be given bash's -v.
func printsToVariable(c dockerfile.Command) bool {
	return len(c.Words) > 1 && (!c.Words[1].Literal || strings.HasPrefix(c.Words[1].Text, "-"))
}

// plainShell says why the shell of i may know more commands than its own: it is a login or interactive shell, or
// BASH_ENV names a file of functions.
func plainShell(f *dockerfile.File, i *dockerfile.Instruction) error {
	shell := i.Stage.Before(i).Shell
	for k := 1; k < len(shell); k++ {
		switch {
		case shell[k] == "pipefail" && strings.HasSuffix(shell[k-1], "o"):
		case strings.HasPrefix(shell[k], "-") && strings.Trim(shell[k][1:], "ceuxo") == "":
		default:
			return refuse("the shell is started with %s", shell[k])
		}
	}
	for _, other := range f.Instructions {
		if slices.Contains([]string{"ENV", "ARG"}, other.Keyword) && strings.Contains(other.Text(), "BASH_ENV") {
			return refuse("BASH_ENV gives the shell commands of its own")
		}
	}
	return nil
}

// scripted is the end of a recipe that changes the script of run: the edits, if they are sound and run's commands are
// then exactly those wanted.
func scripted(f *dockerfile.File, run *dockerfile.Instruction, more int, want []dockerfile.Command,
	edits ...Edit) ([]Edit, error) {
	if err := sound(f, edits, more); err != nil {
		return nil, err
	}
	src, err := Apply(f.Path, f.Src, edits)
	if err != nil {
		return nil, err
	}
	g, err := dockerfile.Parse(f.Path, src)
	if err != nil {
		return nil, err
	}
	lists, err := listsOf(g, g.Instructions[run.Index])
	if err != nil {
		return nil, refuse("the result would be another script: %v", err)
	}
	var got []dockerfile.Command
	for _, l := range lists {
		got = append(got, l.Commands()...)
	}
	if !slices.EqualFunc(got, want, sameCommand) {
		return nil, refuse("the result would be other commands than meant")
	}
	return edits, nil
}

func sameCommand(a, b dockerfile.Command) bool {
	return slices.EqualFunc(a.Words, b.Words, func(v, w dockerfile.Argument) bool {
		return v.Text == w.Text && v.Literal == w.Literal
	})
}
