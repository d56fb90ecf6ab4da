package github

import (
	"context"
	"errors"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// InstallationOf is the App's installation in an account, be it an organisation's or a person's. The error wraps
// forge.ErrGone when the App is not installed there.
func (a *App) InstallationOf(ctx context.Context, owner string) (int64, error) {
	apps := a.itself().Apps
	err := error(nil)
	for _, find := range []func(context.Context, string) (*gogithub.Installation, *gogithub.Response, error){
		apps.FindOrganizationInstallation, apps.FindUserInstallation,
	} {
		var found *gogithub.Installation
		if found, _, err = find(ctx, owner); err == nil {
			return found.GetID(), nil
		}
		if err = meaning(err); !errors.Is(err, forge.ErrGone) {
			break
		}
	}
	return 0, doing(err, "find the installation of %s", owner)
}
