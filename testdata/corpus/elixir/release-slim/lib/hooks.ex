defmodule Hooks do
end
