variable "TAG" { default = "dev" }
variable "REGISTRY" { default = "registry.example.com/team" }

function "name" {
  params = [image]
  result = "${REGISTRY}/${image}:${TAG}"
}

group "default" { targets = ["app", "tools"] }

target "_common" {
  context   = "."
  platforms = ["linux/amd64", "linux/arm64"]
  args      = { GOFLAGS = "-mod=mod" }
}

target "app" {
  inherits = ["_common"]
  tags     = [name("app")]
}

target "tools" {
  inherits   = ["_common"]
  dockerfile = "tools.Dockerfile"
  target     = "final"
  secret     = ["id=token,env=TOKEN"]
  matrix     = { v = ["1", "2"] }
  name       = "tools-${v}"
  args       = { V = v }
}
