defmodule Jobs do
end
