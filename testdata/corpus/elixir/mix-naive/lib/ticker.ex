defmodule Ticker do
  def hello, do: :world
end
