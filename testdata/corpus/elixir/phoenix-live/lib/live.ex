defmodule Live do
  def hello, do: :world
end
