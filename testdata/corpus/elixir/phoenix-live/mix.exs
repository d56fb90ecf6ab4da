defmodule Live.MixProject do
  use Mix.Project

  def project do
    [app: :live, version: "0.1.0", elixir: "~> 1.17", deps: deps()]
  end

  defp deps do
    [
      {:phoenix, "~> 1.7.18"},
      {:bandit, "~> 1.6.1"}
    ]
  end
end
