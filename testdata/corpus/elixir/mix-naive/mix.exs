defmodule Ticker.MixProject do
  use Mix.Project

  def project do
    [app: :ticker, version: "0.1.0", elixir: "~> 1.17", deps: deps()]
  end

  defp deps do
    [
      {:req, "~> 0.5.8"}
    ]
  end
end
