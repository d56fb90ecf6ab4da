defmodule Board do
end
