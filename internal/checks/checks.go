// Package checks is the catalogue: every check lighterman knows, one short file each.
//
// Adding a check touches three new files and one line: copyorder.go, copy-order.md, testdata/checks/copy-order.txtar, and
// the list below. The page's before and after are run by the tests, and "make update" writes the row of the README.
package checks

import (
	"embed"
	"slices"

	"github.com/lighterman/lighterman/internal/check"
)

// All lists the catalogue in the order in which pages and tables show it.
func All() []*check.Check {
	return slices.Concat([]*check.Check{
		// Caching and order.
		copyOrder,
		aptUpdateAlone,
		volatileEarly,
		cacheMount,

		// Stages and base images.
		untaggedBase,
		unpinnedBase,
		staleDigest,
		untrustedRegistry,
		endOfLifeBase,
		heavyBase,
		stageLibcMismatch,
		buildToolsShipped,
		goDynamicBinary,
		goDebugInfo,
		unreachableStage,
		copyFromUnknown,

		// Users and secrets.
		rootUser,
		userNeverUsed,
		needsRoot,
		sudoCheck,
		secretInEnv,
		secretValue,
		credentialsInURL,
		secretFileCopied,

		// Package managers and layers.
		unfrozenInstall,
		unpinnedPackages,
		unneededPackages,
		devDependenciesShipped,
		assumeYes,
		aptRecommends,
		aptInScript,
		apkCacheKept,
		dnfCacheKept,
		pipCacheKept,
		npmCacheKept,
		yarnCacheKept,
		gemDocsKept,
		aptListsKept,
		lateCleanup,
		chownCopies,

		// COPY and the build context.
		addForLocalFiles,
		leakyContext,

		// How the image runs, and shells.
		shellForm,
		healthcheckMissing,
		unhealthyHealthcheck,
		repeatedInstruction,
		deprecatedMaintainer,
		relativeWorkdir,
		cdForWorkdir,
		pipeHidesFailure,
		uncheckedDownload,

		// The repository around it.
		unscannedImage,
	}, buildkitChecks) // BuildKit's own, by their names
}

// Named finds a check by its name or by what another tool calls it. Nil when there is none.
func Named(name string) *check.Check {
	all := All()
	n := slices.IndexFunc(all, func(c *check.Check) bool { return c.GoesBy(name) })
	if n < 0 {
		return nil
	}
	return all[n]
}

//go:embed *.md
var pages embed.FS

// Page is the documentation of a check as Markdown.
func Page(c *check.Check) string {
	text, err := pages.ReadFile(c.Name + ".md")
	if err != nil {
		panic(err) // the catalogue test reads every page
	}
	return string(text)
}

// Not in the catalogue, on purpose:
//
//   - sorting arguments, blank lines, the taste for heredocs: style is not our business;
//   - pins of operating system packages: the pinned version vanishes from the archive and the build breaks;
//   - a HEALTHCHECK for what runs on Kubernetes: it has probes of its own and ignores the image's.
