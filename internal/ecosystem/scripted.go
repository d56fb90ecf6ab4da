package ecosystem

// homeFiles are settings that tools read in the user's home directory, which may be where the project is copied to.
var homeFiles = []string{".pip/pip.conf", ".config/pip/pip.conf", ".config/uv/uv.toml", ".config/pypoetry/config.toml",
	".config/pdm/config.toml", ".condarc", ".mambarc", ".gemrc", ".composer/config.json", ".composer/auth.json",
	".config/composer/config.json", ".gitconfig", ".netrc", ".mix/archives", ".config/NuGet/NuGet.Config"}

// home refuses a project that brings the settings of a home directory.
func (r *reading) home() {
	if len(r.inputs) == 0 {
		return
	}
	for _, name := range homeFiles {
		if r.there(name) {
			r.refuse("%s would hold for the install, too, if the sources were copied to the home directory", name)
		}
	}
}

// scripted knows the managers of Python, other than pip, and of Ruby, PHP and Elixir.
func scripted(words []string) verdict {
	for _, ask := range []func([]string) verdict{poetry, uv, pipenv, pdm, conda, bundler, composer, mix} {
		if v := ask(words); v.kind != other {
			return v
		}
	}
	return verdict{}
}
