defmodule Hooks.MixProject do
  use Mix.Project

  def project do
    [app: :hooks, version: "0.4.0", elixir: "~> 1.17", deps: deps(), releases: [hooks: []]]
  end

  defp deps do
    [{:bandit, "~> 1.6.0"}, {:plug, "~> 1.16.1"}]
  end
end
