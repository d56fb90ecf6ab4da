variable "TAG" {
  default = "dev"
}

variable "PLATFORMS" {
  default = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
}

group "default" {
  targets = ["server", "agent", "tools"]
}

target "_common" {
  platforms = PLATFORMS
  args = {
    VERSION = TAG
  }
}

target "server" {
  inherits   = ["_common"]
  dockerfile = "server/Dockerfile"
  tags       = ["registry.example.com/server:${TAG}"]
}

target "agent" {
  inherits = ["_common"]
  name     = "agent-${item}"
  matrix = {
    item = ["slim", "full"]
  }
  context = "agent"
  target  = item
}

target "tools" {
  context    = "tools"
  dockerfile = "Containerfile"
  secret     = ["id=npmrc,src=.npmrc"]
  ssh        = ["default"]
}
