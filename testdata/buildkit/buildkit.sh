#!/usr/bin/env bash
# A BuildKit daemon with a registry of base images beside it, on this machine's loopback address, for the tests that
# build for real. It needs root, overlayfs, runc and debootstrap (make deps-buildkit installs them), and asks only Debian's
# mirror and the Go module proxy. The images imitate those of the same name closely enough to build on; they hold this
# machine's certificates and are never published.
#
#   buildkit.sh deps    make the tools and the images, once; what is there already stays
#   buildkit.sh start   start both, if they do not run
#   buildkit.sh host    print what BUILDKIT_HOST has to be
#   buildkit.sh stop    end both
#   buildkit.sh prune   drop what the daemon has built
#   buildkit.sh clean   end both and remove everything
#
# LIGHTERMAN_BUILDKIT names the folder for all of it; without it, ~/.cache/lighterman-buildkit.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
state=${LIGHTERMAN_BUILDKIT:-$HOME/.cache/lighterman-buildkit}
bin=$state/bin
socket=unix://$state/buildkit.sock
registry=localhost:5055
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
certificates=/etc/ssl/certs/ca-certificates.crt

ctl() { "$bin/buildctl" --addr "$socket" "$@"; }

# build compiles the tools. They are tools of a small module of their own, so that ours does not link a daemon.
build() {
	mkdir -p "$bin"
	(cd "$here" && CGO_ENABLED=0 nice -n 10 go build -tags 'osusergo netgo' -ldflags='-s -w' -o "$bin/" tool)
	(cd "$here" && CGO_ENABLED=0 nice -n 10 go build -tags 'osusergo netgo' -ldflags='-s -w' -o "$bin/registry" .)
}

# running PIDFILE PROGRAM: whether the process of that file is ours and lives.
running() {
	[ -s "$1" ] && [ "$(readlink "/proc/$(cat "$1")/exe" 2>/dev/null)" = "$bin/$2" ]
}

wait_for() {
	for _ in $(seq 100); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	echo "buildkit.sh: no answer from: $*" >&2
	return 1
}

start() {
	mkdir -p "$state/registry/blobs" "$state/store"
	if ! running "$state/registry.pid" registry; then
		"$bin/registry" serve "$state/registry" >"$state/registry.log" 2>&1 </dev/null &
		echo $! >"$state/registry.pid"
	fi
	if ! running "$state/buildkitd.pid" buildkitd; then
		cat >"$state/buildkitd.toml" <<-TOML
			[worker.oci]
			  networkMode = "host"
			  maxUsedSpace = "8GB"
			  max-parallelism = 2
			[worker.containerd]
			  enabled = false
			[registry."$registry"]
			  http = true
			[registry."docker.io"]
			  mirrors = ["$registry"]
			[registry."gcr.io"]
			  mirrors = ["$registry"]
		TOML
		nice -n 10 "$bin/buildkitd" --addr "$socket" --root "$state/store" --config "$state/buildkitd.toml" \
			>"$state/buildkitd.log" 2>&1 </dev/null &
		echo $! >"$state/buildkitd.pid"
	fi
	wait_for ctl debug workers
	wait_for curl -fs "http://$registry/v2/"
}

stop() {
	for name in buildkitd registry; do
		local pidfile=$state/$name.pid
		if running "$pidfile" $name; then
			local pid
			pid=$(cat "$pidfile")
			kill "$pid"
			for _ in $(seq 100); do
				kill -0 "$pid" 2>/dev/null || break
				sleep 0.1
			done
		fi
		rm -f "$pidfile"
	done
}

# rootfs makes Debian's root file system with the settings that the official image has.
rootfs() {
	[ -f "$state/debian.tar" ] && return
	local root=$state/rootfs apt=$state/rootfs/etc/apt/apt.conf.d
	if [ ! -x "$root/bin/bash" ] || [ -d "$root/debootstrap" ]; then
		rm -rf "$root"
		nice -n 10 debootstrap --variant=minbase --include=ca-certificates bookworm "$root"
	fi
	cp "$certificates" "$root$certificates"
	rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/log/*.log "$root"/var/log/apt
	find "$root/usr/share/doc" -mindepth 1 -not -name copyright -not -type d -delete
	rm -rf "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/*
	mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
	printf 'path-exclude /usr/share/%s\n' 'doc/*' 'man/*' 'locale/*' 'info/*' >"$root/etc/dpkg/dpkg.cfg.d/docker"
	echo 'path-include /usr/share/doc/*/copyright' >>"$root/etc/dpkg/dpkg.cfg.d/docker"
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
	local cached='/var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin'
	local hook
	for hook in DPkg::Post-Invoke APT::Update::Post-Invoke; do
		echo "$hook { \"rm -f $cached || true\"; };"
	done >"$apt/docker-clean"
	echo 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";' >>"$apt/docker-clean"
	echo 'Acquire::Languages "none";' >"$apt/docker-no-languages"
	echo 'Acquire::GzipIndexes "true";' >"$apt/docker-gzip-indexes"
	echo 'Apt::AutoRemove::SuggestsImportant "false";' >"$apt/docker-autoremove-suggests"
	tar --numeric-owner --sort=name -C "$root" -cf "$state/debian.tar.new" --exclude='./dev/*' --exclude='./proc/*' \
		--exclude='./sys/*' --exclude='./etc/resolv.conf' --exclude='./etc/hostname' .
	mv "$state/debian.tar.new" "$state/debian.tar"
	rm -rf "$root"
}

has() { curl -fs -o /dev/null "http://$registry/v2/$1/manifests/$2"; }

# image DOCKERFILE REPOSITORY TAG [buildctl's arguments]: builds one and pushes it.
image() {
	local file=$1 repository=$2 tag=$3
	shift 3
	has "$repository" "$tag" && return
	ctl build --progress plain --frontend dockerfile.v0 --local context="$here/images" --local dockerfile="$here/images" \
		--opt filename="$file" "$@" \
		--output type=image,name="$registry/$repository:$tag",push=true,registry.insecure=true
}

images() {
	local tag
	for tag in 12-slim 12 bookworm bookworm-slim; do
		has library/debian $tag || "$bin/registry" push "$state/debian.tar" "$registry/library/debian:$tag" PATH=$path
	done
	local node npm
	node=$(readlink -f "$(command -v node)")
	npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
	image node.Dockerfile library/node 22-bookworm-slim --opt build-arg:CERTIFICATES=$certificates \
		--opt context:node=local:node --local node="$(dirname "$node")" --opt context:npm=local:npm --local npm="$npm"
	local own # the release that our own container file builds with
	own=$(sed -n 's/^FROM .*golang:\([^ @]*\).* AS build$/\1/p' "$here/../../deploy/Dockerfile")
	for tag in 1.26-bookworm "$own"; do
		image golang.Dockerfile library/golang "$tag" --opt context:go=local:go --local go="$(go env GOROOT)"
	done
	image python.Dockerfile library/python 3-slim
	image static.Dockerfile distroless/static-debian12 latest
	image static.Dockerfile distroless/static-debian12 nonroot --opt target=nonroot
	image busybox.Dockerfile library/busybox latest
	ctl prune --all >/dev/null
}

case "${1-}" in
deps)
	build
	rootfs
	start
	images
	stop
	;;
start) start ;;
host) echo "$socket" ;;
stop) stop ;;
prune) ctl prune --all >/dev/null ;;
clean)
	stop
	rm -rf "$state"
	;;
*)
	sed -n '2,15s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
