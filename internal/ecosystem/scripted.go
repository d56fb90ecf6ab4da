package ecosystem

// scripted knows the managers of Python, other than pip, and of Ruby, PHP and Elixir.
func scripted(words []string) verdict {
	for _, ask := range []func([]string) verdict{poetry, uv, pipenv, pdm, conda, bundler, composer, mix} {
		if v := ask(words); v.kind != other {
			return v
		}
	}
	return verdict{}
}
