defmodule Jobs.MixProject do
  use Mix.Project

  def project do
    [app: :jobs, version: "0.4.0", elixir: "~> 1.17", deps: deps(), releases: [jobs: []]]
  end

  defp deps do
    [{:oban, "~> 2.18.3"}]
  end
end
